"""What prices are multiplied with in a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.costs import Factor
from bursar.domain.refusals import Refusal
from bursar.store.price_factors import GroupFactor, find_price_factor, list_group_factors
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class FactorPage:
    """The tenant's own factor, None for one; and groups with factors of their own."""

    tenant: Factor | None
    groups: list[GroupFactor]


async def see_price_factors(database: Database, tenant_id: UUID, *, after: UUID | None, limit: int) -> FactorPage:
    """The tenant's factor and a page of those of its groups. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        if await get_tenant(transaction, tenant_id) is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        return FactorPage(
            await find_price_factor(transaction, tenant_id, tenant_id),
            await list_group_factors(transaction, tenant_id, after=after, limit=limit),
        )
