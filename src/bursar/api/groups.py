"""The groups of a tenant: who there are, and making, renaming, sharing and deleting them. Budgets: `budgets`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from bursar.actions.groups import create_group, delete_group, rename_group, share_group
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import GroupId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import SEARCH_LENGTH_MAX, Name
from bursar.domain.credits import ZERO
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.groups import GroupRow, see_group, see_groups

routes = APIRouter(prefix="/groups", tags=["groups"])


class GroupDraft(Shape):
    """A group to be, or what it is to be called."""

    name: Name


class GroupSharing(Shape):
    """Whether members spend what their group has left when their own is used up."""

    is_shared: bool


class GroupNamed(Shape):
    """What a group is called."""

    id: str
    name: str


class GroupShape(Shape):
    """One group and its amounts in the running cycle.

    `extra` is what it has had beyond `monthly`, and `distributed` the sum of its members' Monthly and Extra. What can
    still be handed out or shared is `available`, which is `allowance` and `balance` less what is `held`. What of
    `monthly` no member has been promised is `undistributed`.
    """

    id: str
    name: str
    is_default: bool
    is_shared: bool
    member_count: int
    monthly: Amount
    extra: Amount
    distributed: Amount
    undistributed: Amount
    used: Amount
    available: Amount
    allowance: Amount
    balance: Amount
    held: Amount
    auto_approve: Amount
    auto_approve_left: Amount


class GroupList(Shape):
    """A page of groups, and how many the search lets through in all."""

    groups: list[GroupShape]
    total: int
    next_cursor: str | None


class DeletedGroupShape(Shape):
    """A group that is gone. `returned` went back to the pool, and `monthly` is the cycle's to give again."""

    id: str
    name: str
    returned: Amount
    monthly: Amount


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_group_of_tenant(
    body: GroupDraft, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_GROUP)]
) -> GroupShape:
    """Adds a group without a budget."""
    made = visit.told(await create_group(visit.desk, visit.asked, visit.tenant_id, body.name))
    return _shape(GroupRow(made.group, made.columns, reserve_used=ZERO))


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_groups_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_GROUPS)],
    search: Annotated[
        str | None,
        Query(
            max_length=SEARCH_LENGTH_MAX,
            description="Words that all occur in the name; capitals and accents do not matter.",
        ),
    ] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> GroupList:
    """The groups in the order they were made, deleted ones left out."""
    if search is not None and "\0" in search:
        raise Refusal("invalid_input", "A search must not contain control characters.", field="search")
    after = None if cursor is None else parse_public_id("group", decode_cursor(cursor, str)[0], field="cursor")
    page = await see_groups(
        visit.desk.tenants,
        visit.tenant_id,
        visit.desk.clock.of_ledger,
        search=search,
        after=after,
        limit=limit + 1,
    )
    shown = [_shape(row) for row in page.rows[:limit]]
    has_more = len(page.rows) > limit
    return GroupList(groups=shown, total=page.total, next_cursor=encode_cursor(shown[-1].id) if has_more else None)


@routes.get("/{group_id}", responses=problems(401, 403, 404, 422))
async def get_group(group_id: GroupId, visit: Annotated[TenantVisit, tenant(Permission.SEE_GROUPS)]) -> GroupShape:
    """One group."""
    return _shape(await see_group(visit.desk.tenants, visit.tenant_id, group_id, visit.desk.clock.of_ledger))


@routes.patch("/{group_id}", responses=problems(401, 403, 404, 409, 422))
async def rename_group_to(
    group_id: GroupId, body: GroupDraft, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_GROUP)]
) -> GroupNamed:
    """Gives a group another name. Default keeps its own."""
    group = visit.told(await rename_group(visit.desk, visit.asked, visit.tenant_id, group_id, body.name))
    return GroupNamed(id=public_id("group", group.group_id), name=group.name)


@routes.delete("/{group_id}", responses=problems(401, 403, 404, 409, 422))
async def delete_empty_group(
    group_id: GroupId, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_GROUP)]
) -> DeletedGroupShape:
    """Deletes a group that nobody is in, never Default. Its balance returns to the pool, its budget to the cycle."""
    gone = visit.told(await delete_group(visit.desk, visit.asked, visit.tenant_id, group_id))
    return DeletedGroupShape(
        id=public_id("group", gone.group_id), name=gone.name, returned=gone.returned, monthly=gone.monthly
    )


@routes.put("/{group_id}/shared", responses=problems(401, 403, 404, 409, 422))
async def share_group_budget(
    group_id: GroupId, body: GroupSharing, visit: Annotated[TenantVisit, tenant_change(Permission.SET_MONTHLY)]
) -> GroupSharing:
    """Lets members spend what their group has left when their own is used up, or no longer."""
    done = await share_group(visit.desk, visit.asked, visit.tenant_id, group_id, is_shared=body.is_shared)
    return GroupSharing(is_shared=visit.told(done).is_shared)


def _shape(row: GroupRow) -> GroupShape:
    group, columns, figures = row.group, row.columns, row.columns.figures
    return GroupShape(
        id=public_id("group", group.group_id),
        name=group.name,
        is_default=group.is_default,
        is_shared=figures.is_shared,
        member_count=figures.members_count,
        monthly=figures.monthly,
        extra=columns.extra,
        distributed=columns.distributed,
        undistributed=columns.undistributed,
        used=columns.used,
        available=figures.available,
        allowance=figures.allowance,
        balance=figures.balance,
        held=figures.held,
        auto_approve=group.auto_approve,
        auto_approve_left=row.auto_approve_left,
    )
