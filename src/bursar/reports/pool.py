"""What a tenant has: the pool, the summary cards and the running cycle; and what one person of it can still spend."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.credits import Credits
from bursar.domain.handing import Openings, openings_of
from bursar.ledger import Clock, TenantFigures, member_balance, tenant_figures
from bursar.store.handing import has_balances, has_recipient


async def see_tenant_figures(database: Database, tenant_id: UUID, clock: Clock) -> TenantFigures:
    """Pool, cards and cycle, all from one moment. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        return await tenant_figures(transaction, tenant_id, clock)


@dataclass(frozen=True)
class PoolView:
    """The tenant's figures, and what somebody can begin with them."""

    figures: TenantFigures
    openings: Openings


async def see_pool(database: Database, tenant_id: UUID, clock: Clock, *, actor_id: UUID | None) -> PoolView:
    """Pool, cards and cycle, and whether this person has anybody to give credits to or to take them back from, all from
    one moment. Refuses `tenant_unknown`.
    """
    async with reading(database, tenant_id) as transaction:
        figures = await tenant_figures(transaction, tenant_id, clock)
        openings = openings_of(
            figures.pool.available,
            has_recipient=await has_recipient(transaction, tenant_id, actor_id=actor_id),
            has_balances=await has_balances(transaction, tenant_id),
        )
    return PoolView(figures, openings)


async def see_spendable(database: Database, tenant_id: UUID, member_id: UUID, clock: Clock) -> Credits:
    """What a call of this person could cost now: out of the pool for a tenant admin, else out of the own credits."""
    async with reading(database, tenant_id) as transaction:
        return (await member_balance(transaction, tenant_id, member_id, clock)).spendable
