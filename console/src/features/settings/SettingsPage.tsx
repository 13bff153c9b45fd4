import { SlidersHorizontal } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function SettingsPage() {
  return <NothingYet icon={SlidersHorizontal} words={texts.pages.settings} />;
}
