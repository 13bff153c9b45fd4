"""Amounts as a program writes them, as Bursar takes them: decimal strings, never a float."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

Amount: TypeAlias = Decimal | str | int
"""An amount of credits or of dollars, such as `Decimal("2.50")` or `"2.50"`."""

DECIMALS_MAX = 6
"""As finely as Bursar counts."""


def amount_text(amount: Amount, *, name: str) -> str:
    """The amount as a plain decimal string, never rounded. Raises `TypeError` for a float, which is not the amount that
    it looks like, and `ValueError` for what is no number.

    What is computed has zeros at its end, such as 1.500 * 0.2500 = 0.3750000: they are left out where they would make
    it look finer than Bursar takes amounts. A string is sent as it was written.
    """
    if isinstance(amount, str):
        return amount
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int):
        raise TypeError(f'{name} is a Decimal, a whole number or a string such as "2.50", not {amount!r}')
    exact = Decimal(amount)
    if not exact.is_finite():
        raise ValueError(f"{name} is a number, not {amount!r}")
    text = f"{exact:f}"
    whole, point, fraction = text.partition(".")
    if len(fraction) <= DECIMALS_MAX:
        return text
    return whole + point + fraction[:DECIMALS_MAX] + fraction[DECIMALS_MAX:].rstrip("0")


def one_amount(amount: Amount | None, amount_usd: Amount | None, *, name: str) -> dict[str, str]:
    """The one of both that was given, as a body has it. Raises `ValueError` unless exactly one was."""
    if (amount is None) == (amount_usd is None):
        raise ValueError(f"give either {name} in credits or {name}_usd in dollars")
    if amount is not None:
        return {name: amount_text(amount, name=name)}
    assert amount_usd is not None
    return {f"{name}_usd": amount_text(amount_usd, name=f"{name}_usd")}
