"""The summary cards and the overview of a tenant: all figures of one answer are of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.domain.figures import Cards, Percent, cards_add_up, used_of_cycle
from bursar.domain.refusals import Broken
from bursar.ledger import Clock, CycleFigures, TenantFigures, tenant_figures
from bursar.reports.groups import GroupRow, list_group_rows


@dataclass(frozen=True)
class Overview:
    """The running cycle, the pool, the cards, and the first groups with one row more than asked for if there are more.

    `is_tracking` says whether calls of models cost credits.
    """

    cycle: CycleFigures
    used_percent: Percent | None
    credits_balance: Credits
    is_tracking: bool
    cards: Cards
    groups: list[GroupRow]


async def see_cards(database: Database, tenant_id: UUID, clock: Clock) -> Cards:
    """The tenant's cards. Refuses `tenant_unknown`.

    Rule: FIGURE-1, FIGURE-3, FIGURE-10
    """
    async with reading(database, tenant_id) as transaction:
        figures = await tenant_figures(transaction, tenant_id, clock)
        return await _cards(transaction, tenant_id, figures)


async def see_overview(database: Database, tenant_id: UUID, clock: Clock, *, limit: int) -> Overview:
    """The tenant's overview with so many groups. Refuses `tenant_unknown`.

    Rule: FIGURE-4
    """
    async with reading(database, tenant_id) as transaction:
        figures = await tenant_figures(transaction, tenant_id, clock)
        cycle = figures.cycle
        return Overview(
            cycle=cycle,
            used_percent=used_of_cycle(used=cycle.used, per_cycle=cycle.per_cycle),
            credits_balance=figures.pool.balance,
            is_tracking=await _is_tracking(transaction, tenant_id),
            cards=await _cards(transaction, tenant_id, figures),
            groups=await list_group_rows(transaction, tenant_id, clock, among=None, after=None, limit=limit),
        )


async def _cards(transaction: Transaction, tenant_id: UUID, figures: TenantFigures) -> Cards:
    cards = Cards(
        purchased=figures.purchased,
        utilized=figures.utilized,
        available=figures.available,
        assigned=figures.assigned,
        pool_used=figures.pool_used,
        unassigned=figures.unassigned,
        spendable=figures.spendable,
        held=figures.held,
        users_with_credits=await _count_with_credits(transaction, tenant_id),
        users=await _count_users(transaction, tenant_id),
    )
    if not cards_add_up(cards):
        raise Broken("the cards do not add up", tenant=tenant_id, cards=cards)
    return cards


async def _count_users(transaction: Transaction, tenant_id: UUID) -> int:
    """Who is not deleted, tenant admins included: groups count their members, so that nobody has to be looked at."""
    count = await transaction.fetchval(
        """
        select coalesce(sum(members_count), 0)::bigint
        from ledger_groups
        where tenant_id = $1
        """,
        tenant_id,
    )
    return int(count)


async def _count_with_credits(transaction: Transaction, tenant_id: UUID) -> int:
    """Who was given credits that were not all taken back, from an index that holds nobody else."""
    count = await transaction.fetchval(
        """
        select count(*)
        from ledger_wallets
        where tenant_id = $1
          and has_credits
          and status <> 'deleted'
        """,
        tenant_id,
    )
    return int(count)


async def _is_tracking(transaction: Transaction, tenant_id: UUID) -> bool:
    return bool(
        await transaction.fetchval(
            """
            select credit_factor_micro > 0
            from tenants
            where tenant_id = $1
            """,
            tenant_id,
        )
    )
