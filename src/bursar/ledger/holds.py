"""One hold as people see it: what it keeps, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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


_FIND_HOLD = """
select hold_id, member_id, opened_by, state, amount_micro, settled_micro, overrun_micro, opened_at, expires_at,
       closed_at
from bursar.ledger_holds
where tenant_id = $1
  and hold_id = $2
"""


async def find_hold(transaction: Transaction, tenant_id: UUID, hold_id: UUID) -> HoldFigures | None:
    """The tenant's hold with this id."""
    row = await transaction.fetchrow(_FIND_HOLD, tenant_id, hold_id)
    if row is None:
        return None
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
