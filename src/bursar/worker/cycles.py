"""Ends the cycles of tenants that nobody is using, so that their figures do not wait for the next call."""

from __future__ import annotations

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading
from bursar.ledger import EndDueCycle, PostingFault, due


async def end_due_cycles(desk: Desk) -> int:
    """Posts nothing but the end of the cycle, once for each tenant that waits for it; returns how many waited.

    A tenant whose books have a fault keeps no other waiting: the fault is raised when all have had their turn.
    """
    async with platform_reading(desk.platform) as transaction:
        waiting = (await due(transaction, desk.clock.now())).with_ended_cycle
    first_fault: PostingFault | None = None
    for tenant_id in waiting:
        try:
            outcome = await desk.lanes.submit(tenant_id, EndDueCycle(actor_id=None))
        except PostingFault as fault:
            first_fault = first_fault or fault
        else:
            outcome.unwrap()
    if first_fault is not None:
        raise first_fault
    return len(waiting)
