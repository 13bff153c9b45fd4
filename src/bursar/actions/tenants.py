"""Creating an organisation: its books, its group Default and its tenant admin, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.members import NewMember, add_member, hash_password
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.cycles import parse_cadence, parse_time_zone
from bursar.domain.people import NewPerson, check_shown_name
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission, Role
from bursar.ledger import SetPerCycle, open_books, post
from bursar.outside.identity import new_uuid
from bursar.store.groups import DEFAULT_GROUP_NAME, insert_group
from bursar.store.members import Member
from bursar.store.tenants import Tenant, insert_tenant


@dataclass(frozen=True)
class CyclePlan:
    """How long the tenant's cycles last, where its days begin, and what each cycle has to spend."""

    cadence: str
    time_zone: str
    per_cycle: Credits


@dataclass(frozen=True)
class NewTenant:
    """An organisation to be, and who runs it."""

    name: str
    admin: NewPerson
    cycle: CyclePlan


@dataclass(frozen=True)
class CreatedTenant:
    """The new organisation and its first tenant admin."""

    tenant: Tenant
    admin: Member


async def create_tenant(desk: Desk, asked: Asked, new: NewTenant) -> Done[CreatedTenant]:
    """Creates a tenant and its tenant admin. Refuses `invalid_input`, `name_taken`, `cadence_unknown`,
    `time_zone_unknown`.
    """
    check_permission(asked.actor, Permission.CREATE_TENANT)
    check_shown_name(new.name, field="name")
    cadence, time_zone = parse_cadence(new.cycle.cadence), parse_time_zone(new.cycle.time_zone)
    hashed = await hash_password(desk, NewMember(new.admin, Role.TENANT_ADMIN))
    default_group_id = new_uuid()
    tenant = Tenant(new_uuid(), new.name, "active", desk.clock.now())

    async def act(transaction: Transaction) -> CreatedTenant:
        await insert_tenant(transaction, tenant)
        await open_books(
            transaction, tenant.tenant_id,
            default_group_id=default_group_id, cadence=cadence, time_zone=time_zone, now=desk.clock.now(),
        )  # fmt: skip
        per_cycle = SetPerCycle(actor_id=asked.actor.identity, transfer_id=new_uuid(), per_cycle=new.cycle.per_cycle)
        (outcome,) = await post(transaction, tenant.tenant_id, [per_cycle], desk.clock.of_ledger)
        outcome.unwrap()
        await insert_group(transaction, tenant.tenant_id, default_group_id, name=DEFAULT_GROUP_NAME, is_default=True)
        told = Told("tenant_created", Subject("tenant", tenant.tenant_id), changes={"name": Change(None, tenant.name)})
        await record(transaction, desk, asked, tenant.tenant_id, told)
        return CreatedTenant(tenant, await add_member(transaction, desk, asked, tenant.tenant_id, hashed))

    return await once(desk, asked, tenant.tenant_id, CreatedTenant, act)
