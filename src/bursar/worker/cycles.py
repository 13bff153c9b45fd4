"""Ends the cycles of tenants that nobody is using, so that their figures do not wait for the next call."""

from __future__ import annotations

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading
from bursar.ledger import EndDueCycle, due


async def end_due_cycles(desk: Desk) -> int:
    """Posts nothing but the end of the cycle, once for each tenant that waits for it; returns how many waited."""
    async with platform_reading(desk.platform) as transaction:
        waiting = (await due(transaction, desk.clock.now())).with_ended_cycle
    for tenant_id in waiting:
        outcome = await desk.lanes.submit(tenant_id, EndDueCycle(actor_id=None))
        outcome.unwrap()
    return len(waiting)
