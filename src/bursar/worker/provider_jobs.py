"""Asks after the jobs that providers work on, until each has ended: in turns, so that none keeps another one waiting.

Several processes may do this at once: a job is taken on by one of them, for a while, and ended once in any case.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from bursar.actions.desk import Desk
from bursar.actions.job_rounds import FindProvider, look_after
from bursar.db.transaction import platform_reading, writing
from bursar.store.provider_jobs import Job, claim_due_jobs, list_tenants_with_due_jobs
from bursar.worker.turns import Turns

log = structlog.get_logger("bursar.worker")

TENANTS_MAX = 200
"""So many have their turn before it is asked again who is waiting."""
ROWS_AT_ONCE = 8
"""So many tenants have their turn at the same time. Each needs a connection now and then, and never for long."""
JOBS_AT_ONCE = 20
"""Of one tenant, in one turn. They wait for their providers, not for us."""
CLAIMED_FOR = timedelta(minutes=30)
"""How long a job is nobody else's: longer than the results of the largest batch may take to be read. After that it is
left to the others by a process that died meanwhile."""


async def poll_jobs(desk: Desk, find: FindProvider) -> int:
    """Gives every tenant with jobs that are due a turn; returns how many jobs were asked after.

    Rule: TASK-3
    """
    async with platform_reading(desk.platform) as transaction:
        waiting = await list_tenants_with_due_jobs(transaction, desk.clock.now(), limit=TENANTS_MAX)
    rows = [Turns() for _ in range(ROWS_AT_ONCE)]
    # What is waited for is somebody else's provider, so one that is slow is not to keep all the others waiting.
    await asyncio.gather(
        *(turns.give(waiting[place::ROWS_AT_ONCE], partial(_turn, desk, find)) for place, turns in enumerate(rows))
    )
    return sum(turns.finish() for turns in rows)


async def _turn(desk: Desk, find: FindProvider, tenant_id: UUID) -> int:
    now = desk.clock.now()
    async with writing(desk.tenants, tenant_id) as transaction:
        jobs = await claim_due_jobs(transaction, tenant_id, now=now, until=now + CLAIMED_FOR, limit=JOBS_AT_ONCE)
    outcomes = await asyncio.gather(*(_look(desk, find, tenant_id, job) for job in jobs), return_exceptions=True)
    faults = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if faults:
        raise faults[0]
    return len(jobs)


async def _look(desk: Desk, find: FindProvider, tenant_id: UUID, job: Job) -> None:
    """One that breaks is left until it is due again, and keeps none of the others from their turn."""
    try:
        await look_after(desk, find, tenant_id, job)
    except Exception:
        log.exception("a job was not looked after", job=job.job_id.hex)
        raise
