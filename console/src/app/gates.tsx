/** The two sides of the door: what is seen signed in, and what is seen before. */
import { Center, Loader } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Navigate, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { SignInPage } from "@/features/sign-in/SignInPage";
import { LoadFailure } from "@/shared/Problem";
import { Surface } from "@/shared/Surface";
import { texts } from "@/shared/texts";
import { ViewerContext } from "@/shared/viewer";
import { homeOf, returnAddress } from "./navigation";
import { Shell } from "./Shell";
import { enter, useSessionState } from "./session";
import { ThemeSwitch } from "./ThemeSwitch";

/** Everything but the sign-in page: nobody gets in without a session, and whoever loses it comes back here. */
export function SignedIn() {
  const { data, error, refetch, isFetching } = useSessionState();
  if (data === undefined)
    return <Starting error={error} onRetry={() => void refetch()} isRetrying={isFetching} />;
  if (data.status !== "signed_in") return <ToDoor />;
  return (
    <ViewerContext value={data.viewer}>
      <Shell />
    </ViewerContext>
  );
}

function ToDoor() {
  const { latestLocation } = useRouter();
  // Where one was, kept from the moment it was needed: under way to the door the address is the door's already.
  const [next] = useState(() => returnAddress(latestLocation.href));
  return <Navigate to="/login" search={{ next }} replace />;
}

/** The sign-in page, and the way back to where one was. */
export function Door({ next }: { next?: string }) {
  const { data, error, refetch, isFetching } = useSessionState();
  const queries = useQueryClient();
  if (data === undefined)
    return <Starting error={error} onRetry={() => void refetch()} isRetrying={isFetching} />;
  if (data.status === "signed_in") return <GoTo address={next ?? homeOf(data.viewer.role)} />;
  return (
    <SignInPage
      notice={data.status === "ended" ? data.reason : undefined}
      onSignedIn={(session) => enter(queries, session)}
      corner={<ThemeSwitch />}
    />
  );
}

/** To an address with its search and all, which a link to a page cannot express. */
function GoTo({ address }: { address: string }) {
  const { history } = useRouter();
  useEffect(() => history.replace(address), [history, address]);
  return null;
}

interface StartingProps {
  error: unknown;
  onRetry: () => void;
  isRetrying: boolean;
}

function Starting({ error, onRetry, isRetrying }: StartingProps) {
  return (
    <Center component="main" mih="100dvh" p="md">
      {error ? (
        <Surface>
          <LoadFailure
            title={texts.errors.startTitle}
            error={error}
            onRetry={onRetry}
            isRetrying={isRetrying}
          />
        </Surface>
      ) : (
        <Loader size="sm" aria-label={texts.product} />
      )}
    </Center>
  );
}
