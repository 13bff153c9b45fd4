"""Forgets refusals whose day is over: their keys are free again, and their rows only take room."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading, writing
from bursar.ledger import forget_refusals
from bursar.store.tenants import TenantFilter, list_tenants

TENANTS_AT_ONCE = 200


async def forget_old_refusals(desk: Desk) -> int:
    """Goes through all tenants, one transaction each; returns how many refusals were forgotten."""
    forgotten = 0
    after: UUID | None = None
    while True:
        async with platform_reading(desk.platform) as transaction:
            page = await list_tenants(transaction, TenantFilter(), after=after, limit=TENANTS_AT_ONCE)
        for tenant in page:
            async with writing(desk.tenants, tenant.tenant_id) as transaction:
                forgotten += await forget_refusals(transaction, tenant.tenant_id, desk.clock.now())
        if len(page) < TENANTS_AT_ONCE:
            return forgotten
        after = page[-1].tenant_id
