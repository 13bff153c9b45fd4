"""Ends the cycles of tenants that nobody is using, so that their figures do not wait for the next call."""

from __future__ import annotations

from bursar.actions.desk import Desk
from bursar.ledger import EndDueCycle
from bursar.reports.due import list_tenants_with_ended_cycle


async def end_due_cycles(desk: Desk) -> int:
    """Posts nothing but the end of the cycle, once for each tenant that waits for it; returns how many waited."""
    due = await list_tenants_with_ended_cycle(desk.platform, now=desk.clock.now())
    for tenant_id in due:
        outcome = await desk.lanes.submit(tenant_id, EndDueCycle(actor_id=None))
        outcome.unwrap()
    return len(due)
