"""The groups of a tenant: their names and reserves. Their budgets and balances are the ledger's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import ZERO, Credits
from bursar.domain.search import folded, search_words

DEFAULT_GROUP_NAME = "Default"


@dataclass(frozen=True)
class Group:
    """One group that is not deleted; `auto_approve` is how much of what its members ask for is approved by itself in
    each cycle.
    """

    group_id: UUID
    name: str
    is_default: bool
    auto_approve: Credits = ZERO


async def insert_group(
    transaction: Transaction, tenant_id: UUID, group_id: UUID, *, name: str, is_default: bool
) -> bool:
    """Adds a group; False if the tenant has one of this name already."""
    row = await transaction.fetchrow(
        """
        insert into groups (tenant_id, group_id, name, is_default)
        values ($1, $2, $3, $4)
        on conflict (tenant_id, lower(name)) where deleted_at is null do nothing
        returning group_id
        """,
        tenant_id,
        group_id,
        name,
        is_default,
    )
    return row is not None


async def find_group(transaction: Transaction, tenant_id: UUID, group_id: UUID) -> Group | None:
    """The group of this tenant with this id, unless it is deleted."""
    row = await transaction.fetchrow(
        """
        select group_id, name, is_default, auto_approve_micro
        from groups
        where tenant_id = $1
          and group_id = $2
          and deleted_at is null
        """,
        tenant_id,
        group_id,
    )
    return None if row is None else _group(*row)


async def lock_group(transaction: Transaction, tenant_id: UUID, group_id: UUID) -> Group | None:
    """The group of this tenant with this id, which nobody else changes until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select group_id, name, is_default, auto_approve_micro
        from groups
        where tenant_id = $1
          and group_id = $2
          and deleted_at is null
        for no key update
        """,
        tenant_id,
        group_id,
    )
    return None if row is None else _group(*row)


async def get_default_group_id(transaction: Transaction, tenant_id: UUID) -> UUID:
    """The group that every tenant has, and whoever was put nowhere is in.

    Rule: GROUP-8
    """
    group_id: UUID = await transaction.fetchval(
        """
        select group_id
        from groups
        where tenant_id = $1
          and is_default
        """,
        tenant_id,
    )
    return group_id


async def find_groups_by_words(transaction: Transaction, tenant_id: UUID, search: str | None) -> list[UUID] | None:
    """The groups whose names have all words of the search; None, if there are no words, is all of them.

    A tenant has few groups, so each name is looked into when somebody looks, as a search looks into those of people.

    Rule: GROUP-9
    """
    words = search_words(search or "")
    if not words:
        return None
    rows = await transaction.fetch(
        """
        select group_id, name
        from groups
        where tenant_id = $1
          and deleted_at is null
        """,
        tenant_id,
    )
    names = ((row["group_id"], folded(row["name"])) for row in rows)
    return [group_id for group_id, name in names if all(word in name for word in words)]


async def list_groups(
    transaction: Transaction, tenant_id: UUID, *, among: Sequence[UUID] | None, after: UUID | None, limit: int
) -> list[Group]:
    """Groups of this tenant, of these or, for None, of all, in the order they were made, those after `after`.

    Rule: GROUP-9
    """
    rows = await transaction.fetch(
        """
        select group_id, name, is_default, auto_approve_micro
        from groups
        where tenant_id = $1
          and ($2::uuid[] is null or group_id = any($2))
          and deleted_at is null
          and ($3::uuid is null or group_id > $3)
        order by group_id
        limit $4
        """,
        tenant_id,
        None if among is None else list(among),
        after,
        limit,
    )
    return [_group(*row) for row in rows]


async def count_groups(transaction: Transaction, tenant_id: UUID) -> int:
    """How many groups this tenant has."""
    count: int = await transaction.fetchval(
        """
        select count(*)
        from groups
        where tenant_id = $1
          and deleted_at is null
        """,
        tenant_id,
    )
    return count


async def list_group_names(transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What these groups of the tenant are called, by id."""
    rows = await transaction.fetch(
        """
        select group_id, name
        from groups
        where tenant_id = $1
          and group_id = any($2::uuid[])
        """,
        tenant_id,
        list(group_ids),
    )
    return {row["group_id"]: row["name"] for row in rows}


async def list_groups_by_id(transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID]) -> list[Group]:
    """Those of these groups that are not deleted."""
    rows = await transaction.fetch(
        """
        select group_id, name, is_default, auto_approve_micro
        from groups
        where tenant_id = $1
          and group_id = any($2::uuid[])
          and deleted_at is null
        """,
        tenant_id,
        list(group_ids),
    )
    return [_group(*row) for row in rows]


async def list_reserves_used(
    transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID], *, epoch: int
) -> dict[UUID, Credits]:
    """What was approved automatically in this cycle out of these groups' reserves, by group; none is nothing."""
    rows = await transaction.fetch(
        """
        select group_id, sum(approved_micro)::bigint as approved_micro
        from credit_requests
        where tenant_id = $1
          and group_id = any($2::uuid[])
          and epoch = $3
          and status = 'auto_approved'
        group by group_id
        """,
        tenant_id,
        list(group_ids),
        epoch,
    )
    return {row["group_id"]: Credits(row["approved_micro"]) for row in rows}


async def find_group_by_name(transaction: Transaction, tenant_id: UUID, name: str) -> Group | None:
    """The group of this tenant with this name, in any spelling."""
    row = await transaction.fetchrow(
        """
        select group_id, name, is_default, auto_approve_micro
        from groups
        where tenant_id = $1
          and lower(name) = lower($2)
          and deleted_at is null
        """,
        tenant_id,
        name,
    )
    return None if row is None else _group(*row)


async def update_group_name(transaction: Transaction, tenant_id: UUID, group_id: UUID, name: str) -> None:
    """Writes a group's name, which no other group of the tenant may have."""
    await transaction.execute(
        """
        update groups
        set name = $3
        where tenant_id = $1
          and group_id = $2
        """,
        tenant_id,
        group_id,
        name,
    )


async def update_auto_approve(transaction: Transaction, tenant_id: UUID, group_id: UUID, reserve: Credits) -> None:
    """Writes how much of the group's requests is approved by itself in each cycle."""
    await transaction.execute(
        """
        update groups
        set auto_approve_micro = $3
        where tenant_id = $1
          and group_id = $2
        """,
        tenant_id,
        group_id,
        reserve.micro,
    )


async def update_group_deleted(transaction: Transaction, tenant_id: UUID, group_id: UUID, *, now: datetime) -> None:
    """Takes a group off every list; the row stays, for what goes on naming it."""
    await transaction.execute(
        """
        update groups
        set deleted_at = $3
        where tenant_id = $1
          and group_id = $2
        """,
        tenant_id,
        group_id,
        now,
    )


def _group(group_id: UUID, name: str, is_default: bool, auto_approve_micro: int) -> Group:
    return Group(group_id, name, is_default, Credits(auto_approve_micro))
