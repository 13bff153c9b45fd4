"""What a tenant has: the pool, the summary cards and the running cycle; and what one person of it can still spend."""

from __future__ import annotations

from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.credits import Credits
from bursar.ledger import Clock, TenantFigures, member_balance, tenant_figures


async def see_tenant_figures(database: Database, tenant_id: UUID, clock: Clock) -> TenantFigures:
    """Pool, cards and cycle, all from one moment. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        return await tenant_figures(transaction, tenant_id, clock)


async def see_spendable(database: Database, tenant_id: UUID, member_id: UUID, clock: Clock) -> Credits:
    """What a call of this person could cost now: out of the pool for a tenant admin, else out of the own credits."""
    async with reading(database, tenant_id) as transaction:
        return (await member_balance(transaction, tenant_id, member_id, clock)).spendable
