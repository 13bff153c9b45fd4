"""Who asks, and whether they may: every route names its permission here, once, where it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Depends, Query, Request

from bursar.actions.desk import Asked, Desk
from bursar.actions.sessions import Person, not_signed_in, who_is
from bursar.domain.ids import parse_public_id
from bursar.domain.permissions import Permission, check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role

COOKIE = "bursar_session"
COOKIE_LENGTH_MAX = 200


def desk_of(request: Request) -> Desk:
    """The desk of the running office."""
    desk: Desk = request.app.state.desk
    return desk


async def signed_in(request: Request) -> Person:
    """The person whose session the cookie carries. Refuses `not_signed_in`."""
    token = request.cookies.get(COOKIE)
    if not token or len(token) > COOKIE_LENGTH_MAX:
        raise not_signed_in()
    return await who_is(desk_of(request), token)


@dataclass(frozen=True)
class Visit:
    """One permitted request of one person."""

    desk: Desk
    person: Person
    request_id: str

    @property
    def asked(self) -> Asked:
        return Asked(self.person.actor, self.request_id)


@dataclass(frozen=True)
class TenantVisit(Visit):
    """One permitted request about one tenant."""

    tenant_id: UUID


def platform(permission: Permission) -> Any:
    """The visit of somebody who may do this on the platform."""

    async def visit(request: Request) -> Visit:
        person = await signed_in(request)
        check_permission(person.actor, permission)
        return Visit(desk_of(request), person, request.scope["request_id"])

    visit.permission = permission  # type: ignore[attr-defined]
    return Depends(visit)


def tenant(permission: Permission) -> Any:
    """The visit of who may do this in a tenant: the own one, or any, named in `tenant_id`, for a super admin."""

    async def visit(
        request: Request,
        tenant_id: str | None = Query(None, description="The tenant; only a super admin needs to name it."),
    ) -> TenantVisit:
        person = await signed_in(request)
        check_permission(person.actor, permission)
        return TenantVisit(desk_of(request), person, request.scope["request_id"], _tenant_of(person, tenant_id))

    visit.permission = permission  # type: ignore[attr-defined]
    return Depends(visit)


def _tenant_of(person: Person, named: str | None) -> UUID:
    wanted = None if named is None else parse_public_id("tenant", named, field="tenant_id")
    if person.role is Role.SUPER_ADMIN:
        if wanted is None:
            raise Refusal("invalid_input", "Name the tenant in tenant_id.", field="tenant_id")
        return wanted
    assert person.tenant is not None
    if wanted not in (None, person.tenant.tenant_id):
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    return person.tenant.tenant_id
