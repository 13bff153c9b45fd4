"""Holds: what each keeps, what it is for, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.ledger import HoldFigures, OpenHoldsAfter, find_hold, list_open_holds
from bursar.store.members import find_member
from bursar.store.metered_holds import MeteredHold, find_metered_hold, list_metered_holds


@dataclass(frozen=True)
class SeenHold:
    """A hold, and what it is for where an application opened it."""

    hold: HoldFigures
    metered: MeteredHold | None


async def see_hold(database: Database, tenant_id: UUID, hold_id: UUID, *, only_of: UUID | None) -> SeenHold:
    """The hold with this id; with `only_of`, only if it is that member's. Refuses `hold_unknown`."""
    async with reading(database, tenant_id) as transaction:
        hold = await find_hold(transaction, tenant_id, hold_id)
        if hold is None or only_of not in (None, hold.member_id):
            raise Refusal("hold_unknown", "There is no such hold.", field="hold_id")
        return SeenHold(hold, await find_metered_hold(transaction, tenant_id, hold_id))


async def see_open_holds(
    database: Database, tenant_id: UUID, member_id: UUID, *, after: OpenHoldsAfter | None, limit: int
) -> Sequence[SeenHold]:
    """A page of the member's open holds, those that expire first in front. Refuses `member_unknown`.

    Rule: METER-9
    """
    async with reading(database, tenant_id) as transaction:
        if await find_member(transaction, tenant_id, member_id) is None:
            raise Refusal("member_unknown", "There is no such member.", field="member_id")
        holds = await list_open_holds(transaction, tenant_id, member_id, after=after, limit=limit)
        metered = await list_metered_holds(transaction, tenant_id, [hold.hold_id for hold in holds])
    return [SeenHold(hold, metered.get(hold.hold_id)) for hold in holds]
