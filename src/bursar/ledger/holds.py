"""Holds as people see them: what each keeps, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits


@dataclass(frozen=True)
class HoldFigures:
    """Credits set aside for a call. `charged` and `overrun` are there once it has ended."""

    hold_id: UUID
    member_id: UUID
    opened_by: UUID | None
    state: str
    amount: Credits
    charged: Credits | None
    overrun: Credits | None
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class OpenHoldsAfter:
    """Where a page of open holds begins: after the hold with this deadline and id."""

    expires_at: datetime
    hold_id: UUID


_COLUMNS = """hold_id, member_id, opened_by, state, amount_micro, settled_micro, overrun_micro, opened_at, expires_at,
       closed_at"""

_FIND_HOLD = f"""
select {_COLUMNS}
from bursar.ledger_holds
where tenant_id = $1
  and hold_id = $2
"""

# Read through the small index of the tenant's open holds: an index of them by member would be written by every call.
_LIST_OPEN_HOLDS = f"""
select {_COLUMNS}
from bursar.ledger_holds
where tenant_id = $1
  and member_id = $2
  and state = 'open'
  and ($3::timestamptz is null or expires_at >= $3)
  and ($3::timestamptz is null or (expires_at, hold_id) > ($3, $4))
order by expires_at, hold_id
limit $5
"""


async def find_hold(transaction: Transaction, tenant_id: UUID, hold_id: UUID) -> HoldFigures | None:
    """The tenant's hold with this id."""
    row = await transaction.fetchrow(_FIND_HOLD, tenant_id, hold_id)
    return None if row is None else _figures(row)


async def list_open_holds(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, *, after: OpenHoldsAfter | None, limit: int
) -> list[HoldFigures]:
    """The member's open holds, those that expire first in front. A hold that is extended moves back in this order, so
    one who pages may see it twice and misses none."""
    place = (None, None) if after is None else (after.expires_at, after.hold_id)
    return [_figures(row) for row in await transaction.fetch(_LIST_OPEN_HOLDS, tenant_id, member_id, *place, limit)]


def _figures(row: Any) -> HoldFigures:
    return HoldFigures(
        hold_id=row["hold_id"],
        member_id=row["member_id"],
        opened_by=row["opened_by"],
        state=row["state"],
        amount=Credits(row["amount_micro"]),
        charged=None if row["settled_micro"] is None else Credits(row["settled_micro"]),
        overrun=None if row["overrun_micro"] is None else Credits(row["overrun_micro"]),
        opened_at=row["opened_at"],
        expires_at=row["expires_at"],
        closed_at=row["closed_at"],
    )
