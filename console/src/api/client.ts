/**
 * The one way to the server: a client typed from the contract, in which every answer that is not a success,
 * and every answer that never came, arrives as an `ApiProblem`.
 */
import createClient, { type Middleware } from "openapi-fetch";
import createQueries from "openapi-react-query";
import type { paths } from "./schema";

export interface ProblemField {
  field: string;
  code: string;
  detail: string;
}

interface Problem {
  status: number;
  code: string;
  detail: string;
  hint?: string | null;
  fields?: ProblemField[] | null;
  request_id?: string | null;
}

/** Why a call did not succeed, in the server's words where it had any. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  readonly fields: ProblemField[];
  readonly requestId: string | null;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ApiProblem";
    this.status = problem.status;
    this.code = problem.code;
    this.hint = problem.hint ?? null;
    this.fields = problem.fields ?? [];
    this.requestId = problem.request_id ?? null;
  }

  /** The server did not answer, or broke: the same call may well succeed later. */
  get mayPass(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Anything thrown, as a problem that can be shown. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem({ status: 0, code: "unexpected", detail: "Something went wrong in this page." });
}

const UNREACHABLE = "Bursar cannot be reached. Check your connection, then try again.";

async function problemIn(response: Response): Promise<ApiProblem> {
  const requestId = response.headers.get("x-request-id");
  try {
    const body: unknown = await response.clone().json();
    if (typeof body === "object" && body !== null && "code" in body && "detail" in body) {
      return new ApiProblem({ request_id: requestId, ...(body as Problem), status: response.status });
    }
  } catch {
    // A proxy in front of the server answers in HTML; the status is all there is to say then.
  }
  const detail =
    response.status >= 502 ? UNREACHABLE : `The server answered ${response.status} without a reason.`;
  return new ApiProblem({ status: response.status, code: "no_reason", detail, request_id: requestId });
}

const problemsAreThrown: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await problemIn(response);
  },
  onError() {
    return new ApiProblem({ status: 0, code: "unreachable", detail: UNREACHABLE });
  },
};

// Handing `fetch` on at each call, not once, lets tests put their own in its place.
export const client = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (request) => fetch(request),
});
client.use(problemsAreThrown);

export const api = createQueries(client);

/** The parts of the contract that more than one folder speaks of. */
export type WireSession = paths["/api/v1/session"]["get"]["responses"][200]["content"]["application/json"];
