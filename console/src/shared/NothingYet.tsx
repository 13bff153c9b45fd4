import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { EmptyState } from "./EmptyState";
import { Page } from "./Page";
import { Surface } from "./Surface";

interface NothingYetProps {
  icon: LucideIcon;
  words: { title: string; text: string };
  action?: ReactNode;
}

/** A page that has nothing to show so far: what will be seen here, and what to do first. */
export function NothingYet({ icon, words, action }: NothingYetProps) {
  return (
    <Page>
      <Surface>
        <EmptyState kind="nothing-yet" icon={icon} title={words.title} text={words.text} action={action} />
      </Surface>
    </Page>
  );
}
