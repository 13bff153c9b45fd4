import "@fontsource-variable/inter";
import "@mantine/core/styles.layer.css";
import "@mantine/notifications/styles.layer.css";
import "@mantine/spotlight/styles.layer.css";
import "./global.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { problemOf } from "@/api/client";
import { router } from "@/app/router";
import { noticeEnd } from "@/app/session";
import { schemes, theme } from "./theme";

const RETRIES = 2;

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (error) => noticeEnd(queries, error) }),
  mutationCache: new MutationCache({ onError: (error) => noticeEnd(queries, error) }),
  defaultOptions: {
    // A refusal is an answer; only silence and breakage are worth another try.
    queries: { retry: (failures, error) => failures < RETRIES && problemOf(error).mayPass },
  },
});

const place = document.getElementById("root");
if (place === null) throw new Error("index.html has no element #root");

createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="top-center" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
