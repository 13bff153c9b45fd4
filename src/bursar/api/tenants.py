"""The organisations of the platform, for its super admin."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.tenants import CyclePlan, NewTenant, create_tenant
from bursar.api.amounts import TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.members import Password, Username
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import Email, Name
from bursar.domain.credits import ZERO
from bursar.domain.cycles import Cadence
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.people import NewPerson
from bursar.domain.roles import Permission
from bursar.reports.tenants import see_tenants
from bursar.store.tenants import Tenant

routes = APIRouter(prefix="/tenants", tags=["tenants"])


class NewTenantAdmin(Shape):
    """Who runs the tenant."""

    username: Username
    display_name: Name
    email: Email = None
    password: Password


class TenantDraft(Shape):
    """An organisation to be, its tenant admin, and its budgeting period."""

    name: Name
    admin: NewTenantAdmin
    cadence: Cadence = Cadence.CALENDAR_MONTH
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    credits_per_cycle: TypedLevel = Field(default=ZERO, json_schema_extra={"default": "0.00"})


class TenantShape(Shape):
    """One organisation."""

    id: str
    name: str
    status: str
    created_at: datetime


class CreatedTenant(TenantShape):
    """The new organisation and its tenant admin."""

    admin_id: str


class TenantList(Shape):
    """A page of organisations."""

    tenants: list[TenantShape]
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
    )
    made = visit.told(await create_tenant(visit.desk, visit.asked, new))
    return CreatedTenant(**_shape(made.tenant).model_dump(), admin_id=public_id("member", made.admin.member_id))


@routes.get("", responses=problems(401, 403, 422))
async def list_all_tenants(
    visit: Annotated[Visit, platform(Permission.SEE_TENANTS)], limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> TenantList:
    """The tenants in the order they were made."""
    after: UUID | None = None
    if cursor is not None:
        after = parse_public_id("tenant", decode_cursor(cursor, str)[0], field="cursor")
    page = await see_tenants(visit.desk.platform, after=after, limit=limit + 1)
    shown = [_shape(tenant) for tenant in page.tenants[:limit]]
    has_more = len(page.tenants) > limit
    return TenantList(tenants=shown, total=page.total, next_cursor=encode_cursor(shown[-1].id) if has_more else None)


def _shape(tenant: Tenant) -> TenantShape:
    return TenantShape(
        id=public_id("tenant", tenant.tenant_id), name=tenant.name, status=tenant.status, created_at=tenant.created_at
    )
