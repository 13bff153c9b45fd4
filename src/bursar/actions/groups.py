"""The groups of a tenant."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, record
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.people import check_shown_name
from bursar.domain.permissions import Permission, check_permission
from bursar.domain.refusals import Refusal
from bursar.ledger import OpenGroup, post
from bursar.outside.identity import new_uuid
from bursar.store.groups import Group, insert_group


async def create_group(desk: Desk, asked: Asked, tenant_id: UUID, name: str) -> Group:
    """Adds a group and opens its accounts, all at zero. Refuses `invalid_input`, `name_taken`."""
    check_permission(asked.actor, Permission.CREATE_GROUP)
    check_shown_name(name, field="name")

    async def attempt() -> Group:
        async with writing(desk.tenants, tenant_id) as transaction:
            return await add_group(transaction, desk, asked, tenant_id, name=name, is_default=False)

    return await retrying(attempt)


async def add_group(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, *, name: str, is_default: bool
) -> Group:
    """The group's row, accounts and event, in a transaction that is under way."""
    group = Group(new_uuid(), name, is_default)
    if not await insert_group(transaction, tenant_id, group.group_id, name=name, is_default=is_default):
        raise Refusal("name_taken", "There is a group of this name already.", field="name")
    command = OpenGroup(actor_id=asked.actor.identity, group_id=group.group_id, is_default=is_default)
    (outcome,) = await post(transaction, tenant_id, [command])
    outcome.unwrap()
    await record(
        transaction, desk, asked,
        tenant_id=tenant_id, kind="group_created", subject=Subject("group", group.group_id), detail={"name": name},
    )  # fmt: skip
    return group
