import { Link, useRouterState } from "@tanstack/react-router";
import type { FunctionComponent } from "react";
import { PageFrameContext } from "@/shared/Page";
import { useViewer } from "@/shared/viewer";
import { entryAt } from "./navigation";
import { Remaining } from "./Remaining";
import { NotFound, NotPermitted } from "./refusals";
import classes from "./Shell.module.css";

/** The page with the title and tabs that the navigation gives it, or the refusal that this role gets instead. */
export function framed(Content: FunctionComponent): FunctionComponent {
  return function FramedPage() {
    const { role } = useViewer();
    const pathname = useRouterState({ select: (state) => state.location.pathname });
    const entry = entryAt(pathname);
    if (entry === undefined) return <NotFound />;
    if (!entry.roles.includes(role)) return <NotPermitted />;

    const tab = entry.tabs?.find((candidate) => candidate.path === pathname);
    const tabs = entry.tabs?.map(({ label, path }) => (
      <Link key={path} to={path} activeOptions={{ exact: true }}>
        {label}
      </Link>
    ));
    const frame = {
      title: entry.label,
      documentTitle: tab ? `${tab.label} · ${entry.label}` : entry.label,
      tabs,
      headerEnd: <Remaining className={classes.inHeader} />,
    };
    return (
      <PageFrameContext value={frame}>
        <Content />
      </PageFrameContext>
    );
  };
}
