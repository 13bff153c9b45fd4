import { KeyRound } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function TokensPage() {
  return <NothingYet icon={KeyRound} words={texts.pages.tokens} />;
}
