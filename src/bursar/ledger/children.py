"""What a budget was given out to: the largest parts of it, for whoever has to lower them first.

Rule: BUDGET-6
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits


@dataclass(frozen=True, slots=True)
class Part:
    """Who was given a part of a budget per cycle, and how much."""

    identity: UUID
    monthly: Credits


async def list_largest_group_budgets(transaction: Transaction, tenant_id: UUID, *, limit: int) -> list[Part]:
    """The groups with the largest budgets, largest first."""
    rows = await transaction.fetch(
        """
        select group_id, monthly_micro
        from bursar.ledger_groups
        where tenant_id = $1
          and monthly_micro > 0
        order by monthly_micro desc, group_id
        limit $2
        """,
        tenant_id,
        limit,
    )
    return [Part(group_id, Credits(monthly)) for group_id, monthly in rows]


async def list_largest_allowances(
    transaction: Transaction, tenant_id: UUID, group_id: UUID, *, limit: int
) -> list[Part]:
    """The members of a group with the largest allowances, largest first."""
    rows = await transaction.fetch(_LARGEST_ALLOWANCES, tenant_id, group_id, limit)
    return [Part(member_id, Credits(monthly)) for member_id, monthly in rows]


# Who is deleted has nothing per cycle. It is said all the same, since the index of a group's members is of the others.
_LARGEST_ALLOWANCES = """
select member_id, monthly_micro
from bursar.ledger_wallets
where tenant_id = $1
  and group_id = $2
  and status <> 'deleted'
  and monthly_micro > 0
order by monthly_micro desc, member_id
limit $3
"""
