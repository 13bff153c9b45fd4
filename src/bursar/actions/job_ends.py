"""How a job ends: charged once for what was produced, or given back; in one transaction with its usage row.

The settlement's key is the hold, and the hold is the job. So whoever else ends the job at the same moment, in this
process or another, before a crash or after it, charges nothing twice.

Rule: TASK-4
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from bursar.actions.calls import written_with
from bursar.actions.desk import Desk
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.calls import FAULT_LENGTH_MAX, Call
from bursar.domain.costs import Cost, Usage, credits_for
from bursar.domain.credits import Credits
from bursar.domain.provider_jobs import KINDS, NO_PROGRESS, JobState, Progress, outcome_of
from bursar.domain.refusals import Refusal
from bursar.ledger import Command, SettleHold, VoidHold, WriteAlong, lock_books, post
from bursar.store.provider_files import ProviderFile, insert_file
from bursar.store.provider_job_changes import JobEnd, update_job_ended
from bursar.store.provider_jobs import Job, find_job, lock_job

log = structlog.get_logger(__name__)

NOTHING = Usage(calls=0)
FREE = Cost(0)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job came out, what it used and cost, and the files that it left behind at its provider."""

    state: JobState
    progress: Progress = NO_PROGRESS
    usage: Usage = NOTHING
    cost: Cost = FREE
    is_charged: bool = False
    is_estimated: bool = False
    said: str | None = None
    fault: str | None = None
    status: int | None = None
    files: tuple[ProviderFile, ...] = ()


async def end_job(desk: Desk, tenant_id: UUID, job_id: UUID, ending: Ending) -> Job:
    """Ends a job, unless it has ended already; the job as it is then. Refuses `task_unknown`.

    Rule: TASK-4
    """

    async def attempt() -> Job:
        async with writing(desk.tenants, tenant_id) as transaction:
            await lock_books(transaction, tenant_id)
            job = await lock_job(transaction, tenant_id, job_id)
            if job is None:
                raise job_unknown()
            if not job.state.is_ended:
                await _end(transaction, desk, tenant_id, job, ending)
            ended = await find_job(transaction, tenant_id, job_id)
            assert ended is not None, "what is locked is there"
            return ended

    return await retrying(attempt)


def job_unknown() -> Refusal:
    """What is said of a job that is not there, or not for whoever asks."""
    return Refusal("task_unknown", "There is no such task.", field="task_id")


async def _end(transaction: Transaction, desk: Desk, tenant_id: UUID, job: Job, ending: Ending) -> None:
    now = desk.clock.now()
    charged = credits_for(ending.cost, credit_factor=job.credit_factor, price_factor=job.price_factor)
    row = _row(job, ending, charged, now=now)
    (outcome,) = await post(transaction, tenant_id, [_closing(job, row, ending)], desk.clock.of_ledger)
    if outcome.refusal is not None and outcome.refusal.code == "hold_expired":
        # Nothing can be given back any more of what expired; a true cost of nothing still takes back its charge.
        (outcome,) = await post(transaction, tenant_id, [_settling(job, row)], desk.clock.of_ledger)
    if outcome.refusal is not None or outcome.replayed:
        # Its hold ended without it: the deadline passed while nobody looked after the job, and the tenant's policy
        # decided. The usage row is written all the same.
        log.warning("a job's hold had ended", job=job.job_id.hex, code=outcome.refusal and outcome.refusal.code)
        along = WriteAlong(actor_id=None, along=written_with(row))
        (outcome,) = await post(transaction, tenant_id, [along], desk.clock.of_ledger)
        outcome.unwrap()
    for file in ending.files:
        await insert_file(transaction, tenant_id, file)
    end = JobEnd(
        state=ending.state,
        progress=ending.progress,
        charged=charged,
        cost_pico=ending.cost.pico_dollars,
        said=ending.said,
        fault=None if ending.fault is None else ending.fault[:FAULT_LENGTH_MAX],
        now=now,
    )
    await update_job_ended(transaction, tenant_id, job.job_id, end)


def _closing(job: Job, row: Call, ending: Ending) -> Command:
    along = written_with(row)
    if job.held is None:
        return WriteAlong(actor_id=None, along=along)
    if not ending.is_charged:
        return VoidHold(actor_id=None, hold_id=job.job_id, along=along)
    return _settling(job, row)


def _settling(job: Job, row: Call) -> SettleHold:
    return SettleHold(actor_id=None, hold_id=job.job_id, cost=row.credits, along=written_with(row))


def _row(job: Job, ending: Ending, charged: Credits, *, now: datetime) -> Call:
    return Call(
        call_id=job.job_id,
        member_id=job.member_id,
        group_id=job.group_id,
        key_id=job.key_id,
        endpoint=KINDS[job.kind].endpoint,
        model=job.model,
        provider=job.provider,
        provider_model=job.provider_model,
        is_streamed=False,
        is_simulated=job.is_simulated,
        started_at=job.created_at,
        ended_at=now,
        day=job.day,
        outcome=outcome_of(ending.state, is_charged=ending.is_charged),
        usage=ending.usage,
        is_estimated=ending.is_estimated,
        price_id=job.price_id,
        service=KINDS[job.kind].service,
        cost=ending.cost,
        credit_factor=job.credit_factor,
        price_factor=job.price_factor,
        credits=charged,
        held=job.held,
        total_ms=max(round((now - job.created_at).total_seconds() * 1000), 0),
        status=ending.status,
        fault=None if ending.fault is None else ending.fault[:FAULT_LENGTH_MAX],
        request_id=job.request_id,
        provider_request_id=job.provider_job_id,
        reported=None if ending.said is None else ending.said.encode(),
    )
