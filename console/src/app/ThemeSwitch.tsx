import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Moon, Sun } from "lucide-react";
import { texts } from "@/shared/texts";

/** Light or dark, remembered in this browser; until it is used the system's own choice holds. */
export function useThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light", { getInitialValueInEffect: false }) === "dark";
  return {
    isDark,
    label: isDark ? texts.person.toLight : texts.person.toDark,
    toggle: () => setColorScheme(isDark ? "light" : "dark"),
  };
}

export function ThemeSwitch() {
  const { isDark, label, toggle } = useThemeSwitch();
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} onClick={toggle}>
        {isDark ? <Sun size={17} aria-hidden /> : <Moon size={17} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}
