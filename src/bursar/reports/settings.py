"""What a tenant has chosen for itself."""

from __future__ import annotations

from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.domain.settings import TenantSettings
from bursar.ledger import Clock, tenant_figures
from bursar.store.tenant_settings import get_tenant_settings


async def see_settings(database: Database, tenant_id: UUID, clock: Clock) -> TenantSettings:
    """The tenant's settings, all from one moment. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        expired_holds = (await tenant_figures(transaction, tenant_id, clock)).expired_holds
        settings = await get_tenant_settings(transaction, tenant_id, expired_holds=expired_holds)
    if settings is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    return settings
