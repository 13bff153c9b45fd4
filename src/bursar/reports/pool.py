"""What a tenant has: the pool, the summary cards and the running cycle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.reports.balances import Running, list_purses, see_running


@dataclass(frozen=True)
class Pool:
    """The tenant's figures. `unassigned` is what no member can spend yet: pool, plan, and what the groups have."""

    balance: Credits
    held: Credits
    purchased: Credits
    utilized: Credits
    available: Credits
    unassigned: Credits


async def see_pool(database: Database, tenant_id: UUID, *, now: datetime) -> Pool:
    """The pool and the summary cards, from one moment. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        running = await see_running(transaction, tenant_id, now=now)
        of_groups = await _sum_of_groups(transaction, tenant_id, epoch=running.epoch)
    return Pool(
        balance=running.pool,
        held=running.pool_held,
        purchased=running.issued - running.expired,
        utilized=running.consumed,
        available=running.available,
        unassigned=running.pool + running.plan + of_groups,
    )


async def see_cycle(database: Database, tenant_id: UUID, *, now: datetime) -> Running:
    """The running cycle. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        return await see_running(transaction, tenant_id, now=now)


async def see_remaining(database: Database, tenant_id: UUID, member_id: UUID, *, now: datetime) -> Credits | None:
    """What this person can still spend: the pool for a tenant admin, the own credits for everybody else."""
    async with reading(database, tenant_id) as transaction:
        running = await see_running(transaction, tenant_id, now=now)
        purses = await list_purses(transaction, tenant_id, [member_id], epoch=running.epoch)
    purse = purses.get(member_id)
    if purse is None:
        return None
    return running.pool - running.pool_held if purse.spends_pool else purse.remaining


async def _sum_of_groups(transaction: Transaction, tenant_id: UUID, *, epoch: int) -> Credits:
    micro = await transaction.fetchval(
        """
        select coalesce(sum(balance_micro
                   + case when epoch < $2 then monthly_micro - members_monthly_micro
                          else allowance_micro end), 0)::bigint
        from ledger_groups
        where tenant_id = $1
          and not is_closed
        """,
        tenant_id,
        epoch,
    )
    return Credits(micro)
