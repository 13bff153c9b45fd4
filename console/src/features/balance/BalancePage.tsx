import { Landmark } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function BalancePage() {
  return <NothingYet icon={Landmark} words={texts.pages.balance} />;
}
