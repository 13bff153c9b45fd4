import { Coins } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function MemberCreditsPage() {
  return <NothingYet icon={Coins} words={texts.pages.aiCredits} />;
}
