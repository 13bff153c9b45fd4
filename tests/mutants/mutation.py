"""One mutation: which line of the product it changes, what fault that plants, and who should notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class NoLongerFits(Exception):
    """The text that a mutation replaces is not in its file exactly once: the product has changed, and so must this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One small exact edit. `tests` are pytest's ids of files or tests, the quickest first."""

    name: str
    file: str
    before: str
    after: str
    fault: str
    breaks: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """The file's text with the fault in it; raises `NoLongerFits`."""
        occurrences = text.count(self.before)
        if occurrences != 1:
            raise NoLongerFits(f"mutation no longer fits: {self.name}: {occurrences} times in {self.file}")
        mutated = text.replace(self.before, self.after)
        if self.file.endswith(".py"):
            # A fault that Python refuses to read proves nothing about the tests.
            compile(mutated, self.file, "exec")
        return mutated

    def plant(self, checkout: Path) -> None:
        """Write the fault into a checkout."""
        path = checkout / self.file
        path.write_text(self.planted(path.read_text(encoding="utf-8")), encoding="utf-8")
