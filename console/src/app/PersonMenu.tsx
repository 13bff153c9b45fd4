import { Menu } from "@mantine/core";
import { LifeBuoy, LogOut } from "lucide-react";
import { initialsOf } from "@/shared/initials";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import classes from "./Sidebar.module.css";
import { useSignOut } from "./useSignOut";

/** The person at the foot of the sidebar, with what concerns the person alone. */
export function PersonMenu({ onHelp }: { onHelp: () => void }) {
  const { person } = useViewer();
  const signOut = useSignOut();
  return (
    <Menu position="top-start" width={212} offset={12} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <button type="button" className={classes.account} aria-label={texts.person.menu(person.display_name)}>
          <span className={classes.initials} aria-hidden>
            {initialsOf(person.display_name)}
          </span>
          <span className={classes.twoLines}>
            <span className={classes.name}>{person.display_name}</span>
            <span className={classes.second}>{person.email ?? person.username}</span>
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<LifeBuoy size={16} aria-hidden />} onClick={onHelp}>
          {texts.person.help}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<LogOut size={16} aria-hidden />}
          disabled={signOut.isPending}
          onClick={signOut.run}
        >
          {texts.person.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
