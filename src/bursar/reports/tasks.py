"""One list of all that outlives its request: jobs of providers, and batches of allocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.domain.provider_jobs import JobState
from bursar.domain.refusals import Refusal
from bursar.domain.tasks import OUR_OWN, TaskKind, can_be_cancelled
from bursar.reports.names import Named, list_names


@dataclass(frozen=True)
class TaskFilter:
    """What somebody wants to see. `member_id` is whose tasks; `since` and `until` bound the ids, which are in the order
    of time.
    """

    kind: TaskKind | None = None
    state: JobState | None = None
    member_id: UUID | None = None
    since: UUID | None = None
    until: UUID | None = None


@dataclass(frozen=True)
class SeenTask:
    """One task. `credits` is what it was charged, or handed out so far; `held` is what a job keeps while it lives."""

    task_id: UUID
    kind: TaskKind
    state: JobState
    member_id: UUID
    member: Named
    key_id: UUID | None
    key: Named | None
    model: str | None
    provider: str | None
    is_simulated: bool
    done: int | None
    total: int | None
    percent: int | None
    credits: Credits
    held: Credits | None
    fault: str | None
    request_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_being_cancelled: bool

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it can still be stopped."""
        return not self.state.is_ended and not self.is_being_cancelled and can_be_cancelled(self.kind)


_OF_PROVIDERS = """
    select job_id as task_id, kind, state, member_id, key_id, model, provider, is_simulated, done_count, total_count,
           percent::integer, coalesce(charged_micro, 0) as credits_micro,
           case when ended_at is null then held_micro end as held_micro, fault, request_id, created_at, started_at,
           ended_at, cancel_asked_at is not null and ended_at is null as is_being_cancelled
    from provider_jobs
    where tenant_id = $1
      and ($2::uuid is null or member_id = $2)
      and ($3::text is null or kind = $3)
      and ($4::text is null or state = $4)
      and ($5::uuid is null or job_id >= $5)
      and ($6::uuid is null or job_id < $6)
      and ($7::uuid is null or job_id < $7)
      and ($8::uuid is null or job_id = $8)
    order by job_id desc
    limit $9
"""

# A batch of which nothing could be given has failed; of which something was, the rest stands in its rows.
_STATE = """
    case
        when state = 'running' then 'running'
        when given_count = 0 then 'failed'
        else 'succeeded'
    end
"""

_OF_ALLOCATIONS = f"""
    select batch_id, case kind when 'equal' then 'allocation_batch' else 'allocation_import' end, {_STATE}, created_by,
           null::uuid, null, null, false, given_count + failed_count, rows_count,
           100 * (given_count + failed_count) / rows_count, given_micro, null::bigint,
           case when failed_count > 0 then failed_count || ' of ' || rows_count || ' failed' end, null, created_at,
           created_at, finished_at, false
    from allocation_batches
    where tenant_id = $1
      and ($2::uuid is null or created_by = $2)
      and ($3::text is null or $3 = case kind when 'equal' then 'allocation_batch' else 'allocation_import' end)
      and ($4::text is null or $4 = {_STATE})
      and ($5::uuid is null or batch_id >= $5)
      and ($6::uuid is null or batch_id < $6)
      and ($7::uuid is null or batch_id < $7)
      and ($8::uuid is null or batch_id = $8)
    order by batch_id desc
    limit $9
"""

_TASKS = f"""
with of_providers as ({_OF_PROVIDERS}),
of_allocations as ({_OF_ALLOCATIONS})
select * from of_providers
union all
select * from of_allocations
order by task_id desc
limit $9
"""
"""Each side gives a page at most, by an index of its own; the newest of both are the page."""


async def see_tasks(
    database: Database, tenant_id: UUID, wanted: TaskFilter, *, before: UUID | None, limit: int
) -> list[SeenTask]:
    """The tenant's tasks that the filter lets through, newest first, those before `before`.

    Rule: TASK-9
    """
    async with reading(database, tenant_id) as transaction:
        rows = await _fetch(transaction, tenant_id, wanted, before=before, only=None, limit=limit)
        return await _named(transaction, tenant_id, rows)


async def see_task(database: Database, tenant_id: UUID, task_id: UUID, *, only_of: UUID | None) -> SeenTask:
    """The task with this id; with `only_of`, only if it is that member's. Refuses `task_unknown`.

    Rule: TASK-8
    """
    wanted = TaskFilter(member_id=only_of)
    async with reading(database, tenant_id) as transaction:
        rows = await _fetch(transaction, tenant_id, wanted, before=None, only=task_id, limit=1)
        seen = await _named(transaction, tenant_id, rows)
    if not seen:
        raise Refusal("task_unknown", "There is no such task.", field="task_id")
    return seen[0]


async def _fetch(
    transaction: Transaction,
    tenant_id: UUID,
    wanted: TaskFilter,
    *,
    before: UUID | None,
    only: UUID | None,
    limit: int,
) -> list[dict[str, Any]]:
    rows = await transaction.fetch(
        _TASKS,
        tenant_id,
        wanted.member_id,
        None if wanted.kind is None else str(wanted.kind),
        None if wanted.state is None else str(wanted.state),
        wanted.since,
        wanted.until,
        before,
        only,
        limit,
    )
    return [dict(row) for row in rows]


async def _named(transaction: Transaction, tenant_id: UUID, rows: Sequence[Mapping[str, Any]]) -> list[SeenTask]:
    ids = {row["member_id"] for row in rows} | {row["key_id"] for row in rows if row["key_id"] is not None}
    names = await list_names(transaction, tenant_id, ids)
    return [
        SeenTask(
            task_id=row["task_id"],
            kind=TaskKind(row["kind"]),
            state=JobState(row["state"]),
            member_id=row["member_id"],
            member=names[row["member_id"]],
            key_id=row["key_id"],
            key=None if row["key_id"] is None else names.get(row["key_id"]),
            model=row["model"],
            provider=row["provider"],
            is_simulated=row["is_simulated"],
            done=row["done_count"],
            total=row["total_count"],
            percent=row["percent"],
            credits=Credits(row["credits_micro"]),
            held=None if row["held_micro"] is None else Credits(row["held_micro"]),
            fault=row["fault"],
            request_id=row["request_id"],
            created_at=row["created_at"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            is_being_cancelled=row["is_being_cancelled"],
        )
        for row in rows
    ]


def noun_of(kind: TaskKind) -> str:
    """What the id of a task of this kind names."""
    return "allocation_batch" if kind in OUR_OWN else "provider_job"
