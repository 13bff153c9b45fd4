import type { ReactNode } from "react";
import classes from "./Surface.module.css";

/** The card that everything on a page lies on. */
export function Surface({ children }: { children: ReactNode }) {
  return <div className={classes.surface}>{children}</div>;
}
