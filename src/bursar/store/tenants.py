"""The organisations. What they own is the ledger's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Tenant:
    """One organisation."""

    tenant_id: UUID
    name: str
    status: str
    created_at: datetime


async def insert_tenant(transaction: Transaction, tenant: Tenant) -> None:
    """Adds an organisation."""
    await transaction.execute(
        """
        insert into tenants (tenant_id, name, status, created_at)
        values ($1, $2, $3, $4)
        """,
        tenant.tenant_id,
        tenant.name,
        tenant.status,
        tenant.created_at,
    )


async def get_tenant(transaction: Transaction, tenant_id: UUID) -> Tenant | None:
    """The organisation with this id."""
    row = await transaction.fetchrow(
        """
        select tenant_id, name, status, created_at
        from tenants
        where tenant_id = $1
        """,
        tenant_id,
    )
    return None if row is None else Tenant(**dict(row))


async def list_tenants(transaction: Transaction, *, after: UUID | None, limit: int) -> list[Tenant]:
    """Organisations of the whole platform in the order they were made, those after `after`."""
    rows = await transaction.fetch(
        """
        select tenant_id, name, status, created_at
        from tenants
        where $1::uuid is null or tenant_id > $1
        order by tenant_id
        limit $2
        """,
        after,
        limit,
    )
    return [Tenant(**dict(row)) for row in rows]


async def count_tenants(transaction: Transaction) -> int:
    """How many organisations the platform has."""
    return int(await transaction.fetchval("select count(*) from tenants"))


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


async def list_tenants_named(transaction: Transaction, name: str, tenant_id: UUID | None) -> list[Tenant]:
    """Organisations with this name in any spelling, or with this id; two are enough to know a name is not unique."""
    rows = await transaction.fetch(
        """
        select tenant_id, name, status, created_at
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
