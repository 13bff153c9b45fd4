"""Signing in and out at the console and for programs: one cookie, `bursar_session`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from bursar.actions.sessions import Client, Person, sign_in, sign_out
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import COOKIE, COOKIE_LENGTH_MAX, desk_of, signed_in
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.roles import ROLE_LABELS, Role
from bursar.reports.pool import see_spendable

routes = APIRouter(prefix="/session", tags=["session"])


PersonRole = Literal["super_admin", "tenant_admin", "admin", "member"]


class SignIn(Shape):
    """Username or e-mail address, and password."""

    name: Annotated[str, Field(min_length=1, max_length=250)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class SessionPerson(Shape):
    """The person who is signed in."""

    id: str
    username: str
    display_name: str
    email: str | None


class SessionTenant(Shape):
    """The person's organisation."""

    id: str
    name: str


class Session(Shape):
    """Who is signed in, in which role and tenant, and what they can still spend.

    For a program with a management key it is the key's owner, and `key_id` names the key.
    """

    person: SessionPerson
    role: PersonRole
    role_label: str
    tenant: SessionTenant | None
    remaining: Amount | None
    key_id: str | None = None


@routes.post("", responses=problems(401, 403, 422))
async def start_session(body: SignIn, request: Request, response: Response) -> Session:
    """Signs in and sets the cookie; a session that the client came with ends."""
    desk = desk_of(request)
    client = Client(request.client.host if request.client else None, request.headers.get("user-agent"))
    person, token = await sign_in(desk, name=body.name, password=body.password, client=client)
    await end_session_of(request)
    set_session_cookie(request, response, token)
    return await session_shape(request, person)


@routes.get("", responses=problems(401, 403))
async def get_session(request: Request, person: Annotated[Person, Depends(signed_in)]) -> Session:
    """Who is signed in."""
    return await session_shape(request, person)


@routes.delete("", status_code=204)
async def end_session(request: Request, response: Response) -> None:
    """Signs out; harmless when nobody is signed in."""
    await end_session_of(request)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=needs_secure_cookie(request))


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    """Hands the session to the browser, out of reach of scripts and of other sites."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(desk_of(request).session_limits.absolute.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=needs_secure_cookie(request),
        path="/",
    )


async def end_session_of(request: Request) -> None:
    """Ends the session whose cookie came with the request, if one did."""
    token = request.cookies.get(COOKIE)
    if token and len(token) <= COOKIE_LENGTH_MAX:
        await sign_out(desk_of(request), token)


def needs_secure_cookie(request: Request) -> bool:
    """Whether the cookie must never travel in the clear: over https, and for every host that is not this machine."""
    if request.url.scheme == "https":
        return True
    host = request.url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


async def session_shape(request: Request, person: Person) -> Session:
    """A person as the session tells of them."""
    noun = "platform_admin" if person.role is Role.SUPER_ADMIN else "member"
    return Session(
        person=SessionPerson(
            id=public_id(noun, person.identity),
            username=person.username,
            display_name=person.display_name,
            email=person.email,
        ),
        role=cast(PersonRole, person.role.value),
        role_label=ROLE_LABELS[person.role],
        tenant=SessionTenant(id=public_id("tenant", person.tenant.tenant_id), name=person.tenant.name)
        if person.tenant
        else None,
        remaining=await _remaining(request, person),
        key_id=None if person.key_id is None else public_id("api_key", person.key_id),
    )


async def _remaining(request: Request, person: Person) -> Credits | None:
    """What the person can still spend; a super admin spends nothing."""
    if person.tenant is None:
        return None
    desk = desk_of(request)
    return await see_spendable(desk.tenants, person.tenant.tenant_id, person.identity, desk.clock.of_ledger)
