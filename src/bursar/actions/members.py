"""The people of a tenant: adding somebody, and what every action on a member begins and ends with.

What is changed of them later is in `member_edits`, `member_standing` and `member_deletions`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.people import take_names
from bursar.actions.signup_credits import by_bursar, find_signup_credits, told_of_signup_credits
from bursar.db.transaction import Transaction
from bursar.domain.ids import public_id
from bursar.domain.people import NewPerson, check_job_title, check_new_person, check_new_service_account
from bursar.domain.permissions import Target, check_in_person, check_may_reach, check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Role
from bursar.ledger import MemberFigures, OpenWallet, Transfer, list_member_figures, post
from bursar.outside.identity import new_uuid
from bursar.store.groups import find_group, get_default_group_id
from bursar.store.members import Member, insert_member, lock_member
from bursar.store.tenants import get_tenant, take_member_number

ROLES_IN_A_TENANT = (Role.TENANT_ADMIN, Role.ADMIN, Role.MEMBER)


@dataclass(frozen=True)
class NewMember:
    """Somebody to be added to a tenant; without a group they come into Default."""

    person: NewPerson
    role: Role
    group_id: UUID | None = None
    job_title: str | None = None
    is_service_account: bool = False


@dataclass(frozen=True)
class Hashed:
    """A new member whose password has been hashed, which takes too long to do inside a transaction."""

    new: NewMember
    member_id: UUID
    password_hash: str | None


@dataclass(frozen=True)
class MemberState:
    """A member and what they have, as an action left them."""

    member: Member
    figures: MemberFigures


async def create_member(desk: Desk, asked: Asked, tenant_id: UUID, new: NewMember) -> Done[MemberState]:
    """Adds somebody to the tenant and opens their accounts. Refuses `not_permitted`, `invalid_input`, `group_unknown`,
    `name_taken`.

    Rule: MEMBER-5
    """
    check_permission(asked.actor, Permission.CREATE_MEMBER)
    check_role(new.role, is_service_account=new.is_service_account)
    if new.role is Role.TENANT_ADMIN:
        check_permission(asked.actor, Permission.APPOINT_TENANT_ADMIN)
    if new.role is not Role.MEMBER:
        check_in_person(asked.actor, "Making an admin")
    hashed = await hash_password(desk, new)
    check_may_reach(asked.actor, Permission.CREATE_MEMBER, Target(new.role, hashed.member_id), field="role")

    async def act(transaction: Transaction) -> MemberState:
        if await get_tenant(transaction, tenant_id) is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        member = await add_member(transaction, desk, asked, tenant_id, hashed)
        return await state_of(transaction, desk, tenant_id, member)

    return await once(desk, asked, tenant_id, MemberState, act)


async def hash_password(desk: Desk, new: NewMember) -> Hashed:
    """Checks what was entered and hashes the password, if there is to be one. Refuses `invalid_input`."""
    password = new.person.password
    if new.is_service_account:
        check_new_service_account(new.person)
    else:
        check_new_person(new.person)
    if new.job_title is not None:
        check_job_title(new.job_title)
    return Hashed(new, new_uuid(), None if password is None else await desk.passwords.hashed(password))


def check_role(role: Role, *, is_service_account: bool) -> None:
    """Refuses `invalid_input` for a role that nobody of a tenant has, or that a service account cannot have.

    Rule: MEMBER-4
    """
    if role not in ROLES_IN_A_TENANT:
        raise Refusal("invalid_input", "The role must be member, admin or tenant_admin.", field="role")
    if is_service_account and role is Role.TENANT_ADMIN:
        raise Refusal(
            "invalid_input", "A service account cannot run an organisation: nobody signs in as it.", field="role"
        )


async def add_member(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, hashed: Hashed) -> Member:
    """The member's row, sign-in names, accounts and events, in a transaction that is under way; and the credits that
    the tenant gives to who joins.

    Rule: MEMBER-6, ALLOC-8
    """
    new, person = hashed.new, hashed.new.person
    group_id = new.group_id or await get_default_group_id(transaction, tenant_id)
    if await find_group(transaction, tenant_id, group_id) is None:
        raise Refusal("group_unknown", "There is no such group.", field="group_id")
    command = OpenWallet(
        actor_id=asked.actor.identity,
        member_id=hashed.member_id,
        group_id=group_id,
        spends_pool=new.role is Role.TENANT_ADMIN,
    )
    # Names first: a name that another transaction is about to take is waited for, and not under the ledger's lock.
    await take_names(transaction, tenant_id, hashed.member_id, person)
    welcome = await _welcome_of(transaction, tenant_id, hashed)
    opened, *given = await post(transaction, tenant_id, [command, *welcome], desk.clock.of_ledger)
    opened.unwrap()
    member = Member(
        member_id=hashed.member_id,
        number=await take_member_number(transaction, tenant_id),
        username=person.username,
        display_name=person.display_name,
        email=person.email,
        role=str(new.role),
        status="active",
        group_id=group_id,
        created_at=desk.clock.now(),
        job_title=new.job_title,
        is_service_account=new.is_service_account,
    )
    await insert_member(transaction, tenant_id, member, password_hash=hashed.password_hash)
    told = Told("member_created", Subject("member", member.member_id), changes=changes_between(None, member))
    await record(transaction, desk, asked, tenant_id, told)
    for transfer, outcome in zip(welcome, given, strict=True):
        await record(transaction, desk, by_bursar(asked), tenant_id, told_of_signup_credits(transfer, outcome))
    return member


async def _welcome_of(transaction: Transaction, tenant_id: UUID, hashed: Hashed) -> list[Transfer]:
    """What the tenant gives to somebody who joins, if it gives anything: to people, who do not spend from the pool.

    Rule: ALLOC-8
    """
    if hashed.new.is_service_account or hashed.new.role is Role.TENANT_ADMIN:
        return []
    found = await find_signup_credits(transaction, tenant_id, hashed.member_id)
    return [] if found is None else [found]


async def reached_member(
    transaction: Transaction, asked: Asked, permission: Permission, tenant_id: UUID, member_id: UUID
) -> Member:
    """The member whom something is to be done to, locked. Refuses `tenant_unknown`, `member_unknown`, and what the
    actor may not do to that person."""
    member = await known_member(transaction, tenant_id, member_id)
    check_may_reach(asked.actor, permission, Target(Role(member.role), member.member_id))
    return member


async def known_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Member:
    """The member with this id, locked. Refuses `tenant_unknown`, `member_unknown`."""
    member = await lock_member(transaction, tenant_id, member_id)
    if member is not None:
        return member
    if await get_tenant(transaction, tenant_id) is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    raise Refusal("member_unknown", "There is no such member.", field="member_id")


async def state_of(transaction: Transaction, desk: Desk, tenant_id: UUID, member: Member) -> MemberState:
    """The member with what they have at this moment of the transaction: the answer of most actions on a member."""
    figures = await list_member_figures(transaction, tenant_id, [member.member_id], desk.clock.of_ledger)
    return MemberState(member, figures[member.member_id])


_NEVER_TOLD = {"member_id", "number", "created_at"}
"""What nobody can change."""


def changes_between(before: Member | None, after: Member) -> dict[str, Change]:
    """Each field in which a member differs from before, as an event tells of it."""
    names = [field.name for field in fields(Member) if field.name not in _NEVER_TOLD]
    pairs = {name: Change(None if before is None else _told(before, name), _told(after, name)) for name in names}
    return {name: change for name, change in pairs.items() if change.before != change.after}


def _told(member: Member, name: str) -> str | None:
    value = getattr(member, name)
    if name == "group_id":
        return public_id("group", member.group_id)
    if name == "is_service_account":
        return "yes" if value else None
    return None if value is None else str(value)
