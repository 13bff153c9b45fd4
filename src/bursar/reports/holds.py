"""One hold: what it keeps, and how it ended."""

from __future__ import annotations

from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.ledger import HoldFigures, find_hold


async def see_hold(database: Database, tenant_id: UUID, hold_id: UUID, *, only_of: UUID | None) -> HoldFigures:
    """The hold with this id; with `only_of`, only if it is that member's. Refuses `hold_unknown`."""
    async with reading(database, tenant_id) as transaction:
        hold = await find_hold(transaction, tenant_id, hold_id)
    if hold is None or only_of not in (None, hold.member_id):
        raise Refusal("hold_unknown", "There is no such hold.", field="hold_id")
    return hold
