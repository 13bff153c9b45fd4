import { createRootRoute, createRoute, createRouter, Navigate, Outlet } from "@tanstack/react-router";
import type { FunctionComponent } from "react";
import { AllocationsPage } from "@/features/allocations/AllocationsPage";
import { OverviewPage } from "@/features/allocations/OverviewPage";
import { BalancePage } from "@/features/balance/BalancePage";
import { CodesPage } from "@/features/codes/CodesPage";
import { CostsPage } from "@/features/costs/CostsPage";
import { DashboardPage } from "@/features/dashboard/DashboardPage";
import { MemberCreditsPage } from "@/features/members/MemberCreditsPage";
import { MembersPage } from "@/features/members/MembersPage";
import { PersonalCreditsPage } from "@/features/personal/PersonalCreditsPage";
import { RequestsPage } from "@/features/requests/RequestsPage";
import { SettingsPage } from "@/features/settings/SettingsPage";
import { TasksPage } from "@/features/tasks/TasksPage";
import { TenantsPage } from "@/features/tenants/TenantsPage";
import { TokensPage } from "@/features/tokens/TokensPage";
import { UsagePage } from "@/features/usage/UsagePage";
import { useViewer } from "@/shared/viewer";
import { Door, SignedIn } from "./gates";
import { homeOf, returnAddress } from "./navigation";
import { PageCrash } from "./PageCrash";
import { framed } from "./pages";
import { NotFound } from "./refusals";

const root = createRootRoute({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search): { next?: string } => ({ next: returnAddress(search.next) }),
  component: function Login() {
    return <Door next={login.useSearch().next} />;
  },
});

const signedIn = createRoute({ getParentRoute: () => root, id: "signed-in", component: SignedIn });

const start = createRoute({
  getParentRoute: () => signedIn,
  path: "/",
  component: function Start() {
    return <Navigate to={homeOf(useViewer().role)} replace />;
  },
});

const credits = createRoute({
  getParentRoute: () => signedIn,
  path: "/finance/credits",
  component: () => <Navigate to="/finance/credits/overview" replace />,
});

const nowhere = createRoute({ getParentRoute: () => signedIn, path: "$", component: NotFound });

const page = <const Path extends string>(path: Path, component: FunctionComponent) =>
  createRoute({ getParentRoute: () => signedIn, path, component: framed(component) });

const routes = root.addChildren([
  login,
  signedIn.addChildren([
    start,
    credits,
    page("/console/dashboard", DashboardPage),
    page("/console/tokens", TokensPage),
    page("/console/usage", UsagePage),
    page("/console/tasks", TasksPage),
    page("/balance", BalancePage),
    page("/space/users", MembersPage),
    page("/space/users/ai-credits", MemberCreditsPage),
    page("/finance/credits/overview", OverviewPage),
    page("/finance/credits/allocations", AllocationsPage),
    page("/finance/credits/requests", RequestsPage),
    page("/finance/credits/settings", SettingsPage),
    page("/finance/costs", CostsPage),
    page("/me/credits", PersonalCreditsPage),
    page("/ops/tenants", TenantsPage),
    page("/ops/codes", CodesPage),
    nowhere,
  ]),
]);

export const router = createRouter({
  routeTree: routes,
  scrollRestoration: true,
  defaultErrorComponent: PageCrash,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
