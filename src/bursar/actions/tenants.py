"""The organisations: creating one with its books, its group Default and its tenant admin, all or nothing; renaming,
suspending and resuming it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.members import NewMember, add_member, hash_password
from bursar.actions.once import Done, once
from bursar.actions.posting import asked_as, post_one
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.cycles import parse_cadence, parse_time_zone
from bursar.domain.people import NewPerson, check_shown_name
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Role
from bursar.domain.settings import check_credit_factor
from bursar.ledger import Changed, SetPerCycle, open_books
from bursar.outside.identity import new_uuid
from bursar.store.groups import DEFAULT_GROUP_NAME, insert_group
from bursar.store.members import Member
from bursar.store.tenants import Tenant, insert_tenant, lock_tenant, update_tenant


@dataclass(frozen=True)
class CyclePlan:
    """How long the tenant's cycles last, where its days begin, and what each cycle has to spend."""

    cadence: str
    time_zone: str
    per_cycle: Credits


@dataclass(frozen=True)
class NewTenant:
    """An organisation to be, who runs it, and credits per US dollar of what its calls cost."""

    name: str
    admin: NewPerson
    cycle: CyclePlan
    credit_factor: Credits


@dataclass(frozen=True)
class CreatedTenant:
    """The new organisation and its first tenant admin."""

    tenant: Tenant
    admin: Member


async def create_tenant(desk: Desk, asked: Asked, new: NewTenant) -> Done[CreatedTenant]:
    """Creates a tenant and its tenant admin. Refuses `invalid_input`, `name_taken`, `cadence_unknown`,
    `time_zone_unknown`, `amount_too_small`, `amount_too_large`.

    Rule: TENANT-1, TENANT-11
    """
    check_permission(asked.actor, Permission.CREATE_TENANT)
    check_shown_name(new.name, field="name")
    check_credit_factor(new.credit_factor)
    cadence, time_zone = parse_cadence(new.cycle.cadence), parse_time_zone(new.cycle.time_zone)
    hashed = await hash_password(desk, NewMember(new.admin, Role.TENANT_ADMIN))
    default_group_id = new_uuid()
    tenant = Tenant(new_uuid(), new.name, "active", desk.clock.now())

    async def act(transaction: Transaction) -> CreatedTenant:
        await insert_tenant(transaction, tenant, credit_factor=new.credit_factor)
        await open_books(
            transaction, tenant.tenant_id,
            default_group_id=default_group_id, cadence=cadence, time_zone=time_zone, now=desk.clock.now(),
        )  # fmt: skip
        per_cycle = SetPerCycle(actor_id=asked.actor.identity, transfer_id=new_uuid(), per_cycle=new.cycle.per_cycle)
        with asked_as(per_cycle="credits_per_cycle"):
            await post_one(transaction, desk, tenant.tenant_id, per_cycle, Changed)
        await insert_group(transaction, tenant.tenant_id, default_group_id, name=DEFAULT_GROUP_NAME, is_default=True)
        changes = {"name": Change(None, tenant.name), "credit_factor": Change(None, str(new.credit_factor))}
        told = Told("tenant_created", Subject("tenant", tenant.tenant_id), changes=changes)
        await record(transaction, desk, asked, tenant.tenant_id, told)
        return CreatedTenant(tenant, await add_member(transaction, desk, asked, tenant.tenant_id, hashed))

    return await once(desk, asked, tenant.tenant_id, CreatedTenant, act)


async def rename_tenant(desk: Desk, asked: Asked, tenant_id: UUID, name: str) -> Done[Tenant]:
    """Gives the tenant another name, which need not be unique. Refuses `invalid_input`, `tenant_unknown`.

    Rule: TENANT-1
    """
    check_permission(asked.actor, Permission.CHANGE_TENANT)
    check_shown_name(name, field="name")
    return await _change(
        desk, asked, tenant_id, lambda tenant: replace(tenant, name=name), kind="tenant_renamed", note=None
    )


async def suspend_tenant(desk: Desk, asked: Asked, tenant_id: UUID, *, note: str | None) -> Done[Tenant]:
    """Stops everybody of the tenant at once; suspended already, it stays so. Refuses `tenant_unknown`.

    Rule: TENANT-2
    """
    check_permission(asked.actor, Permission.CHANGE_TENANT)
    return await _change(desk, asked, tenant_id, _suspended, kind="tenant_suspended", note=note)


async def resume_tenant(desk: Desk, asked: Asked, tenant_id: UUID, *, note: str | None) -> Done[Tenant]:
    """Lets everybody of the tenant go on. Refuses `tenant_unknown`.

    Rule: TENANT-2
    """
    check_permission(asked.actor, Permission.CHANGE_TENANT)
    return await _change(desk, asked, tenant_id, _active, kind="tenant_resumed", note=note)


def _suspended(tenant: Tenant) -> Tenant:
    return replace(tenant, status="suspended")


def _active(tenant: Tenant) -> Tenant:
    return replace(tenant, status="active")


async def _change(
    desk: Desk, asked: Asked, tenant_id: UUID, change: Callable[[Tenant], Tenant], *, kind: str, note: str | None
) -> Done[Tenant]:
    """Writes the changed tenant and tells which fields are different; nothing, if none is."""

    async def act(transaction: Transaction) -> Tenant:
        before = await lock_tenant(transaction, tenant_id)
        if before is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        after = change(before)
        if after != before:
            await update_tenant(transaction, after)
            pairs = {"name": (before.name, after.name), "status": (before.status, after.status)}
            changes = {name: Change(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}
            told = Told(kind, Subject("tenant", tenant_id), note, changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return after

    return await once(desk, asked, tenant_id, Tenant, act)
