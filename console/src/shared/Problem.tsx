import { Button } from "@mantine/core";
import { CircleAlert, RefreshCw } from "lucide-react";
import { problemOf } from "@/api/client";
import classes from "./Problem.module.css";
import { texts } from "./texts";

/** What went wrong, what can be done, and the id under which the server's log tells more. */
export function ProblemText({ error }: { error: unknown }) {
  const problem = problemOf(error);
  return (
    <>
      {problem.message}
      {problem.hint && ` ${problem.hint}`}
      {problem.requestId && (
        <span className={classes.request}>{texts.errors.requestId(problem.requestId)}</span>
      )}
    </>
  );
}

interface LoadFailureProps {
  error: unknown;
  onRetry: () => void;
  isRetrying: boolean;
  title?: string;
}

/** In the place of what could not be loaded. */
export function LoadFailure({
  error,
  onRetry,
  isRetrying,
  title = texts.errors.loadTitle,
}: LoadFailureProps) {
  return (
    <div className={classes.failure} role="alert">
      <CircleAlert className={classes.icon} size={20} aria-hidden />
      <div>
        <p className={classes.title}>{title}</p>
        <p className={classes.text}>
          <ProblemText error={error} />
        </p>
        <Button
          className={classes.action}
          variant="default"
          leftSection={<RefreshCw size={15} aria-hidden />}
          loading={isRetrying}
          onClick={onRetry}
        >
          {texts.errors.retry}
        </Button>
      </div>
    </div>
  );
}
