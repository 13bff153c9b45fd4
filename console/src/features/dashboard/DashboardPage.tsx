import { LayoutDashboard } from "lucide-react";
import { ButtonLink } from "@/shared/ButtonLink";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";

export function DashboardPage() {
  const isOperator = useViewer().role === "super_admin";
  const words = isOperator ? texts.pages.dashboardOfOperator : texts.pages.dashboard;
  return (
    <NothingYet
      icon={LayoutDashboard}
      words={words}
      action={
        <ButtonLink to={isOperator ? "/ops/tenants" : "/console/tokens"} variant="default">
          {words.action}
        </ButtonLink>
      }
    />
  );
}
