"""What one member can spend now, and when that renews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.ledger import Clock, MemberFigures, member_balance, tenant_figures


@dataclass(frozen=True)
class Spendable:
    """A member's figures; `resets_at` is None for who spends from the pool, which does not renew."""

    member: MemberFigures
    resets_at: datetime | None


async def see_spendable(database: Database, tenant_id: UUID, member_id: UUID, clock: Clock) -> Spendable:
    """What this member can spend. Refuses `tenant_unknown`, `member_unknown`.

    Rule: METER-8
    """
    async with reading(database, tenant_id) as transaction:
        member = await member_balance(transaction, tenant_id, member_id, clock)
        cycle = (await tenant_figures(transaction, tenant_id, clock)).cycle
    return Spendable(member, None if member.spends_pool else cycle.ends_at)
