/** Who may go where, as data: the sidebar, the search, the tabs and the refusals are all made from this table. */
import {
  Building2,
  ChartColumn,
  CircleUserRound,
  Coins,
  KeyRound,
  Landmark,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  ScrollText,
  Ticket,
  Users,
} from "lucide-react";
import { texts } from "@/shared/texts";
import { ROLES, type Role } from "@/shared/viewer";

const EVERYONE: readonly Role[] = ROLES;
const OF_A_TENANT: readonly Role[] = ["tenant_admin", "admin", "member"];
const MANAGERS: readonly Role[] = ["tenant_admin", "admin"];
const OPERATORS: readonly Role[] = ["super_admin"];

export interface Tab<Path extends string = string> {
  label: string;
  path: Path;
}

export interface Entry<Path extends string = string> {
  label: string;
  /** Where a click leads: the page itself, or the first of its tabs. */
  path: Path;
  icon: LucideIcon;
  /** The roles that see the entry and may open its address. */
  roles: readonly Role[];
  tabs?: readonly Tab<Path>[];
}

export interface Section<Path extends string = string> {
  key: string;
  /** A section without a heading holds a top entry. */
  heading?: string;
  isExpandable?: boolean;
  entries: readonly Entry<Path>[];
}

const { sections, entries, tabs } = texts.navigation;

const navigation = [
  {
    key: "platform",
    heading: sections.platform,
    entries: [
      { label: entries.tenants, path: "/ops/tenants", icon: Building2, roles: OPERATORS },
      { label: entries.codes, path: "/ops/codes", icon: Ticket, roles: OPERATORS },
    ],
  },
  {
    key: "console",
    heading: sections.console,
    entries: [
      { label: entries.dashboard, path: "/console/dashboard", icon: LayoutDashboard, roles: EVERYONE },
      { label: entries.tokens, path: "/console/tokens", icon: KeyRound, roles: OF_A_TENANT },
      { label: entries.usage, path: "/console/usage", icon: ScrollText, roles: EVERYONE },
      { label: entries.tasks, path: "/console/tasks", icon: ListChecks, roles: EVERYONE },
    ],
  },
  {
    key: "balance",
    entries: [{ label: entries.balance, path: "/balance", icon: Landmark, roles: MANAGERS }],
  },
  {
    key: "space",
    heading: sections.space,
    entries: [
      {
        label: entries.members,
        path: "/space/users",
        icon: Users,
        roles: MANAGERS,
        tabs: [
          { label: tabs.users, path: "/space/users" },
          { label: tabs.aiCredits, path: "/space/users/ai-credits" },
        ],
      },
    ],
  },
  {
    key: "finance",
    heading: sections.finance,
    isExpandable: true,
    entries: [
      {
        label: entries.allocations,
        path: "/finance/credits/overview",
        icon: Coins,
        roles: MANAGERS,
        tabs: [
          { label: tabs.overview, path: "/finance/credits/overview" },
          { label: tabs.allocations, path: "/finance/credits/allocations" },
          { label: tabs.requests, path: "/finance/credits/requests" },
          { label: tabs.settings, path: "/finance/credits/settings" },
        ],
      },
      {
        label: entries.costs,
        path: "/finance/costs",
        icon: ChartColumn,
        roles: ["super_admin", "tenant_admin", "admin"],
      },
    ],
  },
  {
    key: "personal",
    heading: sections.personal,
    entries: [{ label: entries.personal, path: "/me/credits", icon: CircleUserRound, roles: OF_A_TENANT }],
  },
] as const satisfies readonly Section[];

type TopPath = (typeof navigation)[number]["entries"][number]["path"];
type TabPath = Extract<
  (typeof navigation)[number]["entries"][number],
  { tabs: unknown }
>["tabs"][number]["path"];

/** Every address of a page. The router must know each one: a page without a route does not compile. */
export type PagePath = TopPath | TabPath;

export const NAVIGATION: readonly Section<PagePath>[] = navigation;

/** The sections and entries that this role sees, in order. */
export function navigationFor(role: Role): Section<PagePath>[] {
  return NAVIGATION.map((section) => ({
    ...section,
    entries: section.entries.filter((entry) => entry.roles.includes(role)),
  })).filter((section) => section.entries.length > 0);
}

/** The entry that an address belongs to, be it the entry's own or that of one of its tabs. */
export function entryAt(pathname: string): Entry<PagePath> | undefined {
  const path = pathname.replace(/(.)\/+$/, "$1");
  return NAVIGATION.flatMap((section) => section.entries).find(
    (entry) => entry.path === path || entry.tabs?.some((tab) => tab.path === path),
  );
}

/** Where a person starts after signing in. */
export function homeOf(role: Role): PagePath {
  return role === "super_admin" ? "/ops/tenants" : "/console/dashboard";
}

/** An address to return to after signing in, or undefined for one that is not within the console. */
export function returnAddress(next: unknown): string | undefined {
  if (typeof next !== "string" || !/^\/(?![/\\])/.test(next)) return undefined;
  const address = new URL(next, window.location.origin);
  if (address.origin !== window.location.origin || ["/", "/login"].includes(address.pathname))
    return undefined;
  return address.pathname + address.search + address.hash;
}
