"""Tasks: one list of whatever outlives its request, with its state, its progress, and what it came to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from bursar.actions.tasks import cancel_task
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.csv_answers import CsvAnswer, Row, csv_answer, csv_file_name
from bursar.api.identifiers import MemberId, TaskId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.times import Moment
from bursar.domain.ids import first_uuid_of, parse_any_public_id, public_id
from bursar.domain.permissions import Actor
from bursar.domain.provider_jobs import JobState
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, Permission, Reach
from bursar.domain.tasks import TASK_LABELS, TaskKind
from bursar.reports.tasks import SeenTask, TaskFilter, noun_of, see_task, see_tasks

routes = APIRouter(tags=["tasks"])

FILE_PAGE_SIZE = 1000
"""Tasks read at once for a file; each page is a transaction of its own, so a slow reader keeps none open."""

Kind = Literal["video", "batch", "message_batch", "allocation_batch", "allocation_import"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled", "expired"]


class TaskMember(Shape):
    """Whose task it is. Who was deleted since has a number for a name."""

    id: str
    name: str


class TaskKey(Shape):
    """The API key with which it was asked for; without a name if it is gone."""

    id: str
    name: str | None


class TaskProgress(Shape):
    """How far it is: so many of so many, and in hundredths; null where nobody says."""

    done: int | None
    total: int | None
    percent: int | None


class TaskShape(Shape):
    """One task. `credits` is what it was charged, or what it handed out so far; `held` is what it keeps aside while it
    lives. `fault` says why it failed, what of it failed, or since when nothing was heard of it."""

    id: str
    kind: Kind
    label: str
    state: State
    member: TaskMember
    key: TaskKey | None
    model: str | None
    provider: str | None
    is_simulated: bool
    progress: TaskProgress
    credits: Amount
    held: Amount | None
    fault: str | None
    request_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_being_cancelled: bool
    can_be_cancelled: bool


class TaskList(Shape):
    """A page of tasks, the newest first."""

    tasks: list[TaskShape]
    next_cursor: str | None


def wanted_tasks(
    kind: Annotated[Kind | None, Query(description="Only tasks of this kind.")] = None,
    state: Annotated[State | None, Query(description="Only tasks in this state.")] = None,
    member_id: Annotated[MemberId | None, Query(description="Only this member's.")] = None,
    since: Annotated[Moment | None, Query(description="Asked for from this time on.")] = None,
    until: Annotated[Moment | None, Query(description="Asked for before this time.")] = None,
) -> TaskFilter:
    """What the caller wants to see. Refuses `invalid_input`."""
    return TaskFilter(
        kind=None if kind is None else TaskKind(kind),
        state=None if state is None else JobState(state),
        member_id=member_id,
        since=None if since is None else first_uuid_of(since),
        until=None if until is None else first_uuid_of(until),
    )


Wanted = Annotated[TaskFilter, Depends(wanted_tasks)]
Looker = Annotated[TenantVisit, tenant(Permission.SEE_TASKS)]
Stopper = Annotated[TenantVisit, tenant_change(Permission.CANCEL_TASKS)]


@routes.get("/tasks", responses=problems(401, 403, 404, 422))
async def list_tasks(visit: Looker, wanted: Wanted, limit: Limit = PAGE_SIZE, cursor: Cursor = None) -> TaskList:
    """What was asked for and takes longer than an answer: videos, batches of calls, allocations to many. A member sees
    the own ones."""
    before = None if cursor is None else _place(decode_cursor(cursor, str)[0])
    wanted = _within_reach(visit, wanted)
    page = await see_tasks(visit.desk.tenants, visit.tenant_id, wanted, before=before, limit=limit + 1)
    shown = [_shape(task, visit.person.actor) for task in page[:limit]]
    return TaskList(tasks=shown, next_cursor=encode_cursor(shown[-1].id) if len(page) > limit else None)


@routes.get("/tasks.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_tasks(visit: Looker, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file."""
    wanted = _within_reach(visit, wanted)

    async def page_before(before: UUID | None) -> list[SeenTask]:
        return await see_tasks(visit.desk.tenants, visit.tenant_id, wanted, before=before, limit=FILE_PAGE_SIZE)

    # Read before the answer begins, so that what is refused is refused with a problem.
    first = await page_before(None)

    async def pages() -> AsyncIterator[list[Row]]:
        page = first
        while page:
            yield [_row(_shape(task, visit.person.actor)) for task in page]
            if len(page) < FILE_PAGE_SIZE:
                return
            page = await page_before(page[-1].task_id)

    return csv_answer(COLUMNS, pages(), file_name=csv_file_name("tasks", at=visit.desk.clock.now()))


@routes.get("/tasks/{task_id}", responses=problems(401, 403, 404, 422))
async def get_task(task_id: TaskId, visit: Looker) -> TaskShape:
    """One task; a member sees only the own ones."""
    return await _present(visit, task_id, Permission.SEE_TASKS)


@routes.post("/tasks/{task_id}/cancel", responses=problems(401, 403, 404, 409, 422))
async def stop_task(task_id: TaskId, visit: Stopper) -> TaskShape:
    """Has a batch of calls stopped at its provider. What was produced by then is charged, and can be read. A video
    that is being made and an allocation to many are not stopped."""
    visit.told(await cancel_task(visit.desk, visit.asked, visit.tenant_id, task_id))
    return await _present(visit, task_id, Permission.CANCEL_TASKS)


def _only_of(visit: TenantVisit, permission: Permission) -> UUID | None:
    """Whose tasks the caller sees; None for everybody's.

    Rule: TASK-8
    """
    is_own = PERMISSIONS[permission].reach(visit.person.role) is Reach.OWN
    return visit.person.identity if is_own else None


def _within_reach(visit: TenantVisit, wanted: TaskFilter) -> TaskFilter:
    """The filter, narrowed to one's own. Refuses `not_permitted` to a member who asks for somebody else's."""
    only_of = _only_of(visit, Permission.SEE_TASKS)
    if only_of is None:
        return wanted
    if wanted.member_id not in (None, only_of):
        raise Refusal(
            "not_permitted",
            "A member sees only the own tasks.",
            field="member_id",
            scope="role",
            id=str(visit.person.role),
            permission=str(Permission.SEE_TASKS),
        )
    return replace(wanted, member_id=only_of)


async def _present(visit: TenantVisit, task_id: UUID, permission: Permission) -> TaskShape:
    only_of = _only_of(visit, permission)
    return _shape(await see_task(visit.desk.tenants, visit.tenant_id, task_id, only_of=only_of), visit.person.actor)


def _place(text: str) -> UUID:
    noun, identity = parse_any_public_id(text, field="cursor")
    if noun not in ("provider_job", "allocation_batch"):
        raise not_handed_out()
    return identity


def _shape(task: SeenTask, actor: Actor) -> TaskShape:
    may_cancel = actor.scopes is None and PERMISSIONS[Permission.CANCEL_TASKS].reach(actor.role) is not Reach.NO
    return TaskShape.model_validate(
        {
            "id": public_id(noun_of(task.kind), task.task_id),
            "kind": str(task.kind),
            "label": TASK_LABELS[task.kind],
            "state": str(task.state),
            "member": {"id": public_id("member", task.member_id), "name": task.member.name},
            "key": None
            if task.key_id is None
            else {"id": public_id("api_key", task.key_id), "name": None if task.key is None else task.key.name},
            "model": task.model,
            "provider": task.provider,
            "is_simulated": task.is_simulated,
            "progress": {"done": task.done, "total": task.total, "percent": task.percent},
            "credits": task.credits,
            "held": task.held,
            "fault": task.fault,
            "request_id": task.request_id,
            "created_at": task.created_at,
            "started_at": task.started_at,
            "ended_at": task.ended_at,
            "is_being_cancelled": task.is_being_cancelled,
            "can_be_cancelled": task.can_be_cancelled and may_cancel,
        }
    )


COLUMNS = (
    "id", "kind", "state", "member", "member_id", "key", "key_id", "model", "provider", "simulated", "done", "total",
    "percent", "credits", "held", "fault", "request_id", "created_at", "started_at", "ended_at",
)  # fmt: skip


def _row(task: TaskShape) -> Row:
    def number(count: int | None) -> str | None:
        return None if count is None else str(count)

    def moment(at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return (
        task.id,
        task.label,
        task.state,
        task.member.name,
        task.member.id,
        None if task.key is None else task.key.name,
        None if task.key is None else task.key.id,
        task.model,
        task.provider,
        "yes" if task.is_simulated else "no",
        number(task.progress.done),
        number(task.progress.total),
        number(task.progress.percent),
        str(task.credits),
        None if task.held is None else str(task.held),
        task.fault,
        task.request_id,
        moment(task.created_at),
        moment(task.started_at),
        moment(task.ended_at),
    )
