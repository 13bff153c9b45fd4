"""The groups of a tenant: their names. Their budgets and balances are the ledger's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction

DEFAULT_GROUP_NAME = "Default"


@dataclass(frozen=True)
class Group:
    """One group; `member_count` leaves deleted members out."""

    group_id: UUID
    name: str
    is_default: bool
    member_count: int = 0


async def insert_group(
    transaction: Transaction, tenant_id: UUID, group_id: UUID, *, name: str, is_default: bool
) -> bool:
    """Adds a group; False if the tenant has one of this name already."""
    row = await transaction.fetchrow(
        """
        insert into groups (tenant_id, group_id, name, is_default)
        values ($1, $2, $3, $4)
        on conflict (tenant_id, lower(name)) do nothing
        returning group_id
        """,
        tenant_id,
        group_id,
        name,
        is_default,
    )
    return row is not None


async def find_group(transaction: Transaction, tenant_id: UUID, group_id: UUID) -> Group | None:
    """The group of this tenant with this id."""
    row = await transaction.fetchrow(
        """
        select group_id, name, is_default
        from groups
        where tenant_id = $1
          and group_id = $2
        """,
        tenant_id,
        group_id,
    )
    return None if row is None else Group(**dict(row))


async def get_default_group_id(transaction: Transaction, tenant_id: UUID) -> UUID:
    """The group that every tenant has."""
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


async def list_groups(transaction: Transaction, tenant_id: UUID, *, after: UUID | None, limit: int) -> list[Group]:
    """Groups of this tenant in the order they were made, with the number of members in each."""
    rows = await transaction.fetch(
        """
        select groups.group_id, groups.name, groups.is_default,
               (select count(*) from members
                where members.tenant_id = $1
                  and members.group_id = groups.group_id
                  and members.status <> 'deleted') as member_count
        from groups
        where groups.tenant_id = $1
          and ($2::uuid is null or groups.group_id > $2)
        order by groups.group_id
        limit $3
        """,
        tenant_id,
        after,
        limit,
    )
    return [Group(**dict(row)) for row in rows]


async def find_group_by_name(transaction: Transaction, tenant_id: UUID, name: str) -> Group | None:
    """The group of this tenant with this name, in any spelling."""
    row = await transaction.fetchrow(
        """
        select group_id, name, is_default
        from groups
        where tenant_id = $1
          and lower(name) = lower($2)
        """,
        tenant_id,
        name,
    )
    return None if row is None else Group(**dict(row))
