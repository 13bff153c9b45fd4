import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { CircleAlert, Clock } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { type ApiProblem, api, problemOf, type WireSession } from "@/api/client";
import { Mark } from "@/shared/Mark";
import { ProblemText } from "@/shared/Problem";
import { texts } from "@/shared/texts";
import classes from "./SignInPage.module.css";

const words = texts.signIn;

interface SignInPageProps {
  /** Why somebody who was signed in is here again. */
  notice?: string;
  onSignedIn: (session: WireSession) => void;
  /** Stands in the upper right corner. */
  corner?: ReactNode;
}

/** The one door of the platform, for every role and tenant. */
export function SignInPage({ notice, onSignedIn, corner }: SignInPageProps) {
  useEffect(() => {
    document.title = words.title;
  }, []);
  return (
    <main className={classes.page}>
      {corner && <div className={classes.corner}>{corner}</div>}
      <div className={classes.head}>
        <Mark size={44} />
        <h1 className={classes.title}>{words.title}</h1>
        <p className={classes.intro}>{words.intro}</p>
      </div>
      <div className={classes.card}>
        <SignInForm notice={notice} onSignedIn={onSignedIn} />
      </div>
      <p className={classes.foot}>{words.noAccount}</p>
    </main>
  );
}

function SignInForm({ notice, onSignedIn }: SignInPageProps) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [missing, setMissing] = useState<{ name?: string; password?: string }>({});
  const nameField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const signIn = api.useMutation("post", "/api/v1/session", {
    onSuccess: onSignedIn,
    onError: (error) => {
      // What the server could not even look at may be sent again as it is.
      if (problemOf(error).mayPass) return;
      setPassword("");
      // The form is inert until it is drawn again.
      requestAnimationFrame(() => passwordField.current?.focus());
    },
  });
  useEffect(() => nameField.current?.focus(), []);
  const problem = signIn.error === null ? null : problemOf(signIn.error);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (signIn.isPending) return;
    const found = {
      name: name.trim() === "" ? words.nameMissing : undefined,
      password: password === "" ? words.passwordMissing : undefined,
    };
    setMissing(found);
    if (found.name) nameField.current?.focus();
    else if (found.password) passwordField.current?.focus();
    else signIn.mutate({ body: { name: name.trim(), password } });
  };

  return (
    <form onSubmit={submit} noValidate aria-label={words.title}>
      <fieldset className={classes.fields} disabled={signIn.isPending}>
        {notice && !problem && (
          <Alert color="iris" icon={<Clock size={18} aria-hidden />} role="status">
            {notice}
          </Alert>
        )}
        {problem && (
          <Alert color="red" icon={<CircleAlert size={18} aria-hidden />} title={words.failed} role="alert">
            <ProblemText error={problem} />
          </Alert>
        )}
        <TextInput
          ref={nameField}
          label={words.name}
          name="name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={missing.name ?? fieldProblem(problem, "name")}
        />
        <PasswordInput
          ref={passwordField}
          label={words.password}
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={missing.password ?? fieldProblem(problem, "password")}
          visibilityToggleButtonProps={{ "aria-label": words.showPassword }}
        />
        <Button type="submit" size="md" fullWidth loading={signIn.isPending} mt={4}>
          {words.submit}
        </Button>
      </fieldset>
    </form>
  );
}

function fieldProblem(problem: ApiProblem | null, field: string): string | undefined {
  return problem?.fields.find((candidate) => candidate.field === field)?.detail;
}
