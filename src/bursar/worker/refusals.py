"""Forgets refusals and the keys of calls whose day is over: the keys are free again, and the rows only take room."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading, writing
from bursar.ledger import forget_refusals
from bursar.store.callers import delete_call_keys
from bursar.store.tenants import TenantFilter, list_tenants

TENANTS_AT_ONCE = 200
CALLS_REMEMBERED = timedelta(hours=24)
"""As long as refusals: a client that tries again does so within minutes."""


async def forget_old_refusals(desk: Desk) -> int:
    """Goes through all tenants, one transaction each; returns how many rows were forgotten."""
    forgotten = 0
    now = desk.clock.now()
    after: UUID | None = None
    while True:
        async with platform_reading(desk.platform) as transaction:
            page = await list_tenants(transaction, TenantFilter(), after=after, limit=TENANTS_AT_ONCE)
        for tenant in page:
            async with writing(desk.tenants, tenant.tenant_id) as transaction:
                forgotten += await forget_refusals(transaction, tenant.tenant_id, now)
                forgotten += await delete_call_keys(transaction, tenant.tenant_id, before=now - CALLS_REMEMBERED)
        if len(page) < TENANTS_AT_ONCE:
            return forgotten
        after = page[-1].tenant_id
