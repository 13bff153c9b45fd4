import { Ticket } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function CodesPage() {
  return <NothingYet icon={Ticket} words={texts.pages.codes} />;
}
