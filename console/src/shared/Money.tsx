import { creditsFromWire, showCredits, showExactCredits } from "./credits";
import classes from "./Money.module.css";

/** An amount of credits with two decimals; the exact figure on hover, where it has more. */
export function Money({ credits }: { credits: string }) {
  const micro = creditsFromWire(credits);
  const shown = showCredits(micro);
  const exact = showExactCredits(micro);
  return (
    <span
      className={micro < 0n ? `${classes.money} ${classes.negative}` : classes.money}
      title={exact === shown ? undefined : exact}
    >
      {shown}
    </span>
  );
}
