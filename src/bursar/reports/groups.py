"""The table of groups: what each was given, handed out, used and still has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import ZERO, Credits
from bursar.ledger import Clock, GroupFigures, list_group_figures, tenant_figures
from bursar.store.groups import Group, list_groups


@dataclass(frozen=True)
class GroupRow:
    """One group and its amounts in the running cycle.

    `extra` is what the group has had beyond its monthly budget. What members used of the group's own credits is in
    their use already, and so in `distributed`.
    """

    group: Group
    member_count: int
    monthly: Credits
    extra: Credits
    distributed: Credits
    used: Credits
    available: Credits


@dataclass(frozen=True)
class MembersParts:
    """What a group's members have had and used in the running cycle, together."""

    distributed: Credits = ZERO
    used: Credits = ZERO


async def see_groups(
    database: Database, tenant_id: UUID, clock: Clock, *, after: UUID | None, limit: int
) -> list[GroupRow]:
    """A page of groups in the order they were made. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        return await list_group_rows(transaction, tenant_id, clock, after=after, limit=limit)


async def list_group_rows(
    transaction: Transaction, tenant_id: UUID, clock: Clock, *, after: UUID | None, limit: int
) -> list[GroupRow]:
    """The same page, for an answer that shows other figures of the same moment beside it."""
    cycle = (await tenant_figures(transaction, tenant_id, clock)).cycle
    groups = await list_groups(transaction, tenant_id, after=after, limit=limit)
    group_ids = [group.group_id for group in groups]
    figures = await list_group_figures(transaction, tenant_id, group_ids, clock)
    parts = await _sum_of_members(transaction, tenant_id, group_ids, epoch=cycle.epoch)
    return [_row(group, figures[group.group_id], parts.get(group.group_id, MembersParts())) for group in groups]


def _row(group: Group, figures: GroupFigures, parts: MembersParts) -> GroupRow:
    return GroupRow(
        group=group,
        member_count=figures.members_count,
        monthly=figures.monthly,
        extra=figures.available + figures.held + parts.distributed - figures.monthly,
        distributed=parts.distributed,
        used=parts.used,
        available=figures.available,
    )


async def _sum_of_members(
    transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID], *, epoch: int
) -> dict[UUID, MembersParts]:
    """By group. Tenant admins spend from the pool: what they use counts as used, and nothing of it as distributed.

    A member whom nobody touched since the cycle began has its monthly allowance again and has used nothing.

    A page is most of a tenant's groups, so all members are added up in one pass and the page's groups picked from the
    sums: comparing every member's group with each of the page's would take longer than adding up.

    Rule: FIGURE-9
    """
    statement = _SUM_OF_ONE_GROUP if len(group_ids) == 1 else _SUM_OF_GROUPS
    rows = await transaction.fetch(statement, tenant_id, list(group_ids), epoch)
    return {
        row["group_id"]: MembersParts(Credits(row["distributed_micro"]), Credits(row["used_micro"])) for row in rows
    }


_PARTS = """
           coalesce(sum(case when wallets.spends_pool then 0
                             when wallets.epoch < $3 then wallets.monthly_micro + wallets.balance_micro
                             else wallets.allowance_micro + wallets.balance_micro + wallets.used_micro
                        end), 0)::bigint as distributed_micro,
           coalesce(sum(case when wallets.epoch < $3 then 0 else wallets.used_micro end), 0)::bigint as used_micro
"""

_SUM_OF_ONE_GROUP = f"""
select wallets.group_id,
       {_PARTS}
from ledger_wallets wallets
where wallets.tenant_id = $1
  and wallets.group_id = ($2::uuid[])[1]
  and wallets.status <> 'deleted'
group by wallets.group_id
"""

_SUM_OF_GROUPS = f"""
select sums.group_id, sums.distributed_micro, sums.used_micro
from unnest($2::uuid[]) as wanted (group_id)
join (
    select wallets.group_id,
           {_PARTS}
    from ledger_wallets wallets
    where wallets.tenant_id = $1
      and wallets.status <> 'deleted'
    group by wallets.group_id
) as sums on sums.group_id = wanted.group_id
"""
