import { Lock, type LucideIcon, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import classes from "./EmptyState.module.css";

interface Content {
  title: string;
  text: string;
  /** What to do about it. */
  action?: ReactNode;
}

type EmptyStateProps = Content &
  (
    | { kind: "nothing-yet"; icon: LucideIcon }
    /** The action is to clear the filters. */
    | { kind: "nothing-matches" }
    | { kind: "not-permitted" }
  );

/** Why there is nothing to see. The three reasons look different, because each asks for something else. */
export function EmptyState(props: EmptyStateProps) {
  const { kind, title, text, action } = props;
  const Icon = kind === "nothing-yet" ? props.icon : kind === "nothing-matches" ? SearchX : Lock;
  return (
    <div className={classes.empty} data-kind={kind}>
      <div className={kind === "nothing-yet" ? classes.icon : `${classes.icon} ${classes.muted}`}>
        <Icon size={22} strokeWidth={1.75} aria-hidden />
      </div>
      <h2 className={classes.title}>{title}</h2>
      <p className={classes.text}>{text}</p>
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}
