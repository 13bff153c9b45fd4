import { CircleUserRound } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function PersonalCreditsPage() {
  return <NothingYet icon={CircleUserRound} words={texts.pages.personal} />;
}
