"""The platform's tenants: the bare list, and the list with who runs each and what it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading, reading_several
from bursar.domain.refusals import Refusal
from bursar.ledger import Clock, TenantFigures, list_tenant_figures
from bursar.store.tenants import (
    Tenant,
    TenantAdmin,
    TenantFilter,
    count_tenants,
    get_tenant,
    list_tenant_admins,
    list_tenants,
)

ADMINS_SHOWN = 3
"""How many tenant admins a row names: most tenants have one or two."""


@dataclass(frozen=True)
class TenantPage:
    """Some tenants, and how many there are in all."""

    tenants: list[Tenant]
    total: int


@dataclass(frozen=True)
class TenantRow:
    """One tenant, its first few tenant admins, and what it has."""

    tenant: Tenant
    figures: TenantFigures
    admins: list[TenantAdmin] = field(default_factory=list)

    @property
    def admin_count(self) -> int:
        """How many tenant admins there are, shown or not."""
        return self.admins[0].count if self.admins else 0


@dataclass(frozen=True)
class TenantRows:
    """Some tenants with their figures, and how many the filter lets through in all."""

    rows: list[TenantRow]
    total: int


async def see_tenants(platform: Database, *, after: UUID | None, limit: int) -> TenantPage:
    """A page of tenants in the order they were made."""
    everyone = TenantFilter()
    async with platform_reading(platform) as transaction:
        tenants = await list_tenants(transaction, everyone, after=after, limit=limit)
        return TenantPage(tenants, await count_tenants(transaction, everyone))


@dataclass(frozen=True)
class TenantLooker:
    """What looking at tenants takes: the platform's view of who there is, and the tenants' own rows."""

    platform: Database
    tenants: Database
    clock: Clock


async def see_tenant_rows(looker: TenantLooker, wanted: TenantFilter, *, after: UUID | None, limit: int) -> TenantRows:
    """A page of tenants in the order they were made, with figures of one moment.

    Rule: TENANT-5
    """
    async with platform_reading(looker.platform) as transaction:
        tenants = await list_tenants(transaction, wanted, after=after, limit=limit)
        total = await count_tenants(transaction, wanted)
    return TenantRows(await _rows(looker, tenants), total)


async def see_tenant_row(looker: TenantLooker, tenant_id: UUID) -> TenantRow:
    """One tenant. Refuses `tenant_unknown`."""
    async with platform_reading(looker.platform) as transaction:
        tenant = await get_tenant(transaction, tenant_id)
    if tenant is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    (row,) = await _rows(looker, [tenant])
    return row


async def _rows(looker: TenantLooker, tenants: list[Tenant]) -> list[TenantRow]:
    """The page's tenants are the scope of the one transaction that looks into them."""
    tenant_ids = [tenant.tenant_id for tenant in tenants]
    async with reading_several(looker.tenants, tenant_ids) as transaction:
        figures = await list_tenant_figures(transaction, tenant_ids, looker.clock)
        admins = await list_tenant_admins(transaction, tenant_ids, per_tenant=ADMINS_SHOWN)
    rows = {tenant.tenant_id: TenantRow(tenant, figures[tenant.tenant_id]) for tenant in tenants}
    for admin in admins:
        rows[admin.tenant_id].admins.append(admin)
    return list(rows.values())
