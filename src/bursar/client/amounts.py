"""Amounts as a program writes them, as Bursar takes them: decimal strings, never a float."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

Amount: TypeAlias = Decimal | str | int
"""An amount of credits or of dollars, such as `Decimal("2.50")` or `"2.50"`."""


def amount_text(amount: Amount, *, name: str) -> str:
    """The amount as a plain decimal string, digit by digit as it was given. Raises `TypeError` for a float, which is
    not the amount that it looks like, and `ValueError` for what is no number.
    """
    if isinstance(amount, str):
        return amount
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int):
        raise TypeError(f'{name} is a Decimal, a whole number or a string such as "2.50", not {amount!r}')
    exact = Decimal(amount)
    if not exact.is_finite():
        raise ValueError(f"{name} is a number, not {amount!r}")
    return f"{exact:f}"


def one_amount(amount: Amount | None, amount_usd: Amount | None, *, name: str) -> dict[str, str]:
    """The one of both that was given, as a body has it. Raises `ValueError` unless exactly one was."""
    if (amount is None) == (amount_usd is None):
        raise ValueError(f"give either {name} in credits or {name}_usd in dollars")
    if amount is not None:
        return {name: amount_text(amount, name=name)}
    assert amount_usd is not None
    return {f"{name}_usd": amount_text(amount_usd, name=f"{name}_usd")}
