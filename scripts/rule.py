"""`make rule id=ALLOC-4`: prints the rule, the code that decides it and the tests that hold it.

Without an id it lists every rule, one a line.
"""

from __future__ import annotations

import sys

from scripts.checkout import ROOT
from scripts.rules import Index, Place, Rule, read_index


def main(arguments: list[str]) -> int:
    """Print one rule or the list of all; 1 if there is no such rule."""
    index = read_index(ROOT)
    wanted = arguments[0].strip().upper() if arguments else ""
    if not wanted:
        for rule in index.rules:
            print(f"{rule.id:<12} {rule.sentence}")
        return 0
    rules = [rule for rule in index.rules if rule.id == wanted]
    if not rules:
        print(f"There is no rule {wanted}.", file=sys.stderr)
        near = ", ".join(rule.id for rule in index.rules if rule.id.split("-")[0] == wanted.split("-")[0])
        print(f"hint: {near or 'make rule lists them all'}", file=sys.stderr)
        return 1
    print_rule(rules[0], index)
    return 0


def print_rule(rule: Rule, index: Index) -> None:
    """The sentence and its reasons, then where it is decided, then where it is held."""
    print(f"{rule.id} · {rule.sentence}\n{rule.page}:{rule.line}\n\n{rule.body}\n")
    _print_places("Decided in", index.code.get(rule.id, []))
    _print_places("Held by", index.tests.get(rule.id, []))


def _print_places(title: str, places: list[Place]) -> None:
    print(f"{title}:")
    for place in places:
        print(f"  {place}")
    if not places:
        print("  nothing yet")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
