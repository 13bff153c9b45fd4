"""The organisations of the platform, for its super admin."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from bursar.actions.tenants import (
    CyclePlan,
    NewTenant,
    create_tenant,
    rename_tenant,
    resume_tenant,
    suspend_tenant,
)
from bursar.api.amounts import Amount, TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import TenantId
from bursar.api.members import Password, Username
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import SEARCH_LENGTH_MAX, Email, Name, Note
from bursar.domain.credits import ZERO
from bursar.domain.cycles import CADENCES, Cadence
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.people import NewPerson
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.tenants import TenantLooker, TenantRow, see_tenant_row, see_tenant_rows
from bursar.store.tenants import Tenant, TenantFilter

routes = APIRouter(prefix="/tenants", tags=["tenants"])


class NewTenantAdmin(Shape):
    """Who runs the tenant."""

    username: Username
    display_name: Name
    email: Email = None
    password: Password


class TenantDraft(Shape):
    """An organisation to be, its tenant admin, its budgeting period, and credits per US dollar of what a call costs: 0
    records calls and charges nothing for them.
    """

    name: Name
    admin: NewTenantAdmin
    cadence: Cadence = Cadence.CALENDAR_MONTH
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    credits_per_cycle: TypedLevel = Field(default=ZERO, json_schema_extra={"default": "0.00"})
    credit_factor: TypedLevel = Field(default=ZERO, json_schema_extra={"default": "0.00"})


class TenantShape(Shape):
    """One organisation."""

    id: str
    name: str
    status: str
    created_at: datetime


class CreatedTenant(TenantShape):
    """The new organisation and its tenant admin."""

    admin_id: str


class TenantAdminShape(Shape):
    """Somebody who runs the tenant."""

    id: str
    display_name: str
    status: str


class TenantSummary(TenantShape):
    """One organisation in the list: the first few of its tenant admins, and its figures.

    `total` is what the platform has granted in all, `purchased` all that came in, from whatever source. It went three
    ways: purchased = allocated + pool_used + available. `pool_used` is the tenant admins' own use; with the members'
    it makes up `consumed`.
    """

    admins: list[TenantAdminShape]
    admin_count: int
    total: Amount
    purchased: Amount
    allocated: Amount
    pool_used: Amount
    available: Amount
    consumed: Amount


class TenantCycle(Shape):
    """The tenant's running cycle. `ceiling` caps credits per cycle; null is no cap."""

    epoch: int
    cadence: str
    cadence_label: str
    time_zone: str
    started_at: datetime
    ends_at: datetime
    credits_per_cycle: Amount
    ceiling: Amount | None
    undistributed: Amount
    used: Amount


class TenantDetail(TenantSummary):
    """One organisation with its cycle and its limits: `lowest_total` is the least that the total can be set to."""

    lowest_total: Amount
    pool: Amount
    pool_held: Amount
    display: str
    expired_holds: str
    cycle: TenantCycle


class TenantName(Shape):
    """What the organisation is to be called."""

    name: Name


class TenantSwitch(Shape):
    """Why the organisation is suspended or resumed."""

    note: Note = None


class TenantList(Shape):
    """A page of organisations, and how many the filter lets through in all."""

    tenants: list[TenantSummary]
    total: int
    next_cursor: str | None


@routes.post("", status_code=201, responses=problems(401, 403, 409, 422))
async def create_tenant_with_admin(
    body: TenantDraft, visit: Annotated[Visit, platform_change(Permission.CREATE_TENANT)]
) -> CreatedTenant:
    """Creates a tenant with its group Default and its tenant admin."""
    admin = body.admin
    new = NewTenant(
        name=body.name,
        admin=NewPerson(admin.username, admin.display_name, admin.email, admin.password),
        cycle=CyclePlan(str(body.cadence), body.time_zone, body.credits_per_cycle),
        credit_factor=body.credit_factor,
    )
    made = visit.told(await create_tenant(visit.desk, visit.asked, new))
    return CreatedTenant(**_shape(made.tenant).model_dump(), admin_id=public_id("member", made.admin.member_id))


@routes.get("", responses=problems(401, 403, 422))
async def list_all_tenants(
    visit: Annotated[Visit, platform(Permission.SEE_TENANTS)],
    search: Annotated[str | None, Query(max_length=SEARCH_LENGTH_MAX, description="Part of a name.")] = None,
    status: Annotated[Literal["active", "suspended"] | None, Query(description="Only those.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> TenantList:
    """The tenants in the order they were made."""
    if search is not None and "\0" in search:
        raise Refusal("invalid_input", "A search must not contain control characters.", field="search")
    after: UUID | None = None
    if cursor is not None:
        after = parse_public_id("tenant", decode_cursor(cursor, str)[0], field="cursor")
    wanted = TenantFilter(search=search.strip() or None if search else None, status=status)
    page = await see_tenant_rows(_looker(visit), wanted, after=after, limit=limit + 1)
    shown = [TenantSummary.model_validate(_summary(row)) for row in page.rows[:limit]]
    has_more = len(page.rows) > limit
    return TenantList(tenants=shown, total=page.total, next_cursor=encode_cursor(shown[-1].id) if has_more else None)


@routes.get("/{tenant_id}", responses=problems(401, 403, 404, 422))
async def get_tenant_by_id(
    tenant_id: TenantId, visit: Annotated[Visit, platform(Permission.SEE_TENANTS)]
) -> TenantDetail:
    """One tenant."""
    row = await see_tenant_row(_looker(visit), tenant_id)
    figures, cycle = row.figures, row.figures.cycle
    return TenantDetail.model_validate(
        {
            **_summary(row),
            "lowest_total": figures.lowest_total,
            "pool": figures.pool.balance,
            "pool_held": figures.pool.held,
            "display": row.tenant.display,
            "expired_holds": figures.expired_holds,
            "cycle": TenantCycle(
                epoch=cycle.epoch,
                cadence=cycle.cadence,
                cadence_label=CADENCES[Cadence(cycle.cadence)].label,
                time_zone=cycle.time_zone,
                started_at=cycle.started_at,
                ends_at=cycle.ends_at,
                credits_per_cycle=cycle.per_cycle,
                ceiling=cycle.ceiling,
                undistributed=cycle.plan,
                used=cycle.used,
            ),
        }
    )


@routes.patch("/{tenant_id}", responses=problems(401, 403, 404, 422))
async def rename_tenant_to(
    tenant_id: TenantId, body: TenantName, visit: Annotated[Visit, platform_change(Permission.CHANGE_TENANT)]
) -> TenantShape:
    """Gives the tenant another name."""
    return _shape(visit.told(await rename_tenant(visit.desk, visit.asked, tenant_id, body.name)))


@routes.post("/{tenant_id}/suspend", responses=problems(401, 403, 404, 422))
async def suspend_tenant_now(
    tenant_id: TenantId,
    body: Annotated[TenantSwitch, Body(default_factory=TenantSwitch)],
    visit: Annotated[Visit, platform_change(Permission.CHANGE_TENANT)],
) -> TenantShape:
    """Stops everybody of the tenant at once: sign-ins, sessions and keys. What it has stays."""
    return _shape(visit.told(await suspend_tenant(visit.desk, visit.asked, tenant_id, note=body.note)))


@routes.post("/{tenant_id}/resume", responses=problems(401, 403, 404, 422))
async def resume_tenant_again(
    tenant_id: TenantId,
    body: Annotated[TenantSwitch, Body(default_factory=TenantSwitch)],
    visit: Annotated[Visit, platform_change(Permission.CHANGE_TENANT)],
) -> TenantShape:
    """Lets everybody of a suspended tenant go on."""
    return _shape(visit.told(await resume_tenant(visit.desk, visit.asked, tenant_id, note=body.note)))


def _looker(visit: Visit) -> TenantLooker:
    return TenantLooker(visit.desk.platform, visit.desk.tenants, visit.desk.clock.of_ledger)


def _shape(tenant: Tenant) -> TenantShape:
    return TenantShape(
        id=public_id("tenant", tenant.tenant_id), name=tenant.name, status=tenant.status, created_at=tenant.created_at
    )


def _summary(row: TenantRow) -> dict[str, Any]:
    figures = row.figures
    return {
        **_shape(row.tenant).model_dump(),
        "admins": [
            TenantAdminShape(
                id=public_id("member", admin.member_id), display_name=admin.display_name, status=admin.status
            )
            for admin in row.admins
        ],
        "admin_count": row.admin_count,
        "total": figures.granted,
        "purchased": figures.purchased,
        "allocated": figures.assigned,
        "pool_used": figures.pool_used,
        "available": figures.unassigned,
        "consumed": figures.utilized,
    }
