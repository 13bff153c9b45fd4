"""The groups of a tenant and their budgets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.groups import create_group
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Name
from bursar.domain.credits import ZERO
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.roles import Permission
from bursar.reports.groups import GroupRow, see_groups

routes = APIRouter(prefix="/groups", tags=["groups"])


class GroupDraft(Shape):
    """A group to be."""

    name: Name


class GroupShape(Shape):
    """One group and its amounts in the running cycle."""

    id: str
    name: str
    is_default: bool
    member_count: int
    monthly: Amount
    extra: Amount
    distributed: Amount
    used: Amount
    available: Amount


class GroupList(Shape):
    """A page of groups."""

    groups: list[GroupShape]
    next_cursor: str | None


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_group_of_tenant(
    body: GroupDraft, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_GROUP)]
) -> GroupShape:
    """Adds a group without a budget."""
    group = visit.told(await create_group(visit.desk, visit.asked, visit.tenant_id, body.name))
    return _shape(GroupRow(group, 0, ZERO, ZERO, ZERO, ZERO, ZERO))


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_groups_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_GROUPS)], limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> GroupList:
    """The groups in the order they were made."""
    after = None if cursor is None else parse_public_id("group", decode_cursor(cursor, str)[0], field="cursor")
    rows = await see_groups(
        visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger, after=after, limit=limit + 1
    )
    shown = [_shape(row) for row in rows[:limit]]
    return GroupList(groups=shown, next_cursor=encode_cursor(shown[-1].id) if len(rows) > limit else None)


def _shape(row: GroupRow) -> GroupShape:
    group = row.group
    return GroupShape(
        id=public_id("group", group.group_id),
        name=group.name,
        is_default=group.is_default,
        member_count=row.member_count,
        monthly=row.monthly,
        extra=row.extra,
        distributed=row.distributed,
        used=row.used,
        available=row.available,
    )
