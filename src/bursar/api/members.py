"""The people of a tenant and what each has. What is changed of them is in `member_changes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from bursar.actions.members import MemberState, NewMember, create_member
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import GroupId, MemberId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import SEARCH_LENGTH_MAX, Email, OptionalName
from bursar.domain.ids import public_id
from bursar.domain.people import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    USERNAME_PATTERN,
    NewPerson,
    shown_name,
)
from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Permission, Role
from bursar.reports.members import MemberRow, see_member, see_members
from bursar.store.member_search import MemberFilter

routes = APIRouter(prefix="/members", tags=["members"])

Username = Annotated[str, Field(pattern=f"^{USERNAME_PATTERN}$")]
Password = Annotated[str, Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]
MemberRole = Literal["tenant_admin", "admin", "member"]
MemberStatus = Literal["active", "disabled"]


class MemberDraft(Shape):
    """Somebody to be added. Without a group they come into Default; without a display name they are shown by their
    username. A password is required, except for a service account, which has none. Only a super admin makes a tenant
    admin, and nobody else."""

    username: Username
    display_name: OptionalName = None
    email: Email = None
    password: Password | None = None
    is_service_account: bool = False
    role: MemberRole = "member"
    group_id: GroupId | None = None
    job_title: OptionalName = None


class MemberShape(Shape):
    """One member. `remaining` and `extra` are null for a tenant admin, who spends from the pool. `reclaimable` is what
    of the balance can be taken back: all that no call under way holds.
    """

    id: str
    number: int
    username: str
    display_name: str
    email: str | None
    job_title: str | None
    is_service_account: bool
    role: MemberRole
    role_label: str
    status: MemberStatus
    group_id: str
    created_at: datetime
    monthly: Amount
    extra: Amount | None
    used: Amount
    remaining: Amount | None
    allowance: Amount
    balance: Amount
    reclaimable: Amount
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
    """Adds somebody to the tenant, or a service account, which nobody signs in as."""
    new = NewMember(
        NewPerson(
            username=body.username,
            display_name=shown_name(body.display_name, username=body.username),
            email=body.email,
            password=body.password,
        ),
        Role(body.role),
        group_id=body.group_id,
        job_title=body.job_title,
        is_service_account=body.is_service_account,
    )
    return shape_of(visit.told(await create_member(visit.desk, visit.asked, visit.tenant_id, new)))


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_members_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_MEMBERS)],
    search: Annotated[
        str | None,
        Query(
            max_length=SEARCH_LENGTH_MAX,
            description="Words that all occur in username, display name or email; capitals and accents do not matter.",
        ),
    ] = None,
    group_id: Annotated[GroupId | None, Query(description="Only this group's.")] = None,
    status: Annotated[MemberStatus | None, Query(description="Only active or only disabled ones.")] = None,
    role: Annotated[MemberRole | None, Query(description="Only those of this role.")] = None,
    can_receive: Annotated[
        bool, Query(description="Only whom you can allocate credits: active, not you, no tenant admins.")
    ] = False,
    has_balance: Annotated[
        bool, Query(description="Only those with a balance above 0, from whom credits can be reclaimed.")
    ] = False,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> MemberList:
    """The members by number, deleted ones left out."""
    if search is not None and "\0" in search:
        raise Refusal("invalid_input", "A search must not contain control characters.", field="search")
    wanted = MemberFilter(
        search=search,
        group_id=group_id,
        status=status,
        role=role,
        can_receive_from=visit.asked.actor.identity if can_receive else None,
        has_balance=has_balance,
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
async def get_member(member_id: MemberId, visit: Annotated[TenantVisit, tenant(Permission.SEE_MEMBERS)]) -> MemberShape:
    """One member."""
    return _shape(await see_member(visit.desk.tenants, visit.tenant_id, member_id, visit.desk.clock.of_ledger))


def shape_of(state: MemberState) -> MemberShape:
    """A member as an action left them."""
    return _shape(MemberRow(state.member, state.figures))


def _shape(row: MemberRow) -> MemberShape:
    member, figures = row.member, row.figures
    return MemberShape.model_validate(
        {
            "id": public_id("member", member.member_id),
            "number": member.number,
            "username": member.username,
            "display_name": member.display_name,
            "email": member.email,
            "job_title": member.job_title,
            "is_service_account": member.is_service_account,
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
            "reclaimable": figures.reclaimable,
            "held": figures.held,
            "consumed": figures.consumed,
        }
    )
