"""The people of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.people import take_names
from bursar.db.transaction import Transaction
from bursar.domain.people import NewPerson, check_new_person
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Role
from bursar.ledger import OpenWallet, post
from bursar.outside.identity import new_uuid
from bursar.store.groups import find_group, get_default_group_id
from bursar.store.members import Member, insert_member
from bursar.store.tenants import get_tenant, take_member_number


@dataclass(frozen=True)
class NewMember:
    """Somebody to be added to a tenant; without a group they come into Default."""

    person: NewPerson
    role: Role
    group_id: UUID | None = None


@dataclass(frozen=True)
class Hashed:
    """A new member whose password has been hashed, which takes too long to do inside a transaction."""

    new: NewMember
    member_id: UUID
    password_hash: str


async def create_member(desk: Desk, asked: Asked, tenant_id: UUID, new: NewMember) -> Done[Member]:
    """Adds somebody to the tenant and opens their accounts. Refuses `invalid_input`, `group_unknown`, `name_taken`."""
    check_permission(asked.actor, Permission.CREATE_MEMBER)
    if new.role not in (Role.MEMBER, Role.ADMIN):
        raise Refusal("invalid_input", "The role must be member or admin.", field="role")
    hashed = await hash_password(desk, new)

    async def act(transaction: Transaction) -> Member:
        if await get_tenant(transaction, tenant_id) is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        return await add_member(transaction, desk, asked, tenant_id, hashed)

    return await once(desk, asked, tenant_id, Member, act)


async def hash_password(desk: Desk, new: NewMember) -> Hashed:
    """Checks what was entered and hashes the password. Refuses `invalid_input`."""
    check_new_person(new.person)
    return Hashed(new, new_uuid(), await desk.passwords.hashed(new.person.password))


async def add_member(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, hashed: Hashed) -> Member:
    """The member's row, sign-in names, accounts and event, in a transaction that is under way."""
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
    (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
    outcome.unwrap()
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
    )
    await insert_member(transaction, tenant_id, member, password_hash=hashed.password_hash)
    changes = {
        "username": Change(None, member.username),
        "display_name": Change(None, member.display_name),
        "email": Change(None, member.email),
        "role": Change(None, member.role),
    }
    told = Told("member_created", Subject("member", member.member_id), changes=changes)
    await record(transaction, desk, asked, tenant_id, told)
    return member
