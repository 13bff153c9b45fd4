import { Gauge } from "lucide-react";
import { ButtonLink } from "@/shared/ButtonLink";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

const words = texts.pages.overview;

export function OverviewPage() {
  return (
    <NothingYet
      icon={Gauge}
      words={words}
      action={
        <ButtonLink to="/finance/credits/settings" variant="default">
          {words.action}
        </ButtonLink>
      }
    />
  );
}
