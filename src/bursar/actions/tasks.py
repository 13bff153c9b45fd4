"""What people do with tasks: stop one."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.job_ends import job_unknown
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.permissions import check_permission
from bursar.domain.provider_jobs import KINDS
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, Permission, Reach
from bursar.store.allocation_batches import find_batch
from bursar.store.provider_job_changes import update_job_cancel_asked
from bursar.store.provider_jobs import Job, lock_job


async def cancel_task(desk: Desk, asked: Asked, tenant_id: UUID, task_id: UUID) -> Done[UUID]:
    """Has a job stopped: its provider is told in the worker's next turn. What was produced by then is
    charged. One that is being stopped already is left alone.

    Refuses `task_unknown`, `task_ended`, `task_not_cancellable`.

    Rule: TASK-7
    """
    check_permission(asked.actor, Permission.CANCEL_TASKS)
    reaches_all = PERMISSIONS[Permission.CANCEL_TASKS].reach(asked.actor.role) is not Reach.OWN

    async def act(transaction: Transaction) -> UUID:
        job = await lock_job(transaction, tenant_id, task_id)
        if job is None:
            batch = await find_batch(transaction, tenant_id, task_id)
            if batch is not None and (reaches_all or batch.created_by == asked.actor.identity):
                raise Refusal("task_not_cancellable", "A batch of allocations cannot be stopped.", field="task_id")
            raise job_unknown()
        if not reaches_all and job.member_id != asked.actor.identity:
            raise job_unknown()
        if await _ask_to_cancel(transaction, desk, tenant_id, job, asked_by=asked.actor.identity):
            told = Told("task_cancelled", Subject("provider_job", task_id), detail={"kind": str(job.kind)})
            await record(transaction, desk, asked, tenant_id, told)
        return task_id

    return await once(desk, asked, tenant_id, UUID, act)


async def cancel_own_job(desk: Desk, tenant_id: UUID, job_id: UUID, *, asked_by: UUID) -> None:
    """The same, asked for by a model client, which may repeat it. Refuses `task_unknown`, `task_not_cancellable`."""

    async def attempt() -> None:
        async with writing(desk.tenants, tenant_id) as transaction:
            job = await lock_job(transaction, tenant_id, job_id)
            if job is None:
                raise job_unknown()
            if not job.state.is_ended:
                await _ask_to_cancel(transaction, desk, tenant_id, job, asked_by=asked_by)

    await retrying(attempt)


async def _ask_to_cancel(
    transaction: Transaction, desk: Desk, tenant_id: UUID, job: Job, *, asked_by: UUID | None
) -> bool:
    if job.state.is_ended:
        raise Refusal("task_ended", "This task has ended already.", field="task_id")
    if not KINDS[job.kind].can_be_cancelled:
        raise Refusal("task_not_cancellable", "Its provider does not stop a video that is being made.", field="task_id")
    if job.cancel_asked_at is not None:
        return False
    await update_job_cancel_asked(transaction, tenant_id, job.job_id, asked_by=asked_by, now=desk.clock.now())
    return True
