import { Spotlight, type SpotlightActionGroupData, spotlight } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { LifeBuoy, LogOut, type LucideIcon, Moon, Search, Sun } from "lucide-react";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import { navigationFor } from "./navigation";
import { useThemeSwitch } from "./ThemeSwitch";
import { useSignOut } from "./useSignOut";

export const openSearch = () => spotlight.open();

const icon = (Icon: LucideIcon) => <Icon size={18} strokeWidth={1.75} aria-hidden />;

/** One field for everything: go to a page, or run a command. ⌘K and / open it. */
export function CommandSearch({ onHelp }: { onHelp: () => void }) {
  const viewer = useViewer();
  const navigate = useNavigate();
  const theme = useThemeSwitch();
  const signOut = useSignOut();

  const pages = navigationFor(viewer.role).flatMap((section) =>
    section.entries.flatMap((entry) =>
      (entry.tabs ?? [{ label: "", path: entry.path }]).map((tab) => ({
        id: tab.path,
        label: tab.label ? `${entry.label}: ${tab.label}` : entry.label,
        keywords: section.heading,
        leftSection: icon(entry.icon),
        onClick: () => void navigate({ to: tab.path }),
      })),
    ),
  );
  const groups: SpotlightActionGroupData[] = [
    { group: texts.search.pages, actions: pages },
    {
      group: texts.search.commands,
      actions: [
        {
          id: "theme",
          label: theme.label,
          leftSection: icon(theme.isDark ? Sun : Moon),
          onClick: theme.toggle,
        },
        { id: "help", label: texts.person.help, leftSection: icon(LifeBuoy), onClick: onHelp },
        { id: "sign-out", label: texts.person.signOut, leftSection: icon(LogOut), onClick: signOut.run },
      ],
    },
  ];
  return (
    <Spotlight
      actions={groups}
      shortcut={["mod + K", "/"]}
      nothingFound={texts.search.nothing}
      scrollable
      maxHeight={420}
      attributes={{ content: { "aria-label": texts.search.label } }}
      overlayProps={{ backgroundOpacity: 0.35, blur: 2 }}
      searchProps={{
        placeholder: texts.search.placeholder,
        "aria-label": texts.search.label,
        leftSection: <Search size={18} aria-hidden />,
      }}
    />
  );
}
