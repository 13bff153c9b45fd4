"""The organisations. What they own is the ledger's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits


@dataclass(frozen=True)
class Tenant:
    """One organisation."""

    tenant_id: UUID
    name: str
    status: str
    created_at: datetime
    display: str = "credits"
    contact: str | None = None


@dataclass(frozen=True)
class TenantAdmin:
    """Somebody who runs an organisation, and how many do."""

    tenant_id: UUID
    member_id: UUID
    display_name: str
    status: str
    count: int


@dataclass(frozen=True)
class TenantFilter:
    """Which organisations are meant: by a part of the name in any spelling, and by status."""

    search: str | None = None
    status: str | None = None


async def insert_tenant(transaction: Transaction, tenant: Tenant, *, credit_factor: Credits) -> None:
    """Adds an organisation that converts a call's cost with this factor."""
    await transaction.execute(
        """
        insert into tenants (tenant_id, name, status, created_at, credit_factor_micro)
        values ($1, $2, $3, $4, $5)
        """,
        tenant.tenant_id,
        tenant.name,
        tenant.status,
        tenant.created_at,
        credit_factor.micro,
    )


async def get_tenant(transaction: Transaction, tenant_id: UUID) -> Tenant | None:
    """The organisation with this id."""
    row = await transaction.fetchrow(
        """
        select tenant_id, name, status, created_at, display, contact
        from tenants
        where tenant_id = $1
        """,
        tenant_id,
    )
    return None if row is None else Tenant(**dict(row))


async def lock_tenant(transaction: Transaction, tenant_id: UUID) -> Tenant | None:
    """The organisation with this id, which nobody else changes until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select tenant_id, name, status, created_at, display, contact
        from tenants
        where tenant_id = $1
        for no key update
        """,
        tenant_id,
    )
    return None if row is None else Tenant(**dict(row))


async def update_tenant(transaction: Transaction, tenant: Tenant) -> None:
    """Writes name, status, display and contact."""
    await transaction.execute(
        """
        update tenants
        set name = $2,
            status = $3,
            display = $4,
            contact = $5
        where tenant_id = $1
        """,
        tenant.tenant_id,
        tenant.name,
        tenant.status,
        tenant.display,
        tenant.contact,
    )


async def list_tenants(
    transaction: Transaction, wanted: TenantFilter, *, after: UUID | None, limit: int
) -> list[Tenant]:
    """Organisations of the whole platform in the order they were made, those after `after`."""
    rows = await transaction.fetch(
        """
        select tenant_id, name, status, created_at, display, contact
        from tenants
        where ($1::uuid is null or tenant_id > $1)
          and ($2::text is null or strpos(lower(name), lower($2)) > 0)
          and ($3::text is null or status = $3)
        order by tenant_id
        limit $4
        """,
        after,
        wanted.search,
        wanted.status,
        limit,
    )
    return [Tenant(**dict(row)) for row in rows]


async def count_tenants(transaction: Transaction, wanted: TenantFilter) -> int:
    """How many organisations of the whole platform the filter lets through."""
    count = await transaction.fetchval(
        """
        select count(*)
        from tenants
        where ($1::text is null or strpos(lower(name), lower($1)) > 0)
          and ($2::text is null or status = $2)
        """,
        wanted.search,
        wanted.status,
    )
    return int(count)


async def take_member_number(transaction: Transaction, tenant_id: UUID) -> int:
    """The next member's number in this tenant. Holds the tenant's row until the transaction ends."""
    number = await transaction.fetchval(
        """
        update tenants
        set next_member_number = next_member_number + 1
        where tenant_id = $1
        returning next_member_number - 1
        """,
        tenant_id,
    )
    return int(number)


async def list_tenant_admins(
    transaction: Transaction, tenant_ids: Sequence[UUID], *, per_tenant: int
) -> list[TenantAdmin]:
    """The first few tenant admins of each of these organisations, and how many it has, those disabled included."""
    rows = await transaction.fetch(
        """
        select tenant_id, member_id, display_name, status, count
        from (
            select tenant_id, member_id, display_name, status,
                row_number() over (partition by tenant_id order by number) as place,
                count(*) over (partition by tenant_id) as count
            from members
            where tenant_id = any($1::uuid[])
              and role = 'tenant_admin'
              and status <> 'deleted'
        ) as admins
        where place <= $2
        order by tenant_id, place
        """,
        tenant_ids,
        per_tenant,
    )
    return [TenantAdmin(**dict(row)) for row in rows]


async def list_tenants_named(transaction: Transaction, name: str, tenant_id: UUID | None) -> list[Tenant]:
    """Organisations with this name in any spelling, or with this id; two are enough to know a name is not unique."""
    rows = await transaction.fetch(
        """
        select tenant_id, name, status, created_at, display, contact
        from tenants
        where lower(name) = lower($1)
           or tenant_id = $2
        order by tenant_id
        limit 2
        """,
        name,
        tenant_id,
    )
    return [Tenant(**dict(row)) for row in rows]
