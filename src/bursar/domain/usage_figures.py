"""What calls come to: the figures, what they can be broken down by, and the days that are asked for.

Not here: where the figures are kept and added up (`store/call_days`), and what one call cost (`costs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date
from enum import StrEnum

from bursar.domain.refusals import Refusal

DAYS_MAX = 366
"""A year, with the day of a leap year: what a person compares, and what is read while somebody waits."""

SERIES_MAX = 50
"""More lines than a chart shows or a person reads; the others are one line, so that the sum stays the sum."""

DIMENSIONS_MAX = 2
"""A table has rows and columns."""


class Dimension(StrEnum):
    """What figures of usage can be broken down by.

    Rule: USAGE-8
    """

    DAY = "day"
    MODEL = "model"
    MEMBER = "member"
    GROUP = "group"
    KEY = "key"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class UsageFigures:
    """What some calls come to. Tokens count their parts, as in `costs.Usage`.

    `failed` calls cost nothing. `estimated` ones were counted here, since their provider said nothing. `unpriced` ones
    delivered something of which nobody knows the dollars, so those are missing from `cost_pico`.
    """

    calls: int = 0
    failed: int = 0
    estimated: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cached_read_tokens: int = 0
    cached_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pico: int = 0
    credits_micro: int = 0

    def __add__(self, other: UsageFigures) -> UsageFigures:
        return UsageFigures(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))


NOTHING = UsageFigures()


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days where the tenant is, the last one included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def check_period(first: date, last: date) -> Period:
    """The period of these days. Refuses `invalid_input` for one that ends before it begins, or is too long.

    Rule: USAGE-7
    """
    if last < first:
        raise Refusal("invalid_input", "The last day is before the first.", field="to")
    period = Period(first, last)
    if period.days > DAYS_MAX:
        raise Refusal("invalid_input", f"Ask for {DAYS_MAX} days at most.", field="to")
    return period


def parse_dimensions(text: str) -> tuple[Dimension, ...]:
    """What to break figures down by, such as `day,model`: one or two, each once. Refuses `invalid_input`.

    Rule: USAGE-8
    """
    words: Sequence[str] = text.split(",")
    known = all(word in list(Dimension) for word in words)
    if not known or len(words) > DIMENSIONS_MAX or len(set(words)) < len(words):
        offered = ", ".join(Dimension)
        raise Refusal("invalid_input", f"Name one or two of {offered}, with a comma between them.", field="by")
    return tuple(Dimension(word) for word in words)
