import { Users } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function MembersPage() {
  return <NothingYet icon={Users} words={texts.pages.members} />;
}
