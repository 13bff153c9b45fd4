import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { answer, DANA, draw, problem } from "@/testing/draw";
import { SignInPage } from "./SignInPage";

const server = vi.fn<(request: Request) => Promise<Response>>();
const onSignedIn = vi.fn();

beforeEach(() => {
  server.mockReset();
  onSignedIn.mockReset();
  vi.stubGlobal("fetch", server);
});

const nameField = () => screen.getByLabelText("Username or email") as HTMLInputElement;
const passwordField = () => screen.getByLabelText("Password") as HTMLInputElement;
const button = () => screen.getByRole("button", { name: "Sign in" }) as HTMLButtonElement;

async function signIn(name = "dana", password = "a secret") {
  draw(<SignInPage onSignedIn={onSignedIn} />);
  await userEvent.type(nameField(), name);
  await userEvent.type(passwordField(), password);
  await userEvent.click(button());
}

describe("the sign-in form", () => {
  it("hands on the session that the server gives for name and password", async () => {
    server.mockResolvedValue(answer(200, DANA));

    await signIn(" dana ", " a secret ");

    await waitFor(() => expect(onSignedIn.mock.calls[0]?.[0]).toEqual(DANA));
    const request = server.mock.calls[0]?.[0];
    expect(request?.method).toBe("POST");
    expect(new URL(request?.url ?? "").pathname).toBe("/api/v1/session");
    expect(await request?.json()).toEqual({ name: "dana", password: " a secret " });
  });

  it("says at the field what is missing, and asks nobody", async () => {
    draw(<SignInPage onSignedIn={onSignedIn} />);

    await userEvent.click(button());

    expect(screen.getByText("Enter your username or your email.")).toBeTruthy();
    expect(screen.getByText("Enter your password.")).toBeTruthy();
    expect(document.activeElement).toBe(nameField());
    expect(server).not.toHaveBeenCalled();
  });

  it("shows the refusal with its request id, keeps the name and asks for the password again", async () => {
    server.mockResolvedValue(problem(401, "sign_in_failed", "Name or password is wrong."));

    await signIn();

    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("Name or password is wrong.");
    expect(alert.textContent).toContain("Request id req_7");
    expect(nameField().value).toBe("dana");
    expect(passwordField().value).toBe("");
    await waitFor(() => expect(document.activeElement).toBe(passwordField()));
    expect(onSignedIn).not.toHaveBeenCalled();
  });

  it("tells a disabled member so, with the hint", async () => {
    server.mockResolvedValue(
      problem(403, "member_disabled", "This account is disabled.", { hint: "Ask an admin." }),
    );

    await signIn();

    expect((await screen.findByRole("alert")).textContent).toContain(
      "This account is disabled. Ask an admin.",
    );
  });

  it("keeps everything typed when the server cannot be reached, so that it can be sent again", async () => {
    server.mockRejectedValueOnce(new TypeError("Failed to fetch")).mockResolvedValueOnce(answer(200, DANA));

    await signIn();

    expect((await screen.findByRole("alert")).textContent).toContain("Bursar cannot be reached.");
    expect(passwordField().value).toBe("a secret");
    await userEvent.click(button());
    await waitFor(() => expect(onSignedIn).toHaveBeenCalledOnce());
  });

  it("understands a proxy that answers in HTML", async () => {
    server.mockResolvedValue(new Response("<html>Bad gateway</html>", { status: 502 }));

    await signIn();

    expect((await screen.findByRole("alert")).textContent).toContain("Bursar cannot be reached.");
  });

  it("is inert while it is being sent, and is sent once", async () => {
    let respond: (response: Response) => void = () => {};
    server.mockReturnValue(new Promise((resolve) => (respond = resolve)));

    await signIn();

    expect(nameField().matches(":disabled")).toBe(true);
    expect(button().matches(":disabled")).toBe(true);
    respond(answer(200, DANA));
    await waitFor(() => expect(onSignedIn).toHaveBeenCalledOnce());
    expect(server).toHaveBeenCalledOnce();
  });

  it("explains why one is back here again", () => {
    draw(<SignInPage notice="Your session has ended." onSignedIn={onSignedIn} />);

    expect(screen.getByRole("status").textContent).toContain("Your session has ended.");
  });
});
