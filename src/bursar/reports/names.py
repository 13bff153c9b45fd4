"""What people and things are called, looked up by id when somebody reads of them: one statement, however many.

A deleted member keeps a number and nothing else, so that is the name under which books and logs go on telling of them.

Rule: AUDIT-5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.people import name_after_deletion
from bursar.domain.roles import Role


@dataclass(frozen=True)
class Named:
    """What somebody or something is called now; of a person who is still there, also the role."""

    name: str
    role: Role | None = None


@dataclass(frozen=True)
class Party:
    """A member or a group as the books' readers see it. A deleted member is its number, without an address."""

    noun: Literal["member", "group"]
    name: str
    email: str | None
    status: str


@dataclass(frozen=True)
class NamedKey:
    """An API key as usage tells of it: what it is called, how its secret begins, and whether it still is."""

    name: str
    prefix: str
    status: str


async def list_key_names(transaction: Transaction, tenant_id: UUID, ids: set[UUID]) -> Mapping[UUID, NamedKey]:
    """The keys of the tenant among these, deleted ones included: usage goes on naming them.

    Rule: USAGE-1
    """
    rows = await transaction.fetch(
        """
        select key_id, name, prefix, status
        from api_keys
        where tenant_id = $1
          and key_id = any($2::uuid[])
        """,
        tenant_id,
        list(ids),
    )
    return {row["key_id"]: NamedKey(row["name"], row["prefix"], row["status"]) for row in rows}


async def list_parties(transaction: Transaction, tenant_id: UUID, ids: set[UUID]) -> Mapping[UUID, Party]:
    """The members and groups of the tenant among these, deleted ones included.

    Rule: TRANSACTION-3
    """
    rows = await transaction.fetch(
        """
        select member_id as id, 'member' as noun, display_name as name, email, status,
               case when status = 'deleted' then number end as deleted
        from members
        where tenant_id = $1
          and member_id = any($2::uuid[])
        union all
        select group_id, 'group', name, null, case when deleted_at is null then 'active' else 'deleted' end, null
        from groups
        where tenant_id = $1
          and group_id = any($2::uuid[])
        """,
        tenant_id,
        list(ids),
    )
    return {
        row["id"]: Party(row["noun"], row["name"], row["email"], row["status"])
        if row["deleted"] is None
        else Party("member", name_after_deletion(row["deleted"]), None, row["status"])
        for row in rows
    }


async def list_names(transaction: Transaction, tenant_id: UUID, ids: set[UUID]) -> Mapping[UUID, Named]:
    """The names of these members, groups, keys, invitations and orders of the tenant, of codes that it redeemed, and
    its own. Ids of others have none."""
    rows = await transaction.fetch(
        """
        select member_id as id, display_name as name, role, case when status = 'deleted' then number end as deleted
        from members
        where tenant_id = $1
          and member_id = any($2::uuid[])
        union all
        select group_id, name, null, null
        from groups
        where tenant_id = $1
          and group_id = any($2::uuid[])
        union all
        select tenant_id, name, null, null
        from tenants
        where tenant_id = $1
          and tenant_id = any($2::uuid[])
        union all
        select key_id, name, null, null
        from api_keys
        where tenant_id = $1
          and key_id = any($2::uuid[])
        union all
        select code_id, '…' || last_four, null, null
        from redemption_codes
        where code_id = any($2::uuid[])
        union all
        select purchase_id, 'Order ' || number, null, null
        from purchases
        where tenant_id = $1
          and purchase_id = any($2::uuid[])
        union all
        -- Whom an invitation made a member may be gone again, and then the address has to go as well.
        select invitations.invitation_id, invitations.email, null,
               case when members.status = 'deleted' then members.number end
        from invitations
        left join members on members.tenant_id = $1 and members.member_id = invitations.member_id
        where invitations.tenant_id = $1
          and invitations.invitation_id = any($2::uuid[])
        """,
        tenant_id,
        list(ids),
    )
    return {
        row["id"]: Named(row["name"], None if row["role"] is None else Role(row["role"]))
        if row["deleted"] is None
        else Named(name_after_deletion(row["deleted"]))
        for row in rows
    }


async def list_platform_names(transaction: Transaction, ids: set[UUID]) -> Mapping[UUID, Named]:
    """The names of these super admins, tenants, prices and codes; a batch of codes has its note for a name, if any."""
    rows = await transaction.fetch(
        """
        select admin_id as id, display_name as name, true as is_admin
        from platform_admins
        where admin_id = any($1::uuid[])
        union all
        select tenant_id, name, false
        from tenants
        where tenant_id = any($1::uuid[])
        union all
        select code_id, '…' || last_four, false
        from redemption_codes
        where code_id = any($1::uuid[])
        union all
        select price_id, provider || ' ' || model, false
        from model_prices
        where price_id = any($1::uuid[])
        union all
        (
            select distinct on (batch_id) batch_id, note, false
            from redemption_codes
            where batch_id = any($1::uuid[])
              and note is not null
        )
        """,
        list(ids),
    )
    return {row["id"]: Named(row["name"], Role.SUPER_ADMIN if row["is_admin"] else None) for row in rows}


async def list_member_names(transaction: Transaction, members: set[tuple[UUID, UUID]]) -> Mapping[UUID, str]:
    """The names of these members of whatever tenants, each named with its tenant."""
    rows = await transaction.fetch(
        """
        select member.member_id, member.display_name,
               case when member.status = 'deleted' then member.number end as deleted
        from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, member_id)
        join members as member
          on member.tenant_id = wanted.tenant_id
         and member.member_id = wanted.member_id
        """,
        [tenant_id for tenant_id, _ in members],
        [member_id for _, member_id in members],
    )
    return {
        row["member_id"]: row["display_name"] if row["deleted"] is None else name_after_deletion(row["deleted"])
        for row in rows
    }
