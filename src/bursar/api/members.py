"""The people of a tenant and what each has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from bursar.actions.members import NewMember, create_member
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import SEARCH_LENGTH_MAX, Email, Name
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.people import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN, NewPerson
from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Permission, Role
from bursar.reports.members import MemberRow, see_member, see_members
from bursar.store.members import MemberFilter

routes = APIRouter(prefix="/members", tags=["members"])

Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Password = Annotated[str, Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]


class MemberDraft(Shape):
    """Somebody to be added. Without a group they come into Default."""

    username: Username
    display_name: Name
    email: Email = None
    password: Password
    role: Literal["member", "admin"] = "member"
    group_id: str | None = None


class MemberShape(Shape):
    """One member. `remaining` and `extra` are null for a tenant admin, who spends from the pool."""

    id: str
    number: int
    username: str
    display_name: str
    email: str | None
    role: Literal["tenant_admin", "admin", "member"]
    role_label: str
    status: str
    group_id: str
    created_at: datetime
    monthly: Amount
    extra: Amount | None
    used: Amount
    remaining: Amount | None
    allowance: Amount
    balance: Amount
    held: Amount
    consumed: Amount


class MemberList(Shape):
    """A page of members, and how many the filter lets through in all."""

    members: list[MemberShape]
    total: int
    next_cursor: str | None


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_member_with_password(
    body: MemberDraft, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_MEMBER)]
) -> MemberShape:
    """Adds somebody to the tenant."""
    group_id = None if body.group_id is None else parse_public_id("group", body.group_id, field="group_id")
    person = NewPerson(body.username, body.display_name, body.email, body.password)
    new = NewMember(person, Role(body.role), group_id)
    member = visit.told(await create_member(visit.desk, visit.asked, visit.tenant_id, new))
    row = await see_member(visit.desk.tenants, visit.tenant_id, member.member_id, visit.desk.clock.of_ledger)
    return _shape(row)


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_members_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_MEMBERS)],
    search: Annotated[
        str | None, Query(max_length=SEARCH_LENGTH_MAX, description="Part of a username, display name or email.")
    ] = None,
    group_id: Annotated[str | None, Query(description="Only this group's.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> MemberList:
    """The members by number, deleted ones left out."""
    if search is not None and "\0" in search:
        raise Refusal("invalid_input", "A search must not contain control characters.", field="search")
    wanted = MemberFilter(
        search=search.strip() or None if search else None,
        group_id=None if group_id is None else parse_public_id("group", group_id, field="group_id"),
    )
    after = None if cursor is None else decode_cursor(cursor, int)[0]
    page = await see_members(
        visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger, wanted, after=after, limit=limit + 1
    )
    shown = page.rows[:limit]
    has_more = len(page.rows) > limit
    return MemberList(
        members=[_shape(row) for row in shown],
        total=page.total,
        next_cursor=encode_cursor(shown[-1].member.number) if has_more else None,
    )


@routes.get("/{member_id}", responses=problems(401, 403, 404, 422))
async def get_member(member_id: str, visit: Annotated[TenantVisit, tenant(Permission.SEE_MEMBERS)]) -> MemberShape:
    """One member."""
    identity = parse_public_id("member", member_id, field="member_id")
    return _shape(await see_member(visit.desk.tenants, visit.tenant_id, identity, visit.desk.clock.of_ledger))


def _shape(row: MemberRow) -> MemberShape:
    member, figures = row.member, row.figures
    return MemberShape.model_validate(
        {
            "id": public_id("member", member.member_id),
            "number": member.number,
            "username": member.username,
            "display_name": member.display_name,
            "email": member.email,
            "role": member.role,
            "role_label": ROLE_LABELS[Role(member.role)],
            "status": member.status,
            "group_id": public_id("group", member.group_id),
            "created_at": member.created_at,
            "monthly": figures.monthly,
            "extra": row.extra,
            "used": figures.used,
            "remaining": row.remaining,
            "allowance": figures.allowance,
            "balance": figures.balance,
            "held": figures.held,
            "consumed": figures.consumed,
        }
    )
