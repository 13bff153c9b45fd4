"""The groups of a tenant."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, record
from bursar.db.transaction import retrying, writing
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

    group = Group(new_uuid(), name, is_default=False)
    command = OpenGroup(actor_id=asked.actor.identity, group_id=group.group_id)

    async def attempt() -> None:
        async with writing(desk.tenants, tenant_id) as transaction:
            (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
            outcome.unwrap()
            if not await insert_group(transaction, tenant_id, group.group_id, name=name, is_default=False):
                raise Refusal("name_taken", "There is a group of this name already.", field="name")
            await record(
                transaction, desk, asked,
                tenant_id=tenant_id, kind="group_created", subject=Subject("group", group.group_id),
                detail={"name": name},
            )  # fmt: skip

    await retrying(attempt)
    return group
