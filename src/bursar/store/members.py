"""The people of a tenant. Their credits are the ledger's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Member:
    """One person or service account of a tenant."""

    member_id: UUID
    number: int
    username: str
    display_name: str
    email: str | None
    role: str
    status: str
    group_id: UUID
    created_at: datetime


@dataclass(frozen=True)
class MemberFilter:
    """Which members a page shows: part of a name or address, and one group, or all."""

    search: str | None = None
    group_id: UUID | None = None


async def insert_member(
    transaction: Transaction, tenant_id: UUID, member: Member, *, password_hash: str | None
) -> None:
    """Adds a person to a tenant."""
    await transaction.execute(
        """
        insert into members
            (tenant_id, member_id, number, username, display_name, email, password_hash, role, status, group_id,
             created_at, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
        """,
        tenant_id,
        member.member_id,
        member.number,
        member.username,
        member.display_name,
        member.email,
        password_hash,
        member.role,
        member.status,
        member.group_id,
        member.created_at,
    )


async def find_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Member | None:
    """The member of this tenant with this id."""
    row = await transaction.fetchrow(
        """
        select member_id, number, username, display_name, email, role, status, group_id, created_at
        from members
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else Member(**dict(row))


async def list_members(
    transaction: Transaction, tenant_id: UUID, wanted: MemberFilter, *, after: int | None, limit: int
) -> list[Member]:
    """Members by number, those after number `after`; deleted ones are left out."""
    rows = await transaction.fetch(
        """
        select member_id, number, username, display_name, email, role, status, group_id, created_at
        from members
        where tenant_id = $1
          and status <> 'deleted'
          and ($2::text is null
               or strpos(lower(username), $2) > 0
               or strpos(lower(display_name), $2) > 0
               or strpos(lower(email), $2) > 0)
          and ($3::uuid is null or group_id = $3)
          and ($4::bigint is null or number > $4)
        order by number
        limit $5
        """,
        tenant_id,
        wanted.search.lower() if wanted.search else None,
        wanted.group_id,
        after,
        limit,
    )
    return [Member(**dict(row)) for row in rows]


async def count_members(transaction: Transaction, tenant_id: UUID, wanted: MemberFilter) -> int:
    """How many members the filter lets through, on all pages."""
    count = await transaction.fetchval(
        """
        select count(*)
        from members
        where tenant_id = $1
          and status <> 'deleted'
          and ($2::text is null
               or strpos(lower(username), $2) > 0
               or strpos(lower(display_name), $2) > 0
               or strpos(lower(email), $2) > 0)
          and ($3::uuid is null or group_id = $3)
        """,
        tenant_id,
        wanted.search.lower() if wanted.search else None,
        wanted.group_id,
    )
    return int(count)
