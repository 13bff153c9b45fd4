"""Ends holds that nobody settled: a client like any other, whose command the ledger checks again."""

from __future__ import annotations

import asyncio

import structlog

from bursar.actions.desk import Desk
from bursar.ledger import ExpireHold
from bursar.reports.due import list_expired_holds, list_tenants_with_expired_holds

log = structlog.get_logger("bursar.worker")


async def expire_holds(desk: Desk) -> int:
    """Submits an end for every open hold past its deadline; returns how many ended. One settled meanwhile is no fault.
    """
    ended = 0
    now = desk.clock.now()
    for tenant_id in await list_tenants_with_expired_holds(desk.platform, now=now):
        holds = await list_expired_holds(desk.tenants, tenant_id, now=now)
        outcomes = await asyncio.gather(
            *(desk.lanes.submit(tenant_id, ExpireHold(actor_id=None, hold_id=hold_id)) for hold_id in holds)
        )
        for hold_id, outcome in zip(holds, outcomes, strict=True):
            if outcome.refusal is None:
                ended += 1
            else:
                log.info("hold ended meanwhile", hold_id=str(hold_id), code=outcome.refusal.code)
    return ended
