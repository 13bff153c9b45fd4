import { Inbox } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function RequestsPage() {
  return <NothingYet icon={Inbox} words={texts.pages.requests} />;
}
