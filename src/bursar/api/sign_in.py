"""Signing in and out at the console and for programs: one cookie, `bursar_session`."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from bursar.actions.desk import RequestKey
from bursar.actions.devices import DEVICE_LASTS
from bursar.actions.persons import Person
from bursar.actions.sign_in import Client, Opened, sign_in, sign_out
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.cookies import DEVICE_COOKIE, SESSION_COOKIE, cookie_of, drop_cookie, set_cookie
from bursar.api.idempotency import IdempotencyKey, request_key
from bursar.api.signed_in import address_of, desk_of, signed_in
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.roles import ROLE_LABELS, Role
from bursar.reports.pool import see_spendable
from bursar.store.tenants import Tenant

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
    """The person's organisation: how it shows amounts, and whom to ask for help."""

    id: str
    name: str
    display: Literal["credits", "dollars"]
    contact: str | None


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


@routes.post("", responses=problems(401, 403, 422, 429, 503))
async def start_session(body: SignIn, request: Request) -> Session:
    """Signs in and sets the cookie; a session that the client came with ends.

    It takes no idempotency key, because nobody is asking yet: each sign-in is one of its own.
    """
    desk = desk_of(request)
    opened = await sign_in(desk, name=body.name, password=body.password, client=client_of(request))
    await end_session_of(request, None)
    carry_session(request, opened)
    return await session_shape(request, opened.person)


@routes.get("", responses=problems(401, 403))
async def get_session(request: Request, person: Annotated[Person, Depends(signed_in)]) -> Session:
    """Who is signed in."""
    return await session_shape(request, person)


@routes.delete("", status_code=204, responses=problems(422))
async def end_session(request: Request, idempotency_key: IdempotencyKey = None) -> None:
    """Signs out; harmless when nobody is signed in, and so when it is asked again."""
    await end_session_of(request, await request_key(request, idempotency_key))
    drop_cookie(request, SESSION_COOKIE)


async def end_session_of(request: Request, key: RequestKey | None) -> None:
    """Ends the session whose cookie came with the request, if one did."""
    token = cookie_of(request, SESSION_COOKIE)
    if token is not None:
        await sign_out(desk_of(request), token, client_of(request), key)


def carry_session(request: Request, opened: Opened) -> None:
    """Lets the answer bring the new sign-in's token, and the mark by which the device is known from now on."""
    set_cookie(request, SESSION_COOKIE, opened.token, lasts=desk_of(request).session_limits.absolute)
    set_cookie(request, DEVICE_COOKIE, opened.device, lasts=DEVICE_LASTS)


def client_of(request: Request) -> Client:
    """Where the request comes from, as a sign-in remembers it."""
    return Client(
        address=address_of(request),
        user_agent=request.headers.get("user-agent"),
        request_id=request.scope["request_id"],
        device=cookie_of(request, DEVICE_COOKIE),
    )


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
        role=person_role(person.role),
        role_label=ROLE_LABELS[person.role],
        tenant=session_tenant(person.tenant),
        remaining=await _remaining(request, person),
        key_id=None if person.key_id is None else public_id("api_key", person.key_id),
    )


def person_role(role: Role) -> PersonRole:
    """The role, as one of those that a person can have."""
    return cast(PersonRole, role.value)


def session_tenant(tenant: Tenant | None) -> SessionTenant | None:
    """Somebody's organisation; a super admin has none."""
    if tenant is None:
        return None
    return SessionTenant.model_validate(
        {
            "id": public_id("tenant", tenant.tenant_id),
            "name": tenant.name,
            "display": tenant.display,
            "contact": tenant.contact,
        }
    )


async def _remaining(request: Request, person: Person) -> Credits | None:
    """What the person can still spend; a super admin spends nothing."""
    if person.tenant is None:
        return None
    desk = desk_of(request)
    return await see_spendable(desk.tenants, person.tenant.tenant_id, person.identity, desk.clock.of_ledger)
