/** Who is signed in: one query that everything else follows, and what ends it. */
import { type QueryClient, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { client, problemOf, type WireSession } from "@/api/client";
import { texts } from "@/shared/texts";
import { ROLES, type Viewer } from "@/shared/viewer";

export type SessionState =
  | { status: "signed_in"; viewer: Viewer }
  /** Nobody signed in yet, or signed out on purpose. */
  | { status: "signed_out" }
  /** Somebody was signed in, and the server says that this is over. */
  | { status: "ended"; reason: string };

const SESSION_KEY = ["session"] as const;

/** The session as the server told it. A role this console does not know gets the rights of the lowest. */
function known(session: WireSession): Viewer {
  const role = ROLES.find((candidate) => candidate === session.role) ?? "member";
  return { ...session, role };
}

export const sessionQuery = (queries: QueryClient) =>
  queryOptions({
    queryKey: SESSION_KEY,
    staleTime: 30_000,
    queryFn: async (): Promise<SessionState> => {
      try {
        const { data } = await client.GET("/api/v1/session");
        if (data !== undefined) return { status: "signed_in", viewer: known(data) };
      } catch (error) {
        const problem = problemOf(error);
        // A session of somebody who was disabled meanwhile is over too; the server says why.
        if (problem.status === 403) return { status: "ended", reason: problem.message };
        if (problem.status !== 401) throw error;
      }
      return withoutSession(queries.getQueryData<SessionState>(SESSION_KEY));
    },
  });

function withoutSession(before: SessionState | undefined): SessionState {
  if (before?.status === "ended") return before;
  return before?.status === "signed_in"
    ? { status: "ended", reason: texts.signIn.ended }
    : { status: "signed_out" };
}

export function useSessionState() {
  return useQuery(sessionQuery(useQueryClient()));
}

/** Begin as this person. */
export function enter(queries: QueryClient, session: WireSession): void {
  startAfresh(queries, { status: "signed_in", viewer: known(session) });
}

/** Called after signing out on purpose. */
export function leave(queries: QueryClient): void {
  startAfresh(queries, { status: "signed_out" });
}

/** Nothing that the last person saw may remain for the next. */
function startAfresh(queries: QueryClient, state: SessionState): void {
  queries.setQueryData<SessionState>(SESSION_KEY, state);
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
}

/** Called with every failure of every call: the first 401 shows the sign-in page, wherever one is. */
export function noticeEnd(queries: QueryClient, error: unknown): void {
  if (problemOf(error).code !== "not_signed_in") return;
  queries.setQueryData<SessionState>(SESSION_KEY, (before) => withoutSession(before));
}
