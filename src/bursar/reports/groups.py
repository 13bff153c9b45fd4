"""The table of groups: what each was given, handed out, used and still has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import ZERO, Credits
from bursar.domain.refusals import Refusal
from bursar.ledger import Clock, GroupColumns, group_columns, list_group_columns
from bursar.store.groups import (
    Group,
    count_groups,
    find_group,
    find_groups_by_words,
    list_groups,
    list_reserves_used,
)


@dataclass(frozen=True)
class GroupRow:
    """One group with its columns, and what of its reserve is used up in the running cycle."""

    group: Group
    columns: GroupColumns
    reserve_used: Credits

    @property
    def auto_approve_left(self) -> Credits:
        """What can still be approved automatically in this cycle; nothing where the reserve was lowered below it.

        Rule: GROUP-10
        """
        return max(self.group.auto_approve - self.reserve_used, ZERO)


@dataclass(frozen=True)
class GroupPage:
    """Some groups, and how many there are in all."""

    rows: list[GroupRow]
    total: int


async def see_groups(
    database: Database, tenant_id: UUID, clock: Clock, *, search: str | None, after: UUID | None, limit: int
) -> GroupPage:
    """A page of groups in the order they were made. Refuses `tenant_unknown`.

    Rule: GROUP-9
    """
    async with reading(database, tenant_id) as transaction:
        found = await find_groups_by_words(transaction, tenant_id, search)
        rows = await list_group_rows(transaction, tenant_id, clock, among=found, after=after, limit=limit)
        return GroupPage(rows, await count_groups(transaction, tenant_id) if found is None else len(found))


async def list_group_rows(
    transaction: Transaction,
    tenant_id: UUID,
    clock: Clock,
    *,
    among: Sequence[UUID] | None,
    after: UUID | None,
    limit: int,
) -> list[GroupRow]:
    """The same page, of these groups or, for None, of all: for an answer that shows other figures of the same moment
    beside it."""
    groups = await list_groups(transaction, tenant_id, among=among, after=after, limit=limit)
    group_ids = [group.group_id for group in groups]
    columns = await list_group_columns(transaction, tenant_id, group_ids, clock)
    epoch = next((found.figures.epoch for found in columns.values()), 0)
    used = await list_reserves_used(transaction, tenant_id, group_ids, epoch=epoch)
    return [GroupRow(group, columns[group.group_id], used.get(group.group_id, ZERO)) for group in groups]


async def see_group(database: Database, tenant_id: UUID, group_id: UUID, clock: Clock) -> GroupRow:
    """One group. Refuses `tenant_unknown`, `group_unknown`."""
    async with reading(database, tenant_id) as transaction:
        group = await find_group(transaction, tenant_id, group_id)
        columns = await group_columns(transaction, tenant_id, group_id, clock)
        if group is None:
            raise Refusal("group_unknown", "There is no such group.", field="group_id")
        used = await list_reserves_used(transaction, tenant_id, [group_id], epoch=columns.figures.epoch)
    return GroupRow(group, columns, used.get(group_id, ZERO))
