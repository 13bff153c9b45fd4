"""Signing in and out, and who is signed in.

An unknown name and a wrong password get the same sentence after the same work, so nobody learns who has an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading, platform_writing, reading
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role, Scope
from bursar.outside.identity import new_uuid
from bursar.outside.secrets import keyed_hash, new_token
from bursar.store.members import find_credentials
from bursar.store.platform_admins import get_platform_admin
from bursar.store.sessions import (
    SessionRow,
    find_live_session,
    insert_session,
    insert_session_token,
    revoke_session,
    update_session_seen,
)
from bursar.store.sign_in_names import SignInName, find_sign_in_name
from bursar.store.tenants import Tenant, get_tenant

SEEN_EVERY = timedelta(minutes=1)
"""A sign-in's last use is noted this often, not with every request."""

USER_AGENT_LENGTH_MAX = 300


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in: a super admin, or a member with the tenant.

    Where a program came with a key, this is the key's owner, with the key and the scopes it was given.
    """

    identity: UUID
    username: str
    display_name: str
    email: str | None
    role: Role
    tenant: Tenant | None
    is_active: bool
    password_hash: str | None
    key_id: UUID | None = None
    scopes: frozenset[Scope] | None = None

    @property
    def actor(self) -> Actor:
        tenant_id = self.tenant.tenant_id if self.tenant else None
        return Actor(self.role, self.identity, tenant_id, self.display_name, self.scopes)


@dataclass(frozen=True)
class Client:
    """Where a sign-in came from, for the person to recognise it."""

    address: str | None
    user_agent: str | None


async def sign_in(desk: Desk, *, name: str, password: str, client: Client) -> tuple[Person, str]:
    """The person behind name and password, and the token of a new session.

    Refuses `sign_in_failed`, and `member_disabled` only to somebody who knows the password.
    """
    async with platform_reading(desk.platform) as transaction:
        found = await find_sign_in_name(transaction, name)
    person = await _person(desk, found) if found else None
    is_right = await desk.passwords.matches(person.password_hash if person else None, password)
    if person is None or not is_right:
        raise Refusal("sign_in_failed", "The name or the password is wrong.")
    _check_active(person)
    found_in = person.tenant.tenant_id if person.tenant else None
    return person, await open_session(desk, SignInName(found_in, person.identity), method="password", client=client)


async def open_session(desk: Desk, who: SignInName, *, method: str, client: Client) -> str:
    """The token of a new session of somebody who has proved who they are, by this method."""
    token = new_token()
    now = desk.clock.now()
    session = SessionRow(
        session_id=new_uuid(),
        tenant_id=who.tenant_id,
        principal_id=who.principal_id,
        method=method,
        created_at=now,
        last_seen_at=now,
        rotated_at=now,
        expires_at=now + desk.session_limits.absolute,
        address=client.address,
        user_agent=client.user_agent[:USER_AGENT_LENGTH_MAX] if client.user_agent else None,
    )
    async with platform_writing(desk.platform) as transaction:
        await insert_session(transaction, session)
        await insert_session_token(transaction, session.session_id, _token_hash(desk, token), issued_at=now)
    return token


async def who_is(desk: Desk, token: str) -> Person:
    """The person a session's token belongs to. Refuses `not_signed_in`, `member_disabled`."""
    now = desk.clock.now()
    token_hash = _token_hash(desk, token)
    async with platform_reading(desk.platform) as transaction:
        session = await find_live_session(transaction, token_hash, now=now, seen_after=now - desk.session_limits.idle)
    person = await _person(desk, SignInName(session.tenant_id, session.principal_id)) if session else None
    if session is None or person is None:
        raise not_signed_in()
    _check_active(person)
    if now - session.last_seen_at >= SEEN_EVERY:
        async with platform_writing(desk.platform) as transaction:
            await update_session_seen(transaction, session.session_id, now=now)
    return person


async def sign_out(desk: Desk, token: str) -> None:
    """Ends the session; a token that is nobody's ends nothing."""
    now = desk.clock.now()
    async with platform_writing(desk.platform) as transaction:
        session = await find_live_session(
            transaction, _token_hash(desk, token), now=now, seen_after=now - desk.session_limits.idle
        )
        if session is not None:
            await revoke_session(transaction, session.session_id, now=now)


def not_signed_in() -> Refusal:
    """What somebody without a session is told."""
    return Refusal("not_signed_in", "Sign in first.")


async def _person(desk: Desk, found: SignInName) -> Person | None:
    if found.tenant_id is None:
        async with platform_reading(desk.platform) as transaction:
            admin = await get_platform_admin(transaction, found.principal_id)
        if admin is None:
            return None
        return Person(
            identity=admin.admin_id,
            username=admin.username,
            display_name=admin.display_name,
            email=admin.email,
            role=Role.SUPER_ADMIN,
            tenant=None,
            is_active=admin.disabled_at is None,
            password_hash=admin.password_hash,
        )
    async with reading(desk.tenants, found.tenant_id) as transaction:
        tenant = await get_tenant(transaction, found.tenant_id)
        credentials = await find_credentials(transaction, found.tenant_id, found.principal_id)
    if tenant is None or credentials is None or credentials.member.status == "deleted":
        return None
    member = credentials.member
    return Person(
        identity=member.member_id,
        username=member.username,
        display_name=member.display_name,
        email=member.email,
        role=Role(member.role),
        tenant=tenant,
        is_active=member.status == "active" and tenant.status == "active",
        password_hash=credentials.password_hash,
    )


def _check_active(person: Person) -> None:
    if not person.is_active:
        raise Refusal("member_disabled", "This account is disabled. Ask an admin of your organisation.")


def _token_hash(desk: Desk, token: str) -> bytes:
    """Keyed, so a copy of the table cannot even be searched for a token somebody has seen."""
    return keyed_hash(desk.secret_for("session tokens"), token)
