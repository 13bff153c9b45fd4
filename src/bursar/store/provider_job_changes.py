"""How jobs of providers change: taken on, asked after, ended, stopped, deleted. One statement for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.provider_jobs import JobState, Progress
from bursar.store.calls import kept

SAID_LENGTH_MAX = 65_536
"""What providers say of a job has a page at most. What is longer, such as a batch that lists all its faults, is not
kept: half of a document is none."""


@dataclass(frozen=True, slots=True)
class JobNote:
    """What is written down after a job was asked after."""

    state: JobState
    progress: Progress
    said: str | None
    fault: str | None
    answered_at: datetime
    started_at: datetime | None
    next_poll_at: datetime
    hold_until: datetime | None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended, and what it was charged."""

    state: JobState
    progress: Progress
    charged: Credits
    cost_pico: int
    said: str | None
    fault: str | None
    now: datetime


async def update_job_taken(
    transaction: Transaction, tenant_id: UUID, job_id: UUID, *, provider: str, provider_model: str,
    provider_job_id: str, price_id: UUID | None, is_simulated: bool, said: str, now: datetime, next_poll_at: datetime,
) -> None:  # fmt: skip
    """The provider took the job on, under this id of its own."""
    await transaction.execute(
        """
        update provider_jobs
        set provider = $3,
            provider_model = $4,
            provider_job_id = $5,
            price_id = $6,
            is_simulated = $7,
            said = $8,
            answered_at = $9,
            next_poll_at = $10
        where tenant_id = $1
          and job_id = $2
          and ended_at is null
        """,
        tenant_id,
        job_id,
        provider,
        kept(provider_model),
        kept(provider_job_id),
        price_id,
        is_simulated,
        _said(said),
        now,
        next_poll_at,
    )


async def release_request_key(transaction: Transaction, tenant_id: UUID, job_id: UUID) -> None:
    """What no provider took on was not made, and may be asked for again under the same key."""
    await transaction.execute(
        """
        update provider_jobs
        set request_key = null
        where tenant_id = $1
          and job_id = $2
        """,
        tenant_id,
        job_id,
    )


async def update_job(transaction: Transaction, tenant_id: UUID, job_id: UUID, note: JobNote) -> None:
    """How far a job is; nothing, where it has ended meanwhile."""
    await transaction.execute(
        """
        update provider_jobs
        set state = case when state = 'running' then 'running' else $3 end,
            done_count = $4,
            total_count = coalesce($5, total_count),
            percent = $6,
            said = coalesce($7, said),
            fault = $8,
            answered_at = $9,
            started_at = coalesce(started_at, $10),
            next_poll_at = $11,
            hold_until = case when held_micro is null then null else greatest(hold_until, $12) end
        where tenant_id = $1
          and job_id = $2
          and ended_at is null
        """,
        tenant_id,
        job_id,
        str(note.state),
        note.progress.done,
        note.progress.total,
        note.progress.percent,
        _said(note.said),
        kept(note.fault),
        note.answered_at,
        note.started_at,
        note.next_poll_at,
        note.hold_until,
    )


async def update_job_ended(transaction: Transaction, tenant_id: UUID, job_id: UUID, end: JobEnd) -> None:
    """The end of a job that was locked."""
    await transaction.execute(
        """
        update provider_jobs
        set state = $3,
            done_count = coalesce($4, done_count),
            total_count = coalesce($5, total_count),
            percent = coalesce($6, percent),
            charged_micro = $7,
            cost_pico = $8,
            said = coalesce($9, said),
            fault = $10,
            started_at = coalesce(started_at, created_at),
            ended_at = $11,
            next_poll_at = null
        where tenant_id = $1
          and job_id = $2
        """,
        tenant_id,
        job_id,
        str(end.state),
        end.progress.done,
        end.progress.total,
        end.progress.percent,
        end.charged.micro,
        end.cost_pico,
        _said(end.said),
        kept(end.fault),
        end.now,
    )


async def update_job_cancel_asked(
    transaction: Transaction, tenant_id: UUID, job_id: UUID, *, asked_by: UUID | None, now: datetime
) -> None:
    """Somebody wants a job that was locked to be stopped; it is looked after at once."""
    await transaction.execute(
        """
        update provider_jobs
        set cancel_asked_at = $4,
            cancel_asked_by = $3,
            next_poll_at = $4
        where tenant_id = $1
          and job_id = $2
          and cancel_asked_at is null
          and ended_at is null
        """,
        tenant_id,
        job_id,
        asked_by,
        now,
    )


async def update_job_cancel_told(transaction: Transaction, tenant_id: UUID, job_id: UUID, *, now: datetime) -> None:
    """The provider knows that the job is to be stopped."""
    await transaction.execute(
        """
        update provider_jobs
        set cancel_told_at = $3
        where tenant_id = $1
          and job_id = $2
        """,
        tenant_id,
        job_id,
        now,
    )


async def update_job_deleted(transaction: Transaction, tenant_id: UUID, job_id: UUID, *, now: datetime) -> None:
    """Its owner deleted it at the provider."""
    await transaction.execute(
        """
        update provider_jobs
        set deleted_at = $3
        where tenant_id = $1
          and job_id = $2
        """,
        tenant_id,
        job_id,
        now,
    )


def _said(text: str | None) -> str | None:
    return None if text is None or len(text) > SAID_LENGTH_MAX else kept(text)
