import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { LoadFailure } from "@/shared/Problem";

/** When a page itself breaks: the rest of the shell stays, and Retry draws the page again. */
export function PageCrash({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return <LoadFailure error={error} onRetry={retry} isRetrying={false} />;
}
