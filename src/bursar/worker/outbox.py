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
ROUNDS_MAX = 10
"""How often everybody has a turn before the duty pauses; the pause is short, and leaves the database to people."""


async def tell_what_happened(desk: Desk) -> int:
    """Tells of what happened in all tenants, one transaction after another; returns how many events left the outbox.

    A tenant with many events has as many turns as there are rounds, one after all others had theirs. One whose events
    cannot be told of keeps no other waiting: the fault is raised when all have had their turn.

    Rule: NOTIFY-1
    """
    turns, rest = Turns(), set[UUID]()

    async def tell(tenant_id: UUID) -> int:
        passed = await tell_of_events(desk, tenant_id)
        if passed.has_more:
            rest.add(tenant_id)
        return passed.count

    for _ in range(ROUNDS_MAX):
        rest.clear()
        after = None
        while waiting := await _waiting(desk, after):
            await turns.give(waiting, tell)
            after = waiting[-1]
        if not rest or turns.has_fault:
            break
    return turns.finish()


async def _waiting(desk: Desk, after: UUID | None) -> list[UUID]:
    async with platform_reading(desk.platform) as transaction:
        return await list_tenants_with_outbox(transaction, after=after, rows_max=ROWS_LOOKED_AT_MAX)
