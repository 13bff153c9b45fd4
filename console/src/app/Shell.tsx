import { ActionIcon, Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon, Search } from "lucide-react";
import { useEffect } from "react";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import { CommandSearch, openSearch } from "./CommandSearch";
import { HelpDialog } from "./HelpDialog";
import { Remaining } from "./Remaining";
import classes from "./Shell.module.css";
import { Sidebar } from "./Sidebar";

/** What surrounds every page: the navigation at the side or, on a narrow screen, behind a button at the top. */
export function Shell() {
  const viewer = useViewer();
  const [isNavigationOpen, navigationDrawer] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const address = useRouterState({ select: (state) => state.location.pathname });

  // A page was chosen, from wherever: the drawer has done its work.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address is what it waits for.
  useEffect(() => navigationDrawer.close(), [address]);

  const openHelp = () => {
    navigationDrawer.close();
    help.open();
  };

  return (
    <>
      <a href="#content" className={classes.skip}>
        {texts.skipToContent}
      </a>
      <div className={classes.shell}>
        <aside className={classes.side}>
          <Sidebar onHelp={openHelp} />
        </aside>
        <div className={classes.bar}>
          <ActionIcon size={40} aria-label={texts.navigation.open} onClick={navigationDrawer.open}>
            <MenuIcon size={20} aria-hidden />
          </ActionIcon>
          <span className={classes.barName}>{viewer.tenant?.name ?? texts.product}</span>
          <Remaining />
          <ActionIcon size={40} aria-label={texts.search.open} onClick={openSearch}>
            <Search size={19} aria-hidden />
          </ActionIcon>
        </div>
        <main id="content" className={classes.main} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Drawer
        opened={isNavigationOpen}
        onClose={navigationDrawer.close}
        size={280}
        withCloseButton={false}
        attributes={{ content: { "aria-label": texts.navigation.label } }}
        classNames={{ content: classes.drawer, body: classes.drawerBody }}
      >
        <Sidebar onHelp={openHelp} />
      </Drawer>
      <HelpDialog isOpen={isHelpOpen} onClose={help.close} />
      <CommandSearch onHelp={help.open} />
    </>
  );
}
