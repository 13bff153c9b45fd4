/** The whole look that Mantine draws: colours, type, radii, and defaults per component. The rest is in global.css. */
import {
  ActionIcon,
  Alert,
  Avatar,
  Button,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  Input,
  type MantineColorsTuple,
  Menu,
  Modal,
  Notification,
  PasswordInput,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { texts } from "@/shared/texts";

const iris: MantineColorsTuple = [
  "#f7f7fe",
  "#eeeefd",
  "#e2e2fb",
  "#cfcff8",
  "#afaff2",
  "#8e8eeb",
  "#7474e3",
  "#5b5bd6",
  "#4c4ac4",
  "#3f3da6",
];

const gray: MantineColorsTuple = [
  "#fafafb",
  "#f4f4f6",
  "#ebebef",
  "#dfdfe5",
  "#c9c9d2",
  "#8f8f9b",
  "#6a6a76",
  "#51515c",
  "#36363f",
  "#1b1b20",
];

const dark: MantineColorsTuple = [
  "#e9e9ee",
  "#c9c9d2",
  "#a0a0ab",
  "#7f7f8a",
  "#3a3a43",
  "#26262d",
  "#1f1f25",
  "#141417",
  "#0f0f12",
  "#0a0a0c",
];

const closeButtonProps = { "aria-label": texts.errors.close };

export const theme = createTheme({
  colors: { iris, gray, dark },
  primaryColor: "iris",
  // One shade for both schemes: white on the lighter one of the dark default falls below 4.5:1.
  primaryShade: 7,
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Mono', Menlo, monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  headings: { fontWeight: "600" },
  defaultRadius: 8,
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: 32 } }),
    Alert: Alert.extend({ defaultProps: { variant: "light" } }),
    // Initials on a tint of their own colour reach 3.3:1 only; plain grey reads.
    Avatar: Avatar.extend({ defaultProps: { color: "gray", size: 28 } }),
    Button: Button.extend({ defaultProps: { size: "sm" }, styles: { root: { fontWeight: 600 } } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps } }),
    Menu: Menu.extend({ defaultProps: { shadow: "md", radius: 10 } }),
    Modal: Modal.extend({
      defaultProps: {
        closeButtonProps,
        radius: 12,
        centered: true,
        overlayProps: { backgroundOpacity: 0.35, blur: 2 },
      },
    }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps } }),
    InputWrapper: Input.Wrapper.extend({ styles: { label: { marginBottom: 4 } } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: "sm" } }),
    TextInput: TextInput.extend({ defaultProps: { size: "sm" } }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 250, events: { hover: true, focus: true, touch: true } },
    }),
  },
});

/** The surfaces of the shell in both schemes, and the places where Mantine's own are too pale to read. */
export const schemes: CSSVariablesResolver = () => ({
  variables: { "--mantine-line-height": "1.45" },
  light: {
    "--mantine-color-text": gray[9],
    "--mantine-color-dimmed": gray[6],
    "--mantine-color-placeholder": gray[6],
    "--mantine-color-error": "#c62a2f",
    "--mantine-color-default-border": gray[3],
    "--line": gray[2],
    "--sidebar": gray[0],
    "--sidebar-hover": "#f0f0f4",
    "--sidebar-active": "#e8e8ee",
    "--label": gray[8],
    "--accent-text": iris[8],
    "--accent-tint": iris[1],
    "--card-shadow": "0 1px 2px rgb(27 27 32 / 4%)",
    "--negative": "#c62a2f",
    "--mantine-color-red-light": "#fff1f1",
    "--mantine-color-red-light-color": "#b3232a",
    "--mantine-color-iris-light": iris[1],
    "--mantine-color-iris-light-color": iris[9],
  },
  dark: {
    "--mantine-color-text": dark[0],
    "--mantine-color-dimmed": dark[2],
    "--mantine-color-placeholder": dark[2],
    "--mantine-color-error": "#ff8f92",
    "--mantine-color-default": "#1b1b20",
    "--mantine-color-default-hover": dark[5],
    "--mantine-color-default-border": dark[4],
    "--line": dark[5],
    "--sidebar": dark[8],
    "--sidebar-hover": "#18181c",
    "--sidebar-active": "#232329",
    "--label": dark[1],
    "--accent-text": iris[4],
    "--accent-tint": "#1d1d33",
    "--card-shadow": "none",
    "--negative": "#ff8f92",
    "--mantine-color-red-light": "#2e1719",
    "--mantine-color-red-light-color": "#ff9a9d",
    "--mantine-color-iris-light": "#1d1d33",
    "--mantine-color-iris-light-color": iris[3],
  },
});
