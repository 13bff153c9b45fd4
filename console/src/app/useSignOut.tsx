import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { client, problemOf } from "@/api/client";
import { ProblemText } from "@/shared/Problem";
import { texts } from "@/shared/texts";
import { leave } from "./session";

/** Signs out at the server first: only then is it true that the session is gone. */
export function useSignOut() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { mutate, isPending } = useMutation({
    mutationFn: async () => {
      try {
        await client.DELETE("/api/v1/session");
      } catch (error) {
        // Signed out in another window already: that is what was asked for.
        if (problemOf(error).status !== 401) throw error;
      }
    },
    onSuccess: async () => {
      leave(queries);
      await navigate({ to: "/login", search: {}, replace: true });
    },
    onError: (error) => {
      notifications.show({
        color: "red",
        title: texts.person.signOutFailed,
        message: <ProblemText error={error} />,
        autoClose: false,
      });
    },
  });
  return { run: () => mutate(), isPending };
}
