"""One hold: what it keeps, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal


@dataclass(frozen=True)
class Hold:
    """Credits set aside for a call. `charged` and `overrun` are there once it has ended."""

    hold_id: UUID
    member_id: UUID
    state: str
    amount: Credits
    charged: Credits | None
    overrun: Credits | None
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None


async def see_hold(database: Database, tenant_id: UUID, hold_id: UUID, *, only_of: UUID | None) -> Hold:
    """The hold with this id; with `only_of`, only if it is that member's. Refuses `hold_unknown`."""
    async with reading(database, tenant_id) as transaction:
        row = await transaction.fetchrow(
            """
            select hold_id, member_id, state, amount_micro, settled_micro, overrun_micro, opened_at, expires_at,
                   closed_at
            from ledger_holds
            where tenant_id = $1
              and hold_id = $2
              and ($3::uuid is null or member_id = $3)
            """,
            tenant_id,
            hold_id,
            only_of,
        )
    if row is None:
        raise Refusal("hold_unknown", "There is no such hold.", field="hold_id")
    return Hold(
        hold_id=row["hold_id"],
        member_id=row["member_id"],
        state=row["state"],
        amount=Credits(row["amount_micro"]),
        charged=None if row["settled_micro"] is None else Credits(row["settled_micro"]),
        overrun=None if row["overrun_micro"] is None else Credits(row["overrun_micro"]),
        opened_at=row["opened_at"],
        expires_at=row["expires_at"],
        closed_at=row["closed_at"],
    )
