import { Compass } from "lucide-react";
import { ButtonLink } from "@/shared/ButtonLink";
import { EmptyState } from "@/shared/EmptyState";
import { Page, PageFrameContext } from "@/shared/Page";
import { Surface } from "@/shared/Surface";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import { homeOf } from "./navigation";
import { Remaining } from "./Remaining";
import classes from "./Shell.module.css";

/** In the place of a page that this role may not use. */
export function NotPermitted() {
  const { role } = useViewer();
  const words = texts.notPermitted;
  return (
    <Refusal title={words.title}>
      <EmptyState
        kind="not-permitted"
        title={words.summary}
        text={words.text(texts.roles[role])}
        action={<ButtonLink to={homeOf(role)}>{words.action}</ButtonLink>}
      />
    </Refusal>
  );
}

/** At every address that is no page. */
export function NotFound() {
  const { role } = useViewer();
  const words = texts.notFound;
  return (
    <Refusal title={words.title}>
      <EmptyState
        kind="nothing-yet"
        icon={Compass}
        title={words.summary}
        text={words.text}
        action={<ButtonLink to={homeOf(role)}>{words.action}</ButtonLink>}
      />
    </Refusal>
  );
}

function Refusal({ title, children }: { title: string; children: React.ReactNode }) {
  const headerEnd = <Remaining className={classes.inHeader} />;
  return (
    <PageFrameContext value={{ title, documentTitle: title, headerEnd }}>
      <Page>
        <Surface>{children}</Surface>
      </Page>
    </PageFrameContext>
  );
}
