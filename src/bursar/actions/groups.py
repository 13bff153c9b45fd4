"""The groups of a tenant."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.people import check_shown_name
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import OpenGroup, post
from bursar.outside.identity import new_uuid
from bursar.store.groups import Group, insert_group


async def create_group(desk: Desk, asked: Asked, tenant_id: UUID, name: str) -> Done[Group]:
    """Adds a group and opens its accounts, all at zero. Refuses `invalid_input`, `name_taken`."""
    check_permission(asked.actor, Permission.CREATE_GROUP)
    check_shown_name(name, field="name")
    group = Group(new_uuid(), name, is_default=False)
    command = OpenGroup(actor_id=asked.actor.identity, group_id=group.group_id)

    async def act(transaction: Transaction) -> Group:
        (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
        outcome.unwrap()
        if not await insert_group(transaction, tenant_id, group.group_id, name=name, is_default=False):
            raise Refusal("name_taken", "There is a group of this name already.", field="name")
        told = Told("group_created", Subject("group", group.group_id), changes={"name": Change(None, name)})
        await record(transaction, desk, asked, tenant_id, told)
        return group

    return await once(desk, asked, tenant_id, Group, act)
