"""Jobs that providers work on: written with their hold, claimed to be asked after, and ended with their settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from bursar.db.transaction import Transaction
from bursar.domain.costs import Factor
from bursar.domain.credits import Credits
from bursar.domain.provider_jobs import JobKind, JobState, Progress
from bursar.store.calls import factor_of, kept, micro_of


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is asked for. `request_key` is a hash of the caller's idempotency key, `fingerprint` of what was
    asked for; `held` is None where nothing is held.
    """

    job_id: UUID
    kind: JobKind
    member_id: UUID
    group_id: UUID
    key_id: UUID | None
    request_id: str | None
    request_key: bytes | None
    fingerprint: bytes
    endpoint: str
    model: str
    provider: str
    provider_model: str
    is_simulated: bool
    price_id: UUID | None
    credit_factor: Factor
    price_factor: Factor
    day: date
    created_at: datetime
    next_poll_at: datetime
    held: Credits | None = None
    hold_until: datetime | None = None
    milliseconds: int | None = None
    source_id: UUID | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job, how far it is, and what became of it."""

    job_id: UUID
    kind: JobKind
    state: JobState
    member_id: UUID
    group_id: UUID
    key_id: UUID | None
    request_id: str | None
    fingerprint: bytes
    endpoint: str
    model: str
    provider: str
    provider_model: str
    provider_job_id: str | None
    is_simulated: bool
    source_id: UUID | None
    price_id: UUID | None
    credit_factor: Factor
    price_factor: Factor
    day: date
    milliseconds: int | None
    held: Credits | None
    hold_until: datetime | None
    charged: Credits | None
    progress: Progress
    said: str | None
    fault: str | None
    created_at: datetime
    answered_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_asked_at: datetime | None
    cancel_told_at: datetime | None
    deleted_at: datetime | None


_COLUMNS = """
    job_id, kind, state, member_id, group_id, key_id, request_id, fingerprint, endpoint, model, provider,
    provider_model, provider_job_id, is_simulated, source_id, price_id, credit_factor_micro, price_factor, day,
    milliseconds, held_micro, hold_until, charged_micro, done_count, total_count, percent, said, fault, created_at,
    answered_at, started_at, ended_at, cancel_asked_at, cancel_told_at, deleted_at
"""


async def insert_job(transaction: Transaction, tenant_id: UUID, job: NewJob) -> None:
    """Adds a job that its provider is about to be asked for."""
    await transaction.execute(
        """
        insert into provider_jobs
            (tenant_id, job_id, kind, state, member_id, group_id, key_id, request_id, request_key, fingerprint,
             endpoint, model, provider, provider_model, is_simulated, source_id, price_id, credit_factor_micro,
             price_factor, day, milliseconds, held_micro, hold_until, total_count, created_at, answered_at,
             next_poll_at)
        values ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                $21, $22, $23, $24, $24, $25)
        """,
        tenant_id,
        job.job_id,
        str(job.kind),
        job.member_id,
        job.group_id,
        job.key_id,
        kept(job.request_id),
        job.request_key,
        job.fingerprint,
        job.endpoint,
        kept(job.model),
        job.provider,
        kept(job.provider_model),
        job.is_simulated,
        job.source_id,
        job.price_id,
        micro_of(job.credit_factor),
        job.price_factor.ten_thousandths,
        job.day,
        job.milliseconds,
        None if job.held is None else job.held.micro,
        job.hold_until,
        job.total,
        job.created_at,
        job.next_poll_at,
    )


async def find_job(transaction: Transaction, tenant_id: UUID, job_id: UUID) -> Job | None:
    """The job of this tenant with this id."""
    return await _one(transaction, "job_id = $2", tenant_id, job_id)


async def lock_job(transaction: Transaction, tenant_id: UUID, job_id: UUID) -> Job | None:
    """The same, kept from changing until the transaction ends. Whoever also locks the books has locked them before."""
    return await _one(transaction, "job_id = $2 for update", tenant_id, job_id)


async def find_job_of_request(transaction: Transaction, tenant_id: UUID, request_key: bytes) -> Job | None:
    """The job that was asked for under this idempotency key."""
    return await _one(transaction, "request_key = $2", tenant_id, request_key)


async def _one(transaction: Transaction, condition: str, tenant_id: UUID, named: object) -> Job | None:
    row = await transaction.fetchrow(
        f"""
        select {_COLUMNS}
        from provider_jobs
        where tenant_id = $1
          and {condition}
        """,
        tenant_id,
        named,
    )
    return None if row is None else _job(row)


async def list_jobs(
    transaction: Transaction,
    tenant_id: UUID,
    kind: JobKind,
    *,
    member_id: UUID | None,
    before: UUID | None,
    after: UUID | None,
    ascending: bool,
    limit: int,
) -> list[Job]:
    """Jobs of a kind, a member's or all, newest first unless `ascending`, without those that were deleted."""
    rows = await transaction.fetch(
        f"""
        select {_COLUMNS}
        from provider_jobs
        where tenant_id = $1
          and kind = $2
          and ($3::uuid is null or member_id = $3)
          and ($4::uuid is null or job_id < $4)
          and ($5::uuid is null or job_id > $5)
          and deleted_at is null
          and said is not null
        order by job_id {"" if ascending else "desc"}
        limit $6
        """,
        tenant_id,
        str(kind),
        member_id,
        before,
        after,
        limit,
    )
    return [_job(row) for row in rows]


async def list_tenants_with_due_jobs(transaction: Transaction, now: datetime, *, limit: int) -> list[UUID]:
    """The tenants that have jobs to be asked after."""
    rows = await transaction.fetch(
        """
        select distinct tenant_id
        from provider_jobs
        where next_poll_at <= $1
        limit $2
        """,
        now,
        limit,
    )
    return [row["tenant_id"] for row in rows]


async def claim_due_jobs(
    transaction: Transaction, tenant_id: UUID, *, now: datetime, until: datetime, limit: int
) -> list[Job]:
    """Takes on jobs that are due, those that wait longest first: until then nobody else asks after them."""
    rows = await transaction.fetch(
        f"""
        update provider_jobs
        set next_poll_at = $3,
            polls_count = polls_count + 1
        where tenant_id = $1
          and job_id = any(array(
              select job_id
              from provider_jobs
              where tenant_id = $1
                and next_poll_at <= $2
              order by next_poll_at
              limit $4
              for update skip locked
          ))
        returning {_COLUMNS}
        """,
        tenant_id,
        now,
        until,
        limit,
    )
    return [_job(row) for row in rows]


def _job(row: asyncpg.Record) -> Job:
    return Job(
        job_id=row["job_id"],
        kind=JobKind(row["kind"]),
        state=JobState(row["state"]),
        member_id=row["member_id"],
        group_id=row["group_id"],
        key_id=row["key_id"],
        request_id=row["request_id"],
        fingerprint=row["fingerprint"],
        endpoint=row["endpoint"],
        model=row["model"],
        provider=row["provider"],
        provider_model=row["provider_model"],
        provider_job_id=row["provider_job_id"],
        is_simulated=row["is_simulated"],
        source_id=row["source_id"],
        price_id=row["price_id"],
        credit_factor=factor_of(row["credit_factor_micro"]),
        price_factor=Factor(row["price_factor"]),
        day=row["day"],
        milliseconds=row["milliseconds"],
        held=None if row["held_micro"] is None else Credits(row["held_micro"]),
        hold_until=row["hold_until"],
        charged=None if row["charged_micro"] is None else Credits(row["charged_micro"]),
        progress=Progress(row["done_count"], row["total_count"], row["percent"]),
        said=row["said"],
        fault=row["fault"],
        created_at=row["created_at"],
        answered_at=row["answered_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        cancel_asked_at=row["cancel_asked_at"],
        cancel_told_at=row["cancel_told_at"],
        deleted_at=row["deleted_at"],
    )
