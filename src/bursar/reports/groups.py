"""The table of groups: what each was given, handed out, used and still has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import ZERO, Credits
from bursar.reports.balances import see_running
from bursar.store.groups import Group, list_groups


@dataclass(frozen=True)
class GroupFigures:
    """One row's amounts in the running cycle."""

    monthly: Credits
    extra: Credits
    distributed: Credits
    used: Credits
    available: Credits


@dataclass(frozen=True)
class GroupRow:
    """One group with its amounts."""

    group: Group
    figures: GroupFigures


NOTHING = GroupFigures(ZERO, ZERO, ZERO, ZERO, ZERO)


async def see_groups(
    database: Database, tenant_id: UUID, *, after: UUID | None, limit: int, now: datetime
) -> list[GroupRow]:
    """A page of groups in the order they were made. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        running = await see_running(transaction, tenant_id, now=now)
        groups = await list_groups(transaction, tenant_id, after=after, limit=limit)
        figures = await _figures(transaction, tenant_id, [group.group_id for group in groups], epoch=running.epoch)
    return [GroupRow(group, figures.get(group.group_id, NOTHING)) for group in groups]


async def _figures(
    transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID], *, epoch: int
) -> dict[UUID, GroupFigures]:
    """Tenant admins spend from the pool: their use counts as used, and nothing of them as distributed."""
    rows = await transaction.fetch(
        """
        select groups.group_id, groups.monthly_micro,
               groups.balance_micro
                 + case when groups.epoch < $3 then groups.monthly_micro - groups.members_monthly_micro
                        else groups.allowance_micro end as owned_micro,
               groups.balance_held_micro
                 + case when groups.epoch < $3 then 0 else groups.allowance_held_micro end as held_micro,
               parts.distributed_micro, parts.used_micro
        from ledger_groups groups
        cross join lateral (
            select coalesce(sum(case when wallets.spends_pool then 0
                                     when wallets.epoch < $3 then wallets.monthly_micro + wallets.balance_micro
                                     else wallets.allowance_micro + wallets.balance_micro + wallets.used_micro
                                end), 0)::bigint as distributed_micro,
                   coalesce(sum(case when wallets.epoch < $3 then 0 else wallets.used_micro end), 0)::bigint
                     as used_micro
            from ledger_wallets wallets
            where wallets.tenant_id = $1
              and wallets.group_id = groups.group_id
              and wallets.status <> 'deleted'
        ) parts
        where groups.tenant_id = $1
          and groups.group_id = any($2::uuid[])
        """,
        tenant_id,
        list(group_ids),
        epoch,
    )
    return {
        row["group_id"]: GroupFigures(
            monthly=Credits(row["monthly_micro"]),
            # Shared use is already in the members' use, so it is part of what was distributed.
            extra=Credits(row["owned_micro"] + row["distributed_micro"] - row["monthly_micro"]),
            distributed=Credits(row["distributed_micro"]),
            used=Credits(row["used_micro"]),
            available=Credits(row["owned_micro"] - row["held_micro"]),
        )
        for row in rows
    }
