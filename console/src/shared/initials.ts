/** Up to two letters that stand for a name: "Dana Whitfield" is DW, "dana@acme.example" is D. */
export function initialsOf(name: string): string {
  const words = name.replace(/@.*$/, "").split(/\s+/).filter(Boolean);
  const first = words.at(0);
  const last = words.length > 1 ? words.at(-1) : undefined;
  return [first, last]
    .map((word) => (word ? [...word][0] : ""))
    .join("")
    .toUpperCase();
}
