"""Accepting an invitation: what its link shows, and how the person behind it becomes a member and is signed in.

Whoever holds the token is the person who was invited; nobody is signed in here. Sending is in `invitations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.actions.attempts import count_attempt, take_off
from bursar.actions.desk import Asked, Change, Desk, RequestKey, Subject, Told, record
from bursar.actions.invitations import SECRET_KIND, invitation_hash
from bursar.actions.members import Hashed, NewMember, add_member, hash_password
from bursar.actions.once import Done, once
from bursar.actions.persons import Person
from bursar.actions.sign_in import Client, Opened, Proof, open_session, sign_in
from bursar.db.transaction import Transaction, platform_reading, reading
from bursar.domain.attempts import CountedBy, network_of
from bursar.domain.ids import public_id
from bursar.domain.invitations import check_acceptable, invitation_unknown
from bursar.domain.people import NewPerson
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.store.groups import find_group
from bursar.store.invitations import Invitation, find_invitation, lock_invitation, update_invitation_accepted
from bursar.store.members import Member
from bursar.store.secret_hashes import SecretOwner, find_secret_owner
from bursar.store.tenants import Tenant, get_tenant


@dataclass(frozen=True)
class Visitor:
    """Somebody who is not signed in, where they come from, and the key of their request."""

    client: Client
    once: RequestKey | None = None


@dataclass(frozen=True)
class Acceptance:
    """A link's token and the account that its holder wants; without a display name, the username is shown."""

    token: str
    username: str
    display_name: str | None
    password: str


@dataclass(frozen=True)
class OpenInvitation:
    """What somebody who holds the link may know before they accept."""

    tenant_name: str
    email: str
    expires_at: datetime


@dataclass(frozen=True)
class Joined:
    """The new member, and where they are a member now."""

    member: Member
    tenant: Tenant


async def look_up_invitation(desk: Desk, token: str, client: Client) -> OpenInvitation:
    """What the link opens. Refuses `too_many_attempts`, `invitation_unknown`, `invitation_used`, `invitation_revoked`,
    `invitation_expired`, `tenant_suspended`.

    Rule: INVITATION-4
    """
    found = await _behind(desk, token, client)
    async with reading(desk.tenants, found.tenant_id) as transaction:
        tenant = await _active_tenant(transaction, found.tenant_id)
        invitation = await find_invitation(transaction, found.tenant_id, found.owner_id)
    if invitation is None:
        raise invitation_unknown()
    check_acceptable(invitation.course, desk.clock.now())
    return OpenInvitation(tenant.name, invitation.email, invitation.expires_at)


async def accept_invitation(desk: Desk, visitor: Visitor, wanted: Acceptance) -> tuple[Done[Joined], Opened]:
    """Makes the invited person a member and signs them in: the member, and the new sign-in.

    Refuses what `look_up_invitation` does, `invalid_input` and `name_taken`. One acceptance wins; to all others the
    invitation is used. The same request sent again with its key gets the first answer, and signs in with the name and
    password it holds, as anybody may who knows them.

    Rule: INVITATION-9, INVITATION-10, INVITATION-11
    """
    found = await _behind(desk, wanted.token, visitor.client)
    invitation = await _look_before_hashing(desk, found, is_repeatable=visitor.once is not None)
    person = NewPerson(wanted.username, wanted.display_name or wanted.username, invitation.email, wanted.password)
    # Hashing is work, which whoever holds a link may ask for as often as for trying a password, and no more often.
    attempt = await count_attempt(desk, {CountedBy.ADDRESS: network_of(visitor.client.address)})
    # Hashed with the group as invited; whether that is still there is seen in the transaction.
    hashed = await hash_password(desk, NewMember(person, Role(invitation.role), invitation.group_id))
    asked = _asked(visitor, Actor(hashed.new.role, found.owner_id, found.tenant_id, person.display_name))

    opened: Opened | None = None

    async def act(transaction: Transaction) -> Joined:
        nonlocal opened
        locked = await lock_invitation(transaction, found.tenant_id, found.owner_id)
        # Asked again under the lock: meanwhile the invitation may have been sent again with another link.
        if locked is None or await _find(transaction, desk, wanted.token) is None:
            raise invitation_unknown()
        check_acceptable(locked.course, desk.clock.now())
        tenant = await _active_tenant(transaction, found.tenant_id)
        member = await _add(transaction, desk, visitor, found.tenant_id, locked, hashed)
        proof = Proof(_person(member, tenant, hashed), "invitation", visitor.client)
        opened = await open_session(transaction, desk, proof)
        return Joined(member, tenant)

    done = await once(desk, asked, found.tenant_id, Joined, act)
    await take_off(desk, attempt, is_right=False)
    if done.replayed or opened is None:
        opened = await sign_in(desk, name=wanted.username, password=wanted.password, client=visitor.client)
    return done, opened


def _person(member: Member, tenant: Tenant, hashed: Hashed) -> Person:
    return Person(
        identity=member.member_id,
        username=member.username,
        display_name=member.display_name,
        email=member.email,
        role=Role(member.role),
        tenant=tenant,
        is_active=True,
        password_hash=hashed.password_hash,
    )


async def _look_before_hashing(desk: Desk, found: SecretOwner, *, is_repeatable: bool) -> Invitation:
    """The invitation, which must be open: a dead link is not worth the work of hashing a password. A used one is let
    through where the request may be the repetition of the one that used it.
    """
    async with reading(desk.tenants, found.tenant_id) as transaction:
        await _active_tenant(transaction, found.tenant_id)
        invitation = await find_invitation(transaction, found.tenant_id, found.owner_id)
    if invitation is None:
        raise invitation_unknown()
    if invitation.accepted_at is None or not is_repeatable:
        check_acceptable(invitation.course, desk.clock.now())
    return invitation


async def _add(
    transaction: Transaction, desk: Desk, visitor: Visitor, tenant_id: UUID, invitation: Invitation, hashed: Hashed
) -> Member:
    """The member, as the invitation says: its address, its role, and its group or else Default.

    Rule: INVITATION-9
    """
    has_group = await find_group(transaction, tenant_id, invitation.group_id) is not None
    new = NewMember(hashed.new.person, hashed.new.role, invitation.group_id if has_group else None)
    # Who joins does it themselves, so theirs is the name under which it is told.
    itself = _asked(visitor, Actor(new.role, hashed.member_id, tenant_id, new.person.display_name))
    member = await add_member(transaction, desk, itself, tenant_id, Hashed(new, hashed.member_id, hashed.password_hash))
    await update_invitation_accepted(
        transaction, tenant_id, invitation.invitation_id, member_id=member.member_id, now=desk.clock.now()
    )
    told = Told(
        "invitation_accepted",
        Subject("invitation", invitation.invitation_id),
        detail={"email": invitation.email},
        changes={"member_id": Change(None, public_id("member", member.member_id))},
    )
    await record(transaction, desk, itself, tenant_id, told)
    return member


def _asked(visitor: Visitor, actor: Actor) -> Asked:
    return Asked(actor, request_id=visitor.client.request_id, address=visitor.client.address, once=visitor.once)


async def _behind(desk: Desk, token: str, client: Client) -> SecretOwner:
    """The invitation that the token opens; tokens that open nothing are counted by address, as passwords are.

    Refuses `too_many_attempts`, `invitation_unknown`.

    Rule: INVITATION-4
    """
    async with platform_reading(desk.platform) as transaction:
        found = await _find(transaction, desk, token)
    if found is None:
        await count_attempt(desk, {CountedBy.ADDRESS: network_of(client.address)})
        raise invitation_unknown()
    return found


async def _find(transaction: Transaction, desk: Desk, token: str) -> SecretOwner | None:
    return await find_secret_owner(transaction, invitation_hash(desk, token), kind=SECRET_KIND, now=desk.clock.now())


async def _active_tenant(transaction: Transaction, tenant_id: UUID) -> Tenant:
    """The organisation; refuses `tenant_suspended` while nobody of it can do anything."""
    tenant = await get_tenant(transaction, tenant_id)
    if tenant is None:
        raise invitation_unknown()
    if tenant.status != "active":
        raise Refusal("tenant_suspended", "This organisation is suspended. Ask whoever invited you.")
    return tenant
