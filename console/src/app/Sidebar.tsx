import { Link, useRouterState } from "@tanstack/react-router";
import { ChevronRight, Search } from "lucide-react";
import { type ReactNode, useEffect, useId, useState } from "react";
import { Mark } from "@/shared/Mark";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import { openSearch } from "./CommandSearch";
import { type Entry, entryAt, navigationFor, type PagePath, type Section } from "./navigation";
import { PersonMenu } from "./PersonMenu";
import classes from "./Sidebar.module.css";
import { ThemeSwitch } from "./ThemeSwitch";

const SEARCH_KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘K" : "Ctrl K";

/** Tenant, search, the entries of this role, and the person. */
export function Sidebar({ onHelp }: { onHelp: () => void }) {
  const viewer = useViewer();
  return (
    <div className={classes.sidebar}>
      <div className={classes.tenant}>
        {viewer.tenant ? (
          <span className={classes.tenantMark} aria-hidden>
            {[...viewer.tenant.name][0]?.toUpperCase()}
          </span>
        ) : (
          <Mark size={28} />
        )}
        <div className={classes.twoLines}>
          <span className={classes.name}>{viewer.tenant?.name ?? texts.product}</span>
          <span className={classes.second}>{texts.roles[viewer.role]}</span>
        </div>
      </div>
      <button type="button" className={classes.search} onClick={openSearch}>
        <Search size={15} aria-hidden />
        {texts.search.open}
        <kbd>{SEARCH_KEYS}</kbd>
      </button>
      <nav className={classes.entries} aria-label={texts.navigation.label}>
        {navigationFor(viewer.role).map((section) => (
          <SectionOfEntries key={section.key} section={section} />
        ))}
      </nav>
      <div className={classes.person}>
        <PersonMenu onHelp={onHelp} />
        <ThemeSwitch />
      </div>
    </div>
  );
}

function SectionOfEntries({ section }: { section: Section<PagePath> }) {
  if (section.isExpandable) return <ExpandableSection section={section} />;
  return (
    <EntryList
      section={section}
      heading={section.heading && <h2 className={classes.heading}>{section.heading}</h2>}
    />
  );
}

/** Closed until it is clicked or one of its pages is opened. */
function ExpandableSection({ section }: { section: Section<PagePath> }) {
  const active = useActiveEntry();
  const holdsActive = section.entries.some((entry) => entry.path === active?.path);
  const [isOpen, setOpen] = useState(holdsActive);
  const listId = useId();
  useEffect(() => {
    if (holdsActive) setOpen(true);
  }, [holdsActive]);
  const heading = (
    <button
      type="button"
      className={classes.heading}
      aria-expanded={isOpen}
      aria-controls={listId}
      onClick={() => setOpen(!isOpen)}
    >
      {section.heading}
      <ChevronRight className={classes.chevron} size={14} aria-hidden />
    </button>
  );
  return <EntryList section={section} heading={heading} listId={listId} isHidden={!isOpen} />;
}

interface EntryListProps {
  section: Section<PagePath>;
  heading?: ReactNode;
  listId?: string;
  isHidden?: boolean;
}

function EntryList({ section, heading, listId, isHidden = false }: EntryListProps) {
  return (
    <div className={classes.section}>
      {heading}
      <ul className={classes.list} id={listId} hidden={isHidden} aria-label={section.heading}>
        {section.entries.map((entry) => (
          <li key={entry.path}>
            <EntryLink entry={entry} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function EntryLink({ entry }: { entry: Entry<PagePath> }) {
  const isActive = useActiveEntry()?.path === entry.path;
  const Icon = entry.icon;
  return (
    <Link
      to={entry.path}
      className={classes.entry}
      data-active={isActive || undefined}
      aria-current={isActive ? "page" : undefined}
    >
      <Icon size={17} strokeWidth={1.75} aria-hidden />
      {entry.label}
    </Link>
  );
}

function useActiveEntry(): Entry<PagePath> | undefined {
  return useRouterState({ select: (state) => entryAt(state.location.pathname) });
}
