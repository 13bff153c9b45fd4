import { Money } from "@/shared/Money";
import { texts } from "@/shared/texts";
import { useViewer } from "@/shared/viewer";
import classes from "./Shell.module.css";

/** What the person can still spend, wherever they are; absent for those who hold no credits. */
export function Remaining({ className }: { className?: string }) {
  const { remaining } = useViewer();
  if (remaining === null) return null;
  return (
    <span className={className ? `${classes.remaining} ${className}` : classes.remaining}>
      {texts.person.remaining}
      <strong>
        <Money credits={remaining} />
      </strong>
    </span>
  );
}
