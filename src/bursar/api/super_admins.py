"""Who runs this installation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body

from bursar.actions.super_admins import SuperAdmin, add_super_admin, disable_super_admin, enable_super_admin
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import SuperAdminId
from bursar.api.members import Password, Username
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import Email, Name, Note
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.people import NewPerson
from bursar.domain.roles import Permission
from bursar.reports.super_admins import see_super_admins
from bursar.store.platform_admins import PlatformAdmin

routes = APIRouter(prefix="/super-admins", tags=["super admins"])


class SuperAdminDraft(Shape):
    """Somebody who is to run this installation."""

    username: Username
    display_name: Name
    email: Email = None
    password: Password


class SuperAdminSwitch(Shape):
    """Why somebody is disabled or enabled."""

    note: Note = None


class SuperAdminShape(Shape):
    """One super admin."""

    id: str
    username: str
    display_name: str
    email: str | None
    status: Literal["active", "disabled"]
    created_at: datetime
    disabled_at: datetime | None


class SuperAdminList(Shape):
    """A page of super admins."""

    super_admins: list[SuperAdminShape]
    total: int
    next_cursor: str | None


@routes.get("", responses=problems(401, 403, 422))
async def list_super_admins(
    visit: Annotated[Visit, platform(Permission.MANAGE_SUPER_ADMINS)], limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> SuperAdminList:
    """The super admins in the order they were made, disabled ones included."""
    after: UUID | None = None
    if cursor is not None:
        after = parse_public_id("platform_admin", decode_cursor(cursor, str)[0], field="cursor")
    page = await see_super_admins(visit.desk.platform, after=after, limit=limit + 1)
    shown = [_shape(admin) for admin in page.admins[:limit]]
    has_more = len(page.admins) > limit
    return SuperAdminList(
        super_admins=shown, total=page.total, next_cursor=encode_cursor(shown[-1].id) if has_more else None
    )


@routes.post("", status_code=201, responses=problems(401, 403, 409, 422))
async def create_super_admin_with_password(
    body: SuperAdminDraft, visit: Annotated[Visit, platform_change(Permission.MANAGE_SUPER_ADMINS)]
) -> SuperAdminShape:
    """Makes the account of a further super admin."""
    person = NewPerson(body.username, body.display_name, body.email, body.password)
    return _shape(visit.told(await add_super_admin(visit.desk, visit.asked, person)))


@routes.post("/{super_admin_id}/disable", responses=problems(401, 403, 404, 409, 422))
async def disable_super_admin_now(
    super_admin_id: SuperAdminId,
    body: Annotated[SuperAdminSwitch, Body(default_factory=SuperAdminSwitch)],
    visit: Annotated[Visit, platform_change(Permission.MANAGE_SUPER_ADMINS)],
) -> SuperAdminShape:
    """Stops a super admin, and every sign-in of theirs, at once. Never oneself, never the last one."""
    return _shape(visit.told(await disable_super_admin(visit.desk, visit.asked, super_admin_id, note=body.note)))


@routes.post("/{super_admin_id}/enable", responses=problems(401, 403, 404, 422))
async def enable_super_admin_again(
    super_admin_id: SuperAdminId,
    body: Annotated[SuperAdminSwitch, Body(default_factory=SuperAdminSwitch)],
    visit: Annotated[Visit, platform_change(Permission.MANAGE_SUPER_ADMINS)],
) -> SuperAdminShape:
    """Lets a disabled super admin go on."""
    return _shape(visit.told(await enable_super_admin(visit.desk, visit.asked, super_admin_id, note=body.note)))


def _shape(admin: SuperAdmin | PlatformAdmin) -> SuperAdminShape:
    return SuperAdminShape(
        id=public_id("platform_admin", admin.admin_id),
        username=admin.username,
        display_name=admin.display_name,
        email=admin.email,
        status="active" if admin.disabled_at is None else "disabled",
        created_at=admin.created_at,
        disabled_at=admin.disabled_at,
    )
