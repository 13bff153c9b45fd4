"""The people of a tenant. Their credits are the ledger's; looking for some of them is in `member_search`.

A deleted member keeps its row, for the books, and is found by nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.people import name_after_deletion, username_after_deletion
from bursar.domain.search import search_text_of

IDS_AT_A_TIME = 10_000
"""So many ids go to the database and back in a few milliseconds."""


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
    job_title: str | None = None
    is_service_account: bool = False


COLUMNS = """
    member_id, number, username, display_name, email, role, status, group_id, created_at, job_title,
    kind = 'service_account' as is_service_account
"""
"""The columns of a `Member`."""


async def insert_member(
    transaction: Transaction, tenant_id: UUID, member: Member, *, password_hash: str | None
) -> None:
    """Adds a person or a service account to a tenant."""
    await transaction.execute(
        """
        insert into members
            (tenant_id, member_id, number, username, display_name, email, password_hash, role, status, group_id,
             job_title, created_at, changed_at, kind, search_text)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14)
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
        member.job_title,
        member.created_at,
        "service_account" if member.is_service_account else "person",
        _search_text(member),
    )


async def find_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Member | None:
    """The member of this tenant with this id."""
    row = await transaction.fetchrow(
        f"""
        select {COLUMNS}
        from members
        where tenant_id = $1
          and member_id = $2
          and status <> 'deleted'
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else Member(**dict(row))


async def lock_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Member | None:
    """The member with this id, whose row nobody else changes until the transaction ends."""
    row = await transaction.fetchrow(
        f"""
        select {COLUMNS}
        from members
        where tenant_id = $1
          and member_id = $2
          and status <> 'deleted'
        for no key update
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else Member(**dict(row))


async def list_display_names(transaction: Transaction, tenant_id: UUID, member_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What these members of the tenant are called, by id."""
    rows = await transaction.fetch(
        """
        select member_id, display_name
        from members
        where tenant_id = $1
          and member_id = any($2::uuid[])
        """,
        tenant_id,
        list(member_ids),
    )
    return {row["member_id"]: row["display_name"] for row in rows}


async def list_members_among(transaction: Transaction, tenant_id: UUID, member_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are ids of this tenant's members, deleted ones included.

    Asked some at a time: to read and write a hundred thousand ids at once would keep every call waiting meanwhile.
    """
    found: set[UUID] = set()
    for start in range(0, len(member_ids), IDS_AT_A_TIME):
        among = await transaction.fetchval(
            """
            select array_agg(member_id)
            from members
            where tenant_id = $1
              and member_id = any($2::uuid[])
            """,
            tenant_id,
            member_ids[start : start + IDS_AT_A_TIME],
        )
        found.update(among or ())
    return found


async def has_other_tenant_admin(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> bool:
    """Whether somebody beside this member runs the tenant and is active."""
    return bool(
        await transaction.fetchval(
            """
            select exists (
                select from members
                where tenant_id = $1
                  and role = 'tenant_admin'
                  and status = 'active'
                  and member_id <> $2
            )
            """,
            tenant_id,
            member_id,
        )
    )


async def update_member(transaction: Transaction, tenant_id: UUID, member: Member, *, now: datetime) -> None:
    """Writes what can be changed of a member: names, address, title, role, status and group."""
    await transaction.execute(
        """
        update members
        set username = $3,
            display_name = $4,
            email = $5,
            job_title = $6,
            role = $7,
            status = $8,
            group_id = $9,
            search_text = $10,
            changed_at = $11
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member.member_id,
        member.username,
        member.display_name,
        member.email,
        member.job_title,
        member.role,
        member.status,
        member.group_id,
        _search_text(member),
        now,
    )


async def update_password_hash(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, password_hash: str, *, now: datetime
) -> None:
    """Gives the member another password."""
    await transaction.execute(
        """
        update members
        set password_hash = $3,
            changed_at = $4
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
        password_hash,
        now,
    )


async def update_member_deleted(transaction: Transaction, tenant_id: UUID, member: Member, *, now: datetime) -> None:
    """Leaves of a member what the books need to name: the number, and a name made from it."""
    await transaction.execute(
        """
        update members
        set status = 'deleted',
            deleted_at = $3,
            changed_at = $3,
            username = $4,
            display_name = $5,
            email = null,
            password_hash = null,
            job_title = null,
            search_text = ''
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member.member_id,
        now,
        username_after_deletion(member.number),
        name_after_deletion(member.number),
    )


def _search_text(member: Member) -> str:
    return search_text_of(username=member.username, display_name=member.display_name, email=member.email)
