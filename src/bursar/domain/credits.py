"""Amounts of credits: what one is, how a person or a machine writes one, how a price becomes one.

Not here: which account an amount may leave (`accounts`), or what a call costs (`costs`).
Read next: `refusals`, `accounts`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bursar.domain.refusals import Refusal

MICRO_PER_CREDIT = 1_000_000

AMOUNT_MAX_MICRO = 1_000_000_000 * MICRO_PER_CREDIT
"""The most that one command may move. Thousands of such commands still fit a 64-bit total."""

TOTAL_MAX_MICRO = 2**63 - 1
"""The most that one account can hold: a PostgreSQL `bigint`."""

_TYPED_MINIMUM_MICRO = 10_000

# ASCII digits only: a full-width or Arabic digit is not what anybody meant to type into a money field.
_DECIMAL = re.compile(r"(?P<sign>-?)(?P<whole>0|[1-9][0-9]*)(?:\.(?P<fraction>[0-9]+))?", re.ASCII)

_TEXT_LENGTH_MAX = 40


@dataclass(frozen=True, slots=True, order=True)
class Credits:
    """A whole number of micro-credits (1 credit = 1 000 000), positive, zero or negative.

    Rule: AMOUNT-1
    """

    micro: int

    def __post_init__(self) -> None:
        if type(self.micro) is not int:
            raise TypeError(f"credits are whole micro-credits, not {self.micro!r}")

    def __str__(self) -> str:
        return decimal_text(self.micro)

    def __add__(self, other: Credits) -> Credits:
        return Credits(self.micro + other.micro)

    def __sub__(self, other: Credits) -> Credits:
        return Credits(self.micro - other.micro)

    def __neg__(self) -> Credits:
        return Credits(-self.micro)


ZERO = Credits(0)


def decimal_text(micro: int) -> str:
    """The exact amount as a decimal string of credits, with two to six decimals.

    Rule: AMOUNT-5
    """
    whole, fraction = divmod(abs(micro), MICRO_PER_CREDIT)
    digits = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}{whole}.{digits}"


def parse_typed(text: object, *, field: str) -> Credits:
    """What a person types: at least 0.01, at most two decimals, at most the largest amount.

    Refuses `amount_not_decimal`, `amount_too_fine`, `amount_too_small`, `amount_too_large`; never rounds.

    Rule: AMOUNT-2
    """
    amount = _parse(text, field=field, decimals_max=2, smallest="0.01")
    if amount.micro < _TYPED_MINIMUM_MICRO:
        raise Refusal("amount_too_small", "The amount must be at least 0.01.", field=field, smallest="0.01")
    return amount


def parse_level(text: object, *, field: str) -> Credits:
    """What a person types as a level that may be nothing, such as a budget: 0 or more, at most two decimals.

    Rule: AMOUNT-6
    """
    return _parse(text, field=field, decimals_max=2, smallest="0.00")


def parse_metered(text: object, *, field: str) -> Credits:
    """What a meter reports: 0 or more, at most six decimals.

    Rule: AMOUNT-3
    """
    return _parse(text, field=field, decimals_max=6, smallest="0.00")


def parse_figure(text: object, *, field: str) -> Credits:
    """A figure as it was shown to somebody who sends it back: at most six decimals, and below zero for a debt.

    Rule: AMOUNT-9
    """
    if isinstance(text, str) and text.startswith("-"):
        return -_parse(text.removeprefix("-"), field=field, decimals_max=6, smallest="0.00", micro_max=TOTAL_MAX_MICRO)
    return _parse(text, field=field, decimals_max=6, smallest="0.00", micro_max=TOTAL_MAX_MICRO)


def round_up_to_micro(exact: int, *, per: int) -> Credits:
    """An exact cost of `exact` / `per` credits as an amount, rounded up to the next micro-credit. Called once per model
    call. A fraction of whole numbers, because a decimal with a fixed number of digits can lose the last of them.

    Rule: AMOUNT-4
    """
    return Credits(-(-exact * MICRO_PER_CREDIT // per))


def _parse(text: object, *, field: str, decimals_max: int, smallest: str, micro_max: int = AMOUNT_MAX_MICRO) -> Credits:
    if not isinstance(text, str) or len(text) > _TEXT_LENGTH_MAX or not (match := _DECIMAL.fullmatch(text)):
        raise Refusal(
            "amount_not_decimal",
            'The amount must be a decimal string such as "12.50": digits and one point, no sign, exponent or spaces.',
            field=field,
        )
    fraction = match["fraction"] or ""
    if match["sign"]:
        raise Refusal("amount_too_small", "The amount must not be negative.", field=field, smallest=smallest)
    if len(fraction) > decimals_max:
        raise Refusal(
            "amount_too_fine",
            f"The amount may have at most {decimals_max} decimals.",
            field=field,
            decimals_max=str(decimals_max),
        )
    micro = int(match["whole"]) * MICRO_PER_CREDIT + int(fraction.ljust(6, "0"))
    if micro > micro_max:
        raise Refusal(
            "amount_too_large",
            f"The amount may be at most {decimal_text(micro_max)}.",
            field=field,
            largest=decimal_text(micro_max),
        )
    return Credits(micro)
