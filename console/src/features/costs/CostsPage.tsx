import { ChartColumn } from "lucide-react";
import { ButtonLink } from "@/shared/ButtonLink";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

const words = texts.pages.costs;

export function CostsPage() {
  return (
    <NothingYet
      icon={ChartColumn}
      words={words}
      action={
        <ButtonLink to="/console/usage" variant="default">
          {words.action}
        </ButtonLink>
      }
    />
  );
}
