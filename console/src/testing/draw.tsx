import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";

/** Draws a component as the application does, without transitions and without second tries. */
export function draw(element: ReactNode) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const view = render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>{element}</QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, queries };
}

/** An answer of the server. */
export function answer(status: number, body?: unknown): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  if (body === undefined) return new Response(null, { status });
  return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
}

/** The server's no, as it stands on the wire. */
export function problem(status: number, code: string, detail: string, more: object = {}): Response {
  const body = { type: "about:blank", title: code, status, code, detail, request_id: "req_7", ...more };
  return answer(status, body);
}

export const DANA = {
  person: { id: "mem_1", username: "dana", display_name: "Dana Whitfield", email: "dana@acme.example" },
  role: "tenant_admin" as const,
  role_label: "Tenant admin",
  tenant: { id: "ten_1", name: "Acme Robotics", display: "credits" as const, contact: null },
  remaining: "12.34",
};
