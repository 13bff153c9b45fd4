"""Somebody who can sign in, found by what a name or a session says: here both kinds of people become one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Desk, Subject
from bursar.db.transaction import platform_reading, reading
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role, Scope
from bursar.store.credentials import find_credentials
from bursar.store.platform_admins import get_platform_admin
from bursar.store.tenants import Tenant, get_tenant


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
    def tenant_id(self) -> UUID | None:
        """The tenant; None for a super admin."""
        return self.tenant.tenant_id if self.tenant else None

    @property
    def actor(self) -> Actor:
        """The person, as one who acts."""
        return Actor(self.role, self.identity, self.tenant_id, self.display_name, self.scopes)


def subject_of(actor: Actor) -> Subject:
    """The person who acts, as what an event is about."""
    return Subject("platform_admin" if actor.tenant_id is None else "member", actor.identity)


async def find_person(desk: Desk, tenant_id: UUID | None, principal_id: UUID) -> Person | None:
    """The person with this id, in this tenant or above all; nobody for one who was deleted."""
    if tenant_id is None:
        return await _super_admin(desk, principal_id)
    async with reading(desk.tenants, tenant_id) as transaction:
        tenant = await get_tenant(transaction, tenant_id)
        credentials = await find_credentials(transaction, tenant_id, principal_id)
    if tenant is None or credentials is None or credentials.status == "deleted":
        return None
    return Person(
        identity=credentials.member_id,
        username=credentials.username,
        display_name=credentials.display_name,
        email=credentials.email,
        role=Role(credentials.role),
        tenant=tenant,
        is_active=credentials.status == "active",
        # Nobody signs in as an application, whatever its row holds.
        password_hash=credentials.password_hash if credentials.kind == "person" else None,
    )


async def _super_admin(desk: Desk, admin_id: UUID) -> Person | None:
    async with platform_reading(desk.platform) as transaction:
        admin = await get_platform_admin(transaction, admin_id)
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


def check_may_be_here(person: Person) -> None:
    """Refuses `tenant_suspended`, then `member_disabled`, as the rows are at this moment.

    Rule: SESSION-3, SESSION-12
    """
    if person.tenant is not None and person.tenant.status != "active":
        raise Refusal("tenant_suspended", "Your organisation is suspended. Ask whoever runs this installation.")
    if not person.is_active:
        whom = "another super admin" if person.tenant is None else "an admin of your organisation"
        raise Refusal("member_disabled", f"This account is disabled. Ask {whom}.")
