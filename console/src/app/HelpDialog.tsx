import { Kbd, Modal } from "@mantine/core";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import classes from "./HelpDialog.module.css";

interface HelpDialogProps {
  isOpen: boolean;
  onClose: () => void;
}

/** Whom to ask, what to mind, and the keys. */
export function HelpDialog({ isOpen, onClose }: HelpDialogProps) {
  const { role } = useViewer();
  const words = texts.help;
  return (
    <Modal opened={isOpen} onClose={onClose} title={words.title} classNames={{ title: classes.title }}>
      <h3 className={classes.heading}>{words.contactTitle}</h3>
      <p className={classes.text}>{words.contact[role]}</p>
      {(role === "tenant_admin" || role === "admin") && (
        <>
          <h3 className={classes.heading}>{words.adviceTitle}</h3>
          <p className={classes.text}>{words.advice}</p>
        </>
      )}
      <h3 className={classes.heading}>{words.keysTitle}</h3>
      <dl className={classes.keys}>
        <dt>{words.keys.search}</dt>
        <dd>
          <Kbd>⌘ K</Kbd> <Kbd>Ctrl K</Kbd> <Kbd>/</Kbd>
        </dd>
        <dt>{words.keys.close}</dt>
        <dd>
          <Kbd>Esc</Kbd>
        </dd>
      </dl>
    </Modal>
  );
}
