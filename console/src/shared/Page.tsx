import { createContext, type ReactNode, use, useEffect } from "react";
import classes from "./Page.module.css";
import { texts } from "./texts";

interface PageFrame {
  title: string;
  /** What the browser's tab says before the product's name. */
  documentTitle: string;
  /** Links to the neighbours of this page, one of them current. */
  tabs?: ReactNode;
  /** Stands at the right end of the header, after the page's own actions. */
  headerEnd?: ReactNode;
}

/** The navigation knows title and tabs of a page; the page itself need not repeat them. */
export const PageFrameContext = createContext<PageFrame>({
  title: texts.product,
  documentTitle: texts.product,
});

interface PageProps {
  /** Buttons at the upper right. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One page: header with title, actions and tabs, and below it the content. */
export function Page({ actions, children }: PageProps) {
  const { title, documentTitle, tabs, headerEnd } = use(PageFrameContext);
  useEffect(() => {
    document.title = texts.titleOf(documentTitle);
  }, [documentTitle]);
  return (
    <>
      <header className={classes.header}>
        <div className={classes.top}>
          <h1 className={classes.title}>{title}</h1>
          {(actions || headerEnd) && (
            <div className={classes.actions}>
              {actions}
              {headerEnd}
            </div>
          )}
        </div>
        {tabs && (
          <nav className={classes.tabs} aria-label={title}>
            {tabs}
          </nav>
        )}
      </header>
      <div className={classes.content}>{children}</div>
    </>
  );
}
