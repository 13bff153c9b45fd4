import { createContext, use } from "react";
import type { WireSession } from "@/api/client";

/** From high to low. */
export const ROLES = ["super_admin", "tenant_admin", "admin", "member"] as const;
export type Role = (typeof ROLES)[number];

/** Who is looking: the signed-in person with role and tenant. */
export type Viewer = Omit<WireSession, "role"> & { role: Role };

export const ViewerContext = createContext<Viewer | null>(null);

export function useViewer(): Viewer {
  const viewer = use(ViewerContext);
  if (viewer === null) throw new Error("useViewer() belongs inside the shell, where somebody is signed in");
  return viewer;
}
