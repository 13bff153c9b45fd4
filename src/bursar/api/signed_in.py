"""Who asks, and whether they may: every route names its permission here, once, where it is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute

from bursar.actions.desk import Asked, Desk
from bursar.actions.key_sign_in import authenticate_key
from bursar.actions.persons import Person
from bursar.actions.sessions import SignedIn, find_session, not_signed_in, who_is
from bursar.api.cookies import SESSION_COOKIE, cookie_of, set_cookie
from bursar.api.front import Scope
from bursar.api.guard import bearer_of
from bursar.api.idempotency import REPLAYED_HEADER, IdempotencyKey, request_key
from bursar.api.identifiers import TenantId
from bursar.api.key_rates import KEY_RATES, KeyRates
from bursar.db.outages import OUTAGES
from bursar.db.transaction import platform_reading
from bursar.domain.api_keys import KeyKind
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Role

Answer = TypeVar("Answer", covariant=True)

DESK = "bursar.desk"
"""Under this name a request's scope carries the desk that it is asked at."""

NamedTenant = Annotated[TenantId | None, Query(description="The tenant; only a super admin needs to name it.")]


class Answered(Protocol[Answer]):
    """What an action answers with, whichever way it was done once."""

    @property
    def answer(self) -> Answer: ...

    @property
    def replayed(self) -> bool: ...


def desk_of(request: Request) -> Desk:
    """The desk of the running office."""
    desk: Desk = request.scope[DESK]
    return desk


async def signed_in(request: Request) -> Person:
    """The owner of the key that was sent, else the person whose session the cookie carries; a token that is due for it
    is changed with the answer. A key that is refused is refused: the cookie beside it is not even looked at.

    Refuses `not_signed_in`, `tenant_suspended`, `member_disabled`, `rate_limit_exceeded`, and what `authenticate_key`
    refuses.

    Rule: KEY-9
    """
    secret = bearer_of(request.headers.get("authorization"))
    if secret is not None:
        desk, address = desk_of(request), address_of(request)
        caller = await authenticate_key(desk, secret, address=address, wanted=KeyKind.MANAGEMENT)
        key_rates: KeyRates = request.scope[KEY_RATES]
        key_rates.count(caller.key.key_id)
        return caller.person
    token = cookie_of(request, SESSION_COOKIE)
    if token is None:
        raise not_signed_in()
    found = await who_is(desk_of(request), token)
    if found.new_token is not None:
        carry_token(request, found, found.new_token)
    request.state.signed_in = found
    return found.person


async def is_somebody(desk: Desk, scope: Scope) -> bool:
    """Whether somebody's key or session came with a request, before any of its body is read. What they may do is asked
    later, and is refused then.
    """
    request = Request(scope)
    secret = bearer_of(request.headers.get("authorization"))
    try:
        if secret is not None:
            await authenticate_key(desk, secret, address=address_of(request), wanted=KeyKind.MANAGEMENT)
            return True
        token = cookie_of(request, SESSION_COOKIE)
        if token is None:
            return False
        async with platform_reading(desk.platform) as transaction:
            return await find_session(transaction, desk, token) is not None
    except Refusal:
        return False
    except OUTAGES:
        return True  # so that the answer tells of the outage, and not of a body that is too large


def sign_in_of(request: Request) -> SignedIn:
    """The sign-in that this request came with, once the person behind it is known."""
    found: SignedIn = request.state.signed_in
    return found


def carry_token(request: Request, found: SignedIn, token: str) -> None:
    """Lets the answer to this request bring the sign-in's new token, for as long as the sign-in lasts at the most."""
    set_cookie(request, SESSION_COOKIE, token, lasts=found.session.expires_at - desk_of(request).clock.now())


@dataclass(frozen=True)
class Visit:
    """One permitted request of one person."""

    desk: Desk
    person: Person
    asked: Asked
    response: Response

    def told(self, done: Answered[Answer]) -> Answer:
        """What an action answered; the response says in a header if it is an answer that was given before."""
        if done.replayed:
            self.response.headers[REPLAYED_HEADER] = "true"
        return done.answer


@dataclass(frozen=True)
class TenantVisit(Visit):
    """One permitted request about one tenant."""

    tenant_id: UUID


def platform(permission: Permission) -> Any:
    """The visit of somebody who may look at this on the platform, or at what is their own."""

    async def visit(request: Request, response: Response) -> Visit:
        return await _visit(request, response, permission, None)

    return _route_dependency(visit, permission, is_write=False)


def platform_change(permission: Permission) -> Any:
    """The visit of somebody who may change this on the platform, or what is their own. Takes an idempotency key."""

    async def visit(request: Request, response: Response, idempotency_key: IdempotencyKey = None) -> Visit:
        return await _visit(request, response, permission, idempotency_key)

    return _route_dependency(visit, permission, is_write=True)


def tenant(permission: Permission) -> Any:
    """The visit of who may look at this in a tenant: the own one, or any, named in `tenant_id`, for a super admin."""

    async def visit(request: Request, response: Response, tenant_id: NamedTenant = None) -> TenantVisit:
        return _in_tenant(await _visit(request, response, permission, None), tenant_id)

    return _route_dependency(visit, permission, is_write=False)


def tenant_change(permission: Permission) -> Any:
    """The visit of who may change this in a tenant. Takes an idempotency key."""

    async def visit(
        request: Request, response: Response, tenant_id: NamedTenant = None, idempotency_key: IdempotencyKey = None
    ) -> TenantVisit:
        return _in_tenant(await _visit(request, response, permission, idempotency_key), tenant_id)

    return _route_dependency(visit, permission, is_write=True)


def _route_dependency(visit: Callable[..., Any], permission: Permission, *, is_write: bool) -> Any:
    """What a route depends on, marked with its permission for the tests of the house."""
    visit.permission = permission  # type: ignore[attr-defined]
    visit.is_write = is_write  # type: ignore[attr-defined]
    return Depends(visit)


def permission_of(route: APIRoute) -> Permission | None:
    """The one permission that a route names; None for one that can be asked without a sign-in."""
    named = {getattr(dependency.call, "permission", None) for dependency in route.dependant.dependencies} - {None}
    assert len(named) <= 1, "a route names one permission"
    permission: Permission | None = next(iter(named), None)
    return permission


async def _visit(request: Request, response: Response, permission: Permission, key: str | None) -> Visit:
    person = await signed_in(request)
    check_permission(person.actor, permission)
    asked = Asked(
        person.actor,
        request_id=request.scope["request_id"],
        address=address_of(request),
        key_id=person.key_id,
        once=await request_key(request, key),
    )
    return Visit(desk_of(request), person, asked, response)


def _in_tenant(visit: Visit, named: UUID | None) -> TenantVisit:
    tenant_id = _tenant_of(visit.person, named)
    return TenantVisit(visit.desk, visit.person, visit.asked, visit.response, tenant_id)


def address_of(request: Request) -> str | None:
    """Where the request came from, as far as the server can tell."""
    return request.client.host if request.client else None


def _tenant_of(person: Person, wanted: UUID | None) -> UUID:
    if person.role is Role.SUPER_ADMIN:
        if wanted is None:
            raise Refusal("invalid_input", "Name the tenant in tenant_id.", field="tenant_id")
        return wanted
    assert person.tenant is not None
    if wanted not in (None, person.tenant.tenant_id):
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    return person.tenant.tenant_id
