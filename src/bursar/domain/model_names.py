"""Which model a name means: clients write `gpt-4o-2024-08-06` where the price list says `gpt-4o`.

A list's entry says by which names its model goes: any of several ways, each of which may ask several things of a name.
Names are compared without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

EXPRESSIONS_KEPT = 512
"""More than all regular expressions of the public list, which has about seventy."""


@dataclass(frozen=True, slots=True)
class NameTest:
    """One thing that is asked of a name, in lower case."""

    asks: str
    text: str

    def holds(self, name: str) -> bool:
        """Whether the name, in lower case, answers it."""
        return TESTS[self.asks](name, self.text)


Names = tuple[tuple[NameTest, ...], ...]
"""A name is meant if all tests of any of these hold. None of them: only the model's own id is meant."""


@lru_cache(maxsize=EXPRESSIONS_KEPT)
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text)


TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda name, text: name == text,
    "starts_with": lambda name, text: name.startswith(text),
    "ends_with": lambda name, text: name.endswith(text),
    "contains": lambda name, text: text in name,
    "matches": lambda name, text: _expression(text).search(name) is not None,
}
"""What can be asked of a name."""


def is_meant(names: Names, name: str) -> bool:
    """Whether a model that goes by these names goes by this one.

    Rule: PRICE-6
    """
    lowered = name.lower()
    return any(all(test.holds(lowered) for test in tests) for tests in names)
