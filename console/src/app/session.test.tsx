import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiProblem } from "@/api/client";
import { answer, DANA, problem } from "@/testing/draw";
import { enter, leave, noticeEnd, type SessionState, sessionQuery } from "./session";

const server = vi.fn<() => Promise<Response>>();
let queries: QueryClient;

beforeEach(() => {
  server.mockReset();
  vi.stubGlobal("fetch", server);
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
});

const ask = () => queries.fetchQuery({ ...sessionQuery(queries), staleTime: 0 });
const state = () => queries.getQueryData<SessionState>(["session"]);
const NOBODY = () => problem(401, "not_signed_in", "Nobody is signed in.");

describe("the session", () => {
  it("is the person whom the server names", async () => {
    server.mockResolvedValue(answer(200, DANA));

    expect(await ask()).toEqual({ status: "signed_in", viewer: DANA });
  });

  it("is nobody before anybody signed in, without a word of a session that ended", async () => {
    server.mockImplementation(async () => NOBODY());

    expect(await ask()).toEqual({ status: "signed_out" });
  });

  it("has ended when the server forgets somebody who was signed in", async () => {
    server.mockResolvedValueOnce(answer(200, DANA)).mockImplementation(async () => NOBODY());

    await ask();

    const ended = { status: "ended", reason: expect.stringContaining("Your session has ended.") };
    expect(await ask()).toEqual(ended);
    expect(await ask()).toEqual(ended);
  });

  it("has ended for a person who was disabled meanwhile, with the server's reason", async () => {
    server.mockResolvedValueOnce(answer(200, DANA));
    await ask();
    server.mockResolvedValue(problem(403, "member_disabled", "This account is disabled."));

    expect(await ask()).toEqual({ status: "ended", reason: "This account is disabled." });
  });

  it("ends at once when any call is refused for want of a session, and at no other refusal", () => {
    enter(queries, DANA);

    noticeEnd(queries, new ApiProblem({ status: 403, code: "not_permitted", detail: "No." }));
    noticeEnd(queries, new ApiProblem({ status: 401, code: "sign_in_failed", detail: "No." }));
    expect(state()?.status).toBe("signed_in");

    noticeEnd(queries, new ApiProblem({ status: 401, code: "not_signed_in", detail: "Nobody." }));
    expect(state()?.status).toBe("ended");
  });

  it("leaves nothing that one person saw to the next", () => {
    enter(queries, DANA);
    queries.setQueryData(["get", "/api/v1/members"], ["everyone at Acme"]);

    leave(queries);

    expect(state()).toEqual({ status: "signed_out" });
    expect(queries.getQueryData(["get", "/api/v1/members"])).toBeUndefined();
  });

  it("stays unknown while the server is broken, instead of throwing people out", async () => {
    server.mockImplementation(async () => problem(503, "unavailable", "Not now."));

    await expect(ask()).rejects.toThrow("Not now.");
    expect(state()).toBeUndefined();
  });

  it("gives a role that this console does not know the rights of the lowest", async () => {
    server.mockResolvedValue(answer(200, { ...DANA, role: "auditor" }));

    expect(await ask()).toMatchObject({ viewer: { role: "member" } });
  });
});
