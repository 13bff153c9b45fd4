import { Building2 } from "lucide-react";
import { NothingYet } from "@/shared/NothingYet";
import { texts } from "@/shared/texts";

export function TenantsPage() {
  return <NothingYet icon={Building2} words={texts.pages.tenants} />;
}
