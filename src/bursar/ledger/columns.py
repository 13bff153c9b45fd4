"""The columns of the table of groups: what a group was given, handed out, used and still has in the running cycle.

A group's own rows are in `balances`; here they meet the sums of its members, which are summed where they lie, however
many there are. The columns of a member follow from its own figures alone: `MemberFigures.extra`.

Rule: GROUP-5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import ZERO, Credits
from bursar.domain.refusals import Refusal
from bursar.ledger.balances import GroupFigures, list_group_figures
from bursar.ledger.posting.loading import Clock


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """A group's figures, and beside them what its members have had (`distributed`) and used in the running cycle.

    `distributed` is the sum of the members' Monthly and Extra. What they used of the group's own credits is in their
    use, and so in it already.
    """

    figures: GroupFigures
    distributed: Credits
    used: Credits

    @property
    def extra(self) -> Credits:
        """What the group has had this cycle beyond its monthly budget. What is held counts as had.

        Rule: GROUP-5
        """
        figures = self.figures
        return figures.available + figures.held + self.distributed - figures.monthly

    @property
    def undistributed(self) -> Credits:
        """What of the monthly budget no member has been promised."""
        return self.figures.monthly - self.figures.members_monthly


async def list_group_columns(
    transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID], clock: Clock
) -> dict[UUID, GroupColumns]:
    """The columns of the groups among these that there are; refuses `tenant_unknown`.

    Rule: GROUP-5, FIGURE-9
    """
    figures = await list_group_figures(transaction, tenant_id, group_ids, clock)
    if not figures:
        return {}
    epoch = next(iter(figures.values())).epoch
    statement = _SUM_OF_ONE_GROUP if len(figures) == 1 else _SUM_OF_GROUPS
    sums = {
        group_id: (Credits(distributed), Credits(used))
        for group_id, distributed, used in await transaction.fetch(statement, tenant_id, list(figures), epoch)
    }
    return {
        group_id: GroupColumns(figures_of_group, *sums.get(group_id, (ZERO, ZERO)))
        for group_id, figures_of_group in figures.items()
    }


async def group_columns(transaction: Transaction, tenant_id: UUID, group_id: UUID, clock: Clock) -> GroupColumns:
    """One group's columns; refuses `tenant_unknown`, `group_unknown`."""
    columns = await list_group_columns(transaction, tenant_id, [group_id], clock)
    if group_id not in columns:
        raise Refusal("group_unknown", "There is no such group.", field="group_id")
    return columns[group_id]


# Who spends from the pool was given nothing by the group: what they use counts as used, and nothing as distributed.
# Of a deleted member what was used, and what calls under way hold, is still there, and the group has had it.
# A member whom nobody touched since the cycle began has its monthly allowance again and has used nothing.
_SUMS = """
       sum(case when wallet.spends_pool then 0
                when wallet.epoch < $3 then wallet.monthly_micro + wallet.balance_micro
                else wallet.allowance_micro + wallet.balance_micro + wallet.used_micro
           end)::bigint as distributed_micro,
       sum(case when wallet.epoch < $3 then 0 else wallet.used_micro end)::bigint as used_micro
"""

# In two halves, because each has an index of its own.
_SUM_OF_ONE_GROUP = f"""
select wallet.group_id,
{_SUMS}
from (
  select living.*
  from bursar.ledger_wallets as living
  where living.tenant_id = $1
    and living.group_id = ($2::uuid[])[1]
    and living.status <> 'deleted'
  union all
  select gone.*
  from bursar.ledger_wallets as gone
  where gone.tenant_id = $1
    and gone.group_id = ($2::uuid[])[1]
    and gone.status = 'deleted'
) as wallet
group by wallet.group_id
"""

# A page is most of a tenant's groups, so all members are added up in one pass and the page's groups picked from the
# sums: comparing every member's group with each of the page's would take longer than adding up.
_SUM_OF_GROUPS = f"""
select sums.group_id, sums.distributed_micro, sums.used_micro
from unnest($2::uuid[]) as wanted (group_id)
join (
  select wallet.group_id,
{_SUMS}
  from bursar.ledger_wallets as wallet
  where wallet.tenant_id = $1
  group by wallet.group_id
) as sums on sums.group_id = wanted.group_id
"""
