"""What is metered for applications that call no model: in credits, or in dollars that become credits here.

Not here: who may meter for whom (`roles`), or how credits move (the ledger). Read next: `costs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bursar.domain.costs import ONE, PARTS_PER_DOLLAR, Cost, Factor, credits_for
from bursar.domain.credits import AMOUNT_MAX_MICRO, ZERO, Credits, decimal_text, parse_metered
from bursar.domain.refusals import Refusal

ENDPOINT = "metering"
"""What a usage row of this says where one of a model call names its endpoint."""

UNNAMED = "metered"
"""What a usage row without a label says where one of a model call names its model."""

LABEL_LENGTH_MAX = 120
"""A line of a table."""

WORDS_MAX = 16
WORD_NAME_LENGTH_MAX = 40
WORD_LENGTH_MAX = 200
"""Enough for the ids by which an application finds its own row; the row of a usage log is no place for documents."""

DOLLARS_MAX_MICRO = 1_000_000 * 1_000_000
"""A million dollars in one piece is a slip of the hand, and dollars are kept in 64 bits of millionths of millionths."""

_PARTS_PER_MICRO_DOLLAR = PARTS_PER_DOLLAR // 1_000_000
_FACTOR_MICRO = 100
"""How many micro-credits for a dollar are one step of a factor."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What something is metered for: a line for people, and words for programs."""

    label: str | None = None
    words: Mapping[str, str] | None = None


NO_PURPOSE = Purpose()


@dataclass(frozen=True, slots=True)
class Measure:
    """How much: credits, or dollars if `dollars` is there; the credits that it comes to, and at what factor.

    `is_free` where dollars come to nothing because the tenant takes no credits for a dollar. What is given in credits
    is never free.
    """

    credits: Credits
    credit_factor: Factor
    dollars: Cost | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing is charged for it, however much it is."""
        return is_free(self.dollars, self.credit_factor)


def is_free(dollars: Cost | None, factor: Factor) -> bool:
    """Whether nothing is charged: for dollars where a dollar comes to no credits, and never for credits.

    Rule: METER-3
    """
    return dollars is not None and factor.ten_thousandths == 0


def parse_dollars(text: object, *, field: str) -> Cost:
    """Dollars as an application meters them: 0 or more, at most six decimals. Refuses what `parse_metered` refuses.

    Rule: METER-1
    """
    micro = parse_metered(text, field=field).micro
    if micro > DOLLARS_MAX_MICRO:
        largest = decimal_text(DOLLARS_MAX_MICRO)
        raise Refusal("amount_too_large", f"The amount may be at most {largest} dollars.", field=field, largest=largest)
    return Cost(micro * _PARTS_PER_MICRO_DOLLAR)


def credit_factor_of(credits_for_a_dollar: Credits) -> Factor:
    """A tenant's setting, which has two decimals, as the factor that costs are multiplied with."""
    return Factor(credits_for_a_dollar.micro // _FACTOR_MICRO)


def measured(amount: Credits | None, dollars: Cost | None, factor: Factor, *, field: str) -> Measure:
    """The one of both that was given, as a measure. Dollars times the tenant's factor, and no price factor, are rounded
    up to the next micro-credit, once. Refuses `invalid_input` unless it is exactly one, and `amount_too_large` for
    dollars that come to more credits than one command may move.

    Rule: METER-1, METER-2
    """
    if (amount is None) == (dollars is None):
        sentence = f"Give either {field} in credits or {field}_usd in dollars."
        raise Refusal("invalid_input", sentence, field=field)
    if dollars is None:
        assert amount is not None
        return Measure(amount, factor)
    charged = credits_for(dollars, credit_factor=factor, price_factor=ONE) if factor.ten_thousandths else ZERO
    if charged.micro > AMOUNT_MAX_MICRO:
        largest = decimal_text(AMOUNT_MAX_MICRO)
        sentence = f"That comes to {charged} credits, and at most {largest} can be moved at once."
        raise Refusal("amount_too_large", sentence, field=f"{field}_usd", largest=largest)
    return Measure(charged, factor, dollars)


def check_purpose(purpose: Purpose) -> None:
    """Refuses `invalid_input` for a label or words that are too long, too many, or that no screen shows.

    Rule: METER-5
    """
    if purpose.label is not None:
        _check_text(purpose.label, LABEL_LENGTH_MAX, field="label")
    words = purpose.words or {}
    if len(words) > WORDS_MAX:
        raise Refusal("invalid_input", f"Metadata has at most {WORDS_MAX} words.", field="metadata")
    for name, word in words.items():
        _check_text(name, WORD_NAME_LENGTH_MAX, field="metadata")
        if not name:
            raise Refusal("invalid_input", "Every word of metadata has a name.", field="metadata")
        _check_text(word, WORD_LENGTH_MAX, field="metadata")


def _check_text(text: str, length_max: int, *, field: str) -> None:
    if len(text) > length_max:
        raise Refusal("invalid_input", f"That is longer than {length_max} characters.", field=field)
    if not text.isprintable():
        raise Refusal("invalid_input", "Text must not contain line breaks or control characters.", field=field)
