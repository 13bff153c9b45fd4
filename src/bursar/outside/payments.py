"""Ways of paying for credits: one small interface, and the one that is built in, an invoice.

How an order is paid, whichever way:

1. The order is made first, in a transaction of its own. It has a number, a total and a reference, and waits.
2. `begin` tells the provider of it, outside of any transaction, and says how to pay: instructions, maybe a link. It may
   come twice for one order, since a process may stop in between; the same reference is the same payment.
3. Later it is paid or not. By invoice, the super admin sees the money and confirms, or cancels. A card provider calls
   back: `heard` checks that the call is the provider's own and reads which order it is about and what became of it,
   and `actions/purchases.hear` does the rest. It may be told twice, late, or of an order that was withdrawn.

So a card provider is one class here with a name of its own, its settings, a line in `compose`, and one route for its
calls. What it must never do is hold anything open while it talks to somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bursar.domain.currencies import Money

INVOICE = "invoice"


@dataclass(frozen=True)
class Bill:
    """What a provider is told of an order: by which reference it is known, what it is for, and what is to be paid.

    `instructions` are the platform's own, as they were when the order was made.
    """

    reference: str
    title: str
    total: Money
    instructions: str | None


@dataclass(frozen=True)
class Begun:
    """How the order can be paid: what to read, and where to go."""

    instructions: str | None
    link: str | None = None


@dataclass(frozen=True)
class Notice:
    """What a provider told of one order: that it was paid, or that it never will be, and its own words for it."""

    reference: str
    is_paid: bool
    note: str | None = None


class NotBegun(Exception):
    """The provider could not be reached. The order waits; the same request sent again begins it again."""


class PaymentProvider(Protocol):
    """One way of paying."""

    @property
    def name(self) -> str:
        """How orders remember it; never changed, since a provider's notices count for its own orders only."""
        ...

    async def begin(self, bill: Bill) -> Begun:
        """Tells the provider of an order, and how it is paid. The same reference is the same payment. Raises
        `NotBegun`.
        """
        ...

    def heard(self, body: bytes, headers: Mapping[str, str]) -> Notice | None:
        """What a call of the provider tells; None for one that is not its own, or tells nothing of an order's end."""
        ...


class Invoice:
    """Paid outside of Bursar: the order shows the platform's instructions, and the super admin says what came in."""

    name = INVOICE

    async def begin(self, bill: Bill) -> Begun:
        """Nobody else is told: the instructions are all there is."""
        return Begun(bill.instructions)

    def heard(self, body: bytes, headers: Mapping[str, str]) -> Notice | None:
        """Nobody calls."""
        return None
