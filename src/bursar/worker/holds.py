"""Ends holds that nobody settled: a client like any other, whose command the ledger checks again."""

from __future__ import annotations

import asyncio

import structlog

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading, reading
from bursar.ledger import ExpireHold, PostingFault, due, holds_past_deadline

log = structlog.get_logger("bursar.worker")


async def expire_holds(desk: Desk) -> int:
    """Submits an end for every hold past its deadline; returns how many ended. One settled meanwhile is no fault.

    A tenant whose books have a fault keeps no other waiting: the fault is raised when all have had their turn.
    """
    ended = 0
    first_fault: PostingFault | None = None
    now = desk.clock.now()
    async with platform_reading(desk.platform) as transaction:
        waiting = (await due(transaction, now)).with_holds_past_deadline
    for tenant_id in waiting:
        async with reading(desk.tenants, tenant_id) as transaction:
            holds = await holds_past_deadline(transaction, tenant_id, now)
        try:
            outcomes = await asyncio.gather(
                *(desk.lanes.submit(tenant_id, ExpireHold(actor_id=None, hold_id=hold_id)) for hold_id in holds)
            )
        except PostingFault as fault:
            first_fault = first_fault or fault
            continue
        for hold_id, outcome in zip(holds, outcomes, strict=True):
            if outcome.refusal is None:
                ended += 1
            else:
                log.info("hold ended meanwhile", hold_id=str(hold_id), code=outcome.refusal.code)
    if first_fault is not None:
        raise first_fault
    return ended
