import { describe, expect, it } from "vitest";
import { ROLES, type Role } from "@/shared/viewer";
import { entryAt, homeOf, navigationFor, returnAddress } from "./navigation";

const outline = (role: Role) =>
  navigationFor(role).map((section) => [
    section.heading ?? null,
    ...section.entries.map((entry) => entry.label),
  ]);

const TENANT_MANAGER = [
  ["Console", "Dashboard", "Token Management", "Usage Logs", "Task Logs"],
  [null, "Balance Management"],
  ["Space Manage", "User Management"],
  ["FINANCE", "Credits & Allocations", "Cost Tracking"],
  ["Personal Center", "Credits Management"],
];

describe("navigation", () => {
  it("gives the tenant admin and the admin everything of their tenant", () => {
    expect(outline("tenant_admin")).toEqual(TENANT_MANAGER);
    expect(outline("admin")).toEqual(TENANT_MANAGER);
  });

  it("gives a member the console and the personal center, and nothing of other people", () => {
    expect(outline("member")).toEqual([
      ["Console", "Dashboard", "Token Management", "Usage Logs", "Task Logs"],
      ["Personal Center", "Credits Management"],
    ]);
  });

  it("gives the super admin the platform, and no keys or credits of its own", () => {
    expect(outline("super_admin")).toEqual([
      ["Platform", "Tenants", "Redemption Codes"],
      ["Console", "Dashboard", "Usage Logs", "Task Logs"],
      ["FINANCE", "Cost Tracking"],
    ]);
  });

  it.each(ROLES)("starts a %s on a page of their own", (role) => {
    expect(entryAt(homeOf(role))?.roles).toContain(role);
  });

  it("finds the entry of a page, of its tabs and of an address with a slash too many", () => {
    expect(entryAt("/space/users")?.label).toBe("User Management");
    expect(entryAt("/space/users/ai-credits")?.label).toBe("User Management");
    expect(entryAt("/finance/credits/settings/")?.label).toBe("Credits & Allocations");
    expect(entryAt("/space/user")).toBeUndefined();
    expect(entryAt("/")).toBeUndefined();
  });

  it("returns after sign-in to addresses of the console only", () => {
    expect(returnAddress("/console/usage?page=2#row")).toBe("/console/usage?page=2#row");
    for (const next of [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "/\t/evil.example",
      "/login",
      "/",
      7,
    ]) {
      expect(returnAddress(next)).toBeUndefined();
    }
  });
});
