import { ListChecks } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function TasksPage() {
  return <NothingYet icon={ListChecks} words={texts.pages.tasks} />;
}
