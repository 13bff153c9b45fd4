import { ScrollText } from "lucide-react";
import { ButtonLink } from "@/shared/ButtonLink";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";

export function UsagePage() {
  const isOperator = useViewer().role === "super_admin";
  const words = isOperator ? texts.pages.usageOfOperator : texts.pages.usage;
  return (
    <NothingYet
      icon={ScrollText}
      words={words}
      action={
        <ButtonLink to={isOperator ? "/ops/tenants" : "/console/tokens"} variant="default">
          {words.action}
        </ButtonLink>
      }
    />
  );
}
