"""What prices are multiplied with for a tenant, and for groups that have a factor of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.costs import Factor


@dataclass(frozen=True)
class GroupFactor:
    """A group with a factor of its own."""

    group_id: UUID
    name: str
    factor: Factor


async def lock_price_factors(transaction: Transaction, tenant_id: UUID) -> bool:
    """Keeps others from changing this tenant's factors until the transaction ends; False if there is no such tenant."""
    found = await transaction.fetchrow(
        """
        select tenant_id
        from tenants
        where tenant_id = $1
        for no key update
        """,
        tenant_id,
    )
    return found is not None


async def find_price_factor(transaction: Transaction, tenant_id: UUID, holder_id: UUID) -> Factor | None:
    """The factor of the group, or of the tenant itself, if it has one."""
    ten_thousandths = await transaction.fetchval(
        """
        select ten_thousandths
        from price_factors
        where tenant_id = $1
          and holder_id = $2
        """,
        tenant_id,
        holder_id,
    )
    return None if ten_thousandths is None else Factor(ten_thousandths)


async def find_factor_that_counts(transaction: Transaction, tenant_id: UUID, group_id: UUID) -> Factor | None:
    """The factor for calls of this group's members: the group's own, else the tenant's.

    Rule: PRICE-9
    """
    ten_thousandths = await transaction.fetchval(
        """
        select ten_thousandths
        from price_factors
        where tenant_id = $1
          and holder_id in ($1, $2)
        order by holder_id = $2 desc
        limit 1
        """,
        tenant_id,
        group_id,
    )
    return None if ten_thousandths is None else Factor(ten_thousandths)


async def update_price_factor(
    transaction: Transaction, tenant_id: UUID, holder_id: UUID, factor: Factor, *, now: datetime
) -> None:
    """Gives the group, or the tenant itself, this factor."""
    await transaction.execute(
        """
        insert into price_factors (tenant_id, holder_id, ten_thousandths, changed_at)
        values ($1, $2, $3, $4)
        on conflict (tenant_id, holder_id) do update
        set ten_thousandths = excluded.ten_thousandths,
            changed_at = excluded.changed_at
        """,
        tenant_id,
        holder_id,
        factor.ten_thousandths,
        now,
    )


async def delete_price_factor(transaction: Transaction, tenant_id: UUID, holder_id: UUID) -> None:
    """Takes the factor away; then the tenant's counts for the group, and one for the tenant."""
    await transaction.execute(
        """
        delete from price_factors
        where tenant_id = $1
          and holder_id = $2
        """,
        tenant_id,
        holder_id,
    )


async def list_group_factors(
    transaction: Transaction, tenant_id: UUID, *, after: UUID | None, limit: int
) -> list[GroupFactor]:
    """Groups of this tenant with a factor of their own, in the order the groups were made."""
    rows = await transaction.fetch(
        """
        select groups.group_id, groups.name, price_factors.ten_thousandths
        from groups
        join price_factors
          on price_factors.tenant_id = groups.tenant_id
         and price_factors.holder_id = groups.group_id
        where groups.tenant_id = $1
          and price_factors.tenant_id = $1
          and ($2::uuid is null or groups.group_id > $2)
        order by groups.group_id
        limit $3
        """,
        tenant_id,
        after,
        limit,
    )
    return [GroupFactor(row["group_id"], row["name"], Factor(row["ten_thousandths"])) for row in rows]
