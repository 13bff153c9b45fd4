"""The groups of a tenant: made, renamed, deleted, and whether their members share what is left.

Their budgets are in `budgets`, and what they are given besides in `extras`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import post_one
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.people import check_shown_name
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import (
    Changed,
    CloseGroup,
    GroupColumns,
    OpenGroup,
    ShareGroup,
    group_columns,
    group_figures,
    lock_books,
)
from bursar.outside.identity import new_uuid
from bursar.store.groups import (
    Group,
    find_group_by_name,
    insert_group,
    lock_group,
    update_group_deleted,
    update_group_name,
)
from bursar.store.price_factors import delete_price_factor, find_price_factor, lock_price_factors


@dataclass(frozen=True)
class GroupState:
    """A new group with its columns."""

    group: Group
    columns: GroupColumns

    @property
    def group_id(self) -> UUID:
        return self.group.group_id


@dataclass(frozen=True)
class GroupShared:
    """Whether a group's members now spend what it has left. Its columns are not told: summing them up for a large
    group would keep the tenant's calls waiting."""

    group_id: UUID
    is_shared: bool


@dataclass(frozen=True)
class DeletedGroup:
    """A group that is gone: what it was called, what went back to the pool, and what it had per cycle."""

    group_id: UUID
    name: str
    returned: Credits
    monthly: Credits


async def create_group(desk: Desk, asked: Asked, tenant_id: UUID, name: str) -> Done[GroupState]:
    """Adds a group and opens its accounts, all at zero. Refuses `invalid_input`, `name_taken`."""
    check_permission(asked.actor, Permission.CREATE_GROUP)
    check_shown_name(name, field="name")
    group = Group(new_uuid(), name, is_default=False)
    command = OpenGroup(actor_id=asked.actor.identity, group_id=group.group_id)

    async def act(transaction: Transaction) -> GroupState:
        await post_one(transaction, desk, tenant_id, command, Changed)
        if not await insert_group(transaction, tenant_id, group.group_id, name=name, is_default=False):
            raise _name_taken()
        told = Told("group_created", Subject("group", group.group_id), changes={"name": Change(None, name)})
        await record(transaction, desk, asked, tenant_id, told)
        return GroupState(group, await group_columns(transaction, tenant_id, group.group_id, desk.clock.of_ledger))

    return await once(desk, asked, tenant_id, GroupState, act)


async def rename_group(desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, name: str) -> Done[Group]:
    """Gives a group another name. Refuses `invalid_input`, `group_unknown`, `group_is_default`, `name_taken`.

    Rule: GROUP-6
    """
    check_permission(asked.actor, Permission.CREATE_GROUP)
    check_shown_name(name, field="name")

    async def act(transaction: Transaction) -> Group:
        # The lock under which groups are made and renamed, so that whoever has the name now has it then.
        await lock_books(transaction, tenant_id)
        before = await known_group(transaction, tenant_id, group_id)
        if before.is_default:
            raise Refusal("group_is_default", "The group Default keeps its name.", field="group_id")
        namesake = await find_group_by_name(transaction, tenant_id, name)
        if namesake is not None and namesake.group_id != group_id:
            raise _name_taken()
        if name != before.name:
            await update_group_name(transaction, tenant_id, group_id, name)
            told = Told("group_renamed", Subject("group", group_id), changes={"name": Change(before.name, name)})
            await record(transaction, desk, asked, tenant_id, told)
        return replace(before, name=name)

    return await once(desk, asked, tenant_id, Group, act)


async def share_group(
    desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, *, is_shared: bool
) -> Done[GroupShared]:
    """Lets a group's members spend what it has left when their own is used up, or no longer. Refuses `group_unknown`.

    Rule: GROUP-3
    """
    check_permission(asked.actor, Permission.SET_MONTHLY)
    command = ShareGroup(actor_id=asked.actor.identity, group_id=group_id, is_shared=is_shared)

    async def act(transaction: Transaction) -> GroupShared:
        await lock_books(transaction, tenant_id)
        await known_group(transaction, tenant_id, group_id)
        before = (await group_figures(transaction, tenant_id, group_id, desk.clock.of_ledger)).is_shared
        if is_shared != before:
            await post_one(transaction, desk, tenant_id, command, Changed)
            changes = {"is_shared": Change(_switch(before), _switch(is_shared))}
            told = Told("group_shared", Subject("group", group_id), changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return GroupShared(group_id, is_shared)

    return await once(desk, asked, tenant_id, GroupShared, act)


async def delete_group(desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID) -> Done[DeletedGroup]:
    """Deletes a group that nobody is in: what it had goes back. Refuses `group_unknown`, `group_is_default`,
    `group_not_empty`.

    Its price factor goes with it, since nobody's calls are priced by it any more. Requests of those who were moved out
    of it stay open, and are decided in the group that they are in then.

    Rule: GROUP-2, GROUP-7
    """
    check_permission(asked.actor, Permission.CREATE_GROUP)
    command = CloseGroup(actor_id=asked.actor.identity, transfer_id=new_uuid(), group_id=group_id)

    async def act(transaction: Transaction) -> DeletedGroup:
        await lock_books(transaction, tenant_id)
        group = await known_group(transaction, tenant_id, group_id)
        figures = await group_figures(transaction, tenant_id, group_id, desk.clock.of_ledger)
        closed = await post_one(transaction, desk, tenant_id, command, Changed)
        await lock_price_factors(transaction, tenant_id)
        factor = await find_price_factor(transaction, tenant_id, group_id)
        if factor is not None:
            await delete_price_factor(transaction, tenant_id, group_id)
        await update_group_deleted(transaction, tenant_id, group_id, now=desk.clock.now())
        gone = DeletedGroup(group_id, group.name, Credits(closed.moved_micro), figures.monthly)
        detail: dict[str, str | None] = {"returned": str(gone.returned), "monthly": str(gone.monthly)}
        if factor is not None:
            detail["price_factor"] = str(factor)
        told = Told(
            "group_deleted", Subject("group", group_id), detail=detail, changes={"name": Change(group.name, None)}
        )
        await record(transaction, desk, asked, tenant_id, told)
        return gone

    return await once(desk, asked, tenant_id, DeletedGroup, act)


async def known_group(transaction: Transaction, tenant_id: UUID, group_id: UUID) -> Group:
    """The group with this id, locked. Refuses `group_unknown`.

    Rule: GROUP-4
    """
    group = await lock_group(transaction, tenant_id, group_id)
    if group is None:
        raise Refusal("group_unknown", "There is no such group.", field="group_id")
    return group


def _name_taken() -> Refusal:
    return Refusal("name_taken", "There is a group of this name already.", field="name")


def _switch(is_on: bool) -> str:
    return "on" if is_on else "off"
