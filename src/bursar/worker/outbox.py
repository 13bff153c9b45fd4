"""Tells people what happened: goes through the tenants that have something in their outbox."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Desk
from bursar.actions.outbox import tell_of_events
from bursar.db.transaction import platform_reading
from bursar.store.notifications import list_tenants_with_outbox
from bursar.worker.turns import Turns

ROWS_LOOKED_AT_MAX = 10_000
"""Rows of the outbox among which tenants are looked for at once; the rest are found after these."""


async def tell_what_happened(desk: Desk) -> int:
    """Tells of some events of each tenant, one transaction each; returns how many events left the outbox.

    A tenant whose events cannot be told of keeps no other waiting: the fault is raised when all have had their turn.

    Rule: NOTIFY-1
    """
    turns, after = Turns(), None
    while waiting := await _waiting(desk, after):
        await turns.give(waiting, lambda tenant_id: tell_of_events(desk, tenant_id))
        after = waiting[-1]
    return turns.finish()


async def _waiting(desk: Desk, after: UUID | None) -> list[UUID]:
    async with platform_reading(desk.platform) as transaction:
        return await list_tenants_with_outbox(transaction, after=after, rows_max=ROWS_LOOKED_AT_MAX)
