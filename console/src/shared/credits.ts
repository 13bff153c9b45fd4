/**
 * Credits as whole micro-credits in a bigint: exact, whatever their size. The wire carries decimal strings;
 * only `showCredits` and `showExactCredits` make text for people. Never put an amount into a `number`.
 */

const MICRO_PER_CREDIT = 1_000_000n;
const WIRE_AMOUNT = /^(-?)(\d+)(?:\.(\d{1,6}))?$/;

// U+2212, the minus sign that is as wide as a digit.
const MINUS = "−";

/** The micro-credits in a decimal string of the API. Throws a RangeError for anything else. */
export function creditsFromWire(text: string): bigint {
  const match = WIRE_AMOUNT.exec(text);
  if (match === null) throw new RangeError(`not an amount of credits: "${text}"`);
  const [, sign, whole = "", fraction = ""] = match;
  const micro = BigInt(whole) * MICRO_PER_CREDIT + BigInt(fraction.padEnd(6, "0"));
  return sign === "-" ? -micro : micro;
}

/** The shortest decimal string with at least two decimals that means exactly this amount. */
export function creditsToWire(micro: bigint): string {
  const { whole, fraction } = parts(micro);
  return `${micro < 0n ? "-" : ""}${whole}.${fraction.replace(/0{1,4}$/, "")}`;
}

/** Two decimals for people, rounded down, so that a balance never looks larger than it is. */
export function showCredits(micro: bigint, locale = "en"): string {
  const microPerHundredth = MICRO_PER_CREDIT / 100n;
  const remainder = ((micro % microPerHundredth) + microPerHundredth) % microPerHundredth;
  const { whole, fraction } = parts(micro - remainder);
  return printed(micro, whole, fraction.slice(0, 2), locale);
}

/** Every decimal there is, and at least two. */
export function showExactCredits(micro: bigint, locale = "en"): string {
  const { whole, fraction } = parts(micro);
  return printed(micro, whole, fraction.replace(/0{1,4}$/, ""), locale);
}

function parts(micro: bigint): { whole: bigint; fraction: string } {
  const size = micro < 0n ? -micro : micro;
  return { whole: size / MICRO_PER_CREDIT, fraction: (size % MICRO_PER_CREDIT).toString().padStart(6, "0") };
}

function printed(micro: bigint, whole: bigint, fraction: string, locale: string): string {
  const format = new Intl.NumberFormat(locale, { minimumFractionDigits: 1 });
  const point = format.formatToParts(1.1).find((part) => part.type === "decimal")?.value ?? ".";
  const grouped = new Intl.NumberFormat(locale).format(whole);
  return `${micro < 0n ? MINUS : ""}${grouped}${point}${fraction}`;
}
