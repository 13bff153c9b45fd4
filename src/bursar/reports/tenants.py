"""The platform's list of tenants."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.store.tenants import Tenant, count_tenants, list_tenants


@dataclass(frozen=True)
class TenantPage:
    """Some tenants, and how many there are in all."""

    tenants: list[Tenant]
    total: int


async def see_tenants(platform: Database, *, after: UUID | None, limit: int) -> TenantPage:
    """A page of tenants in the order they were made."""
    async with platform_reading(platform) as transaction:
        return TenantPage(await list_tenants(transaction, after=after, limit=limit), await count_tenants(transaction))
