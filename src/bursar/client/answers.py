"""What Bursar answers, as typed values. Amounts are `Decimal`, times know their zone.

Fields that a newer Bursar adds are passed over, so that an older client goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedHold:
    """Credits that are set aside now. `is_free` says that nothing will be charged for dollars, because the organisation
    takes no credits for a dollar. `is_repeat` says that this very request had been answered before.
    """

    id: str
    member_id: str
    amount: Decimal
    amount_usd: Decimal | None
    is_free: bool
    label: str | None
    metadata: Mapping[str, str]
    opened_at: datetime
    expires_at: datetime
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class ClosedHold:
    """How a hold ended: what was charged, and what of that was above the hold."""

    id: str
    state: str
    charged: Decimal
    charged_usd: Decimal | None
    overrun: Decimal
    closed_at: datetime
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class HoldState:
    """A hold as it is now. `charged`, `overrun` and `closed_at` are None while it is open."""

    id: str
    member_id: str
    state: str
    amount: Decimal
    amount_usd: Decimal | None
    is_free: bool
    charged: Decimal | None
    overrun: Decimal | None
    label: str | None
    metadata: Mapping[str, str]
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HoldPage:
    """Open holds, those that expire first in front; `next_cursor` asks for more, and is None at the end."""

    holds: Sequence[HoldState]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Charge:
    """What was charged, in credits; and in dollars, where it was given so."""

    id: str
    member_id: str
    charged: Decimal
    charged_usd: Decimal | None
    is_free: bool
    label: str | None
    metadata: Mapping[str, str]
    charged_at: datetime
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """What somebody can spend now. `spendable` is allowance + balance - held, with what a shared group adds, or what
    the pool has for who spends from it; negative for who owes. `resets_at` is None where nothing renews by itself.
    """

    member_id: str
    spendable: Decimal
    allowance: Decimal
    balance: Decimal
    held: Decimal
    resets_at: datetime | None


def opened_hold(answer: Json, *, is_repeat: bool) -> OpenedHold:
    """A hold that was opened."""
    return OpenedHold(
        id=answer["id"],
        member_id=answer["member_id"],
        amount=Decimal(answer["amount"]),
        amount_usd=_decimal(answer["amount_usd"]),
        is_free=answer["is_free"],
        label=answer["label"],
        metadata=answer["metadata"],
        opened_at=_time(answer["opened_at"]),
        expires_at=_time(answer["expires_at"]),
        is_repeat=is_repeat,
    )


def closed_hold(answer: Json, *, is_repeat: bool) -> ClosedHold:
    """A hold that ended."""
    return ClosedHold(
        id=answer["id"],
        state=answer["state"],
        charged=Decimal(answer["charged"]),
        charged_usd=_decimal(answer["charged_usd"]),
        overrun=Decimal(answer["overrun"]),
        closed_at=_time(answer["closed_at"]),
        is_repeat=is_repeat,
    )


def hold_state(answer: Json) -> HoldState:
    """A hold that was looked at."""
    closed_at = answer["closed_at"]
    return HoldState(
        id=answer["id"],
        member_id=answer["member_id"],
        state=answer["state"],
        amount=Decimal(answer["amount"]),
        amount_usd=_decimal(answer["amount_usd"]),
        is_free=answer["is_free"],
        charged=_decimal(answer["charged"]),
        overrun=_decimal(answer["overrun"]),
        label=answer["label"],
        metadata=answer["metadata"],
        opened_at=_time(answer["opened_at"]),
        expires_at=_time(answer["expires_at"]),
        closed_at=None if closed_at is None else _time(closed_at),
    )


def hold_page(answer: Json) -> HoldPage:
    """A page of open holds."""
    return HoldPage([hold_state(item) for item in answer["holds"]], answer["next_cursor"])


def expiry(answer: Json) -> datetime:
    """When a hold that was extended expires."""
    return _time(answer["expires_at"])


def charge(answer: Json, *, is_repeat: bool) -> Charge:
    """What was charged."""
    return Charge(
        id=answer["id"],
        member_id=answer["member_id"],
        charged=Decimal(answer["charged"]),
        charged_usd=_decimal(answer["charged_usd"]),
        is_free=answer["is_free"],
        label=answer["label"],
        metadata=answer["metadata"],
        charged_at=_time(answer["charged_at"]),
        is_repeat=is_repeat,
    )


def balance(answer: Json) -> Balance:
    """What somebody can spend."""
    resets_at = answer["resets_at"]
    return Balance(
        member_id=answer["member_id"],
        spendable=Decimal(answer["spendable"]),
        allowance=Decimal(answer["allowance"]),
        balance=Decimal(answer["balance"]),
        held=Decimal(answer["held"]),
        resets_at=None if resets_at is None else _time(resets_at),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
