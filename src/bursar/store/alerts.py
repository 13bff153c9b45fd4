"""The marks below which people are told, and what is below its mark at this moment. What there is, the ledger knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Marks:
    """Below what a tenant's pool, and what a member has left, are low; None where nobody is to be told."""

    tenant_id: UUID
    pool: Credits | None
    balance: Credits | None


@dataclass(frozen=True)
class Span:
    """Members in the order of their ids: those after `after`, up to and with `until`; without an end, to the last."""

    after: UUID | None
    until: UUID | None


async def list_marks(platform_transaction: Transaction, *, after: UUID | None, limit: int) -> list[Marks]:
    """The tenants that have a mark, or something that was low when they last had one; those after `after`."""
    rows = await platform_transaction.fetch(
        """
        select tenant_id, low_pool_micro, low_balance_micro
        from tenants
        where ($1::uuid is null or tenant_id > $1)
          and (
              low_pool_micro is not null
              or low_balance_micro is not null
              -- A step in the index for each tenant: a list of all would be as long as there are members with little.
              or tenant_id = (
                  select alerts.tenant_id
                  from alerts
                  where alerts.tenant_id >= tenants.tenant_id
                  order by alerts.tenant_id
                  limit 1
              )
          )
        order by tenant_id
        limit $2
        """,
        after,
        limit,
    )
    return [_marks(row["tenant_id"], row["low_pool_micro"], row["low_balance_micro"]) for row in rows]


async def lock_marks(transaction: Transaction, tenant_id: UUID) -> Marks | None:
    """The tenant's marks, which nobody changes until the transaction ends; None where somebody else holds the
    tenant's row, or there is no such tenant."""
    row = await transaction.fetchrow(
        """
        select low_pool_micro, low_balance_micro
        from tenants
        where tenant_id = $1
        for no key update skip locked
        """,
        tenant_id,
    )
    return None if row is None else _marks(tenant_id, row["low_pool_micro"], row["low_balance_micro"])


async def insert_alerts(
    transaction: Transaction, tenant_id: UUID, kind: str, subject_ids: Sequence[UUID], *, now: datetime
) -> set[UUID]:
    """Notes that these are low; returns those that were not before."""
    rows = await transaction.fetch(
        """
        insert into alerts (tenant_id, kind, subject_id, since)
        select $1, $2, low.subject_id, $4
        from unnest($3::uuid[]) as low (subject_id)
        on conflict (tenant_id, kind, subject_id) do nothing
        returning subject_id
        """,
        tenant_id,
        kind,
        subject_ids,
        now,
    )
    return {row["subject_id"] for row in rows}


async def delete_other_alerts(
    transaction: Transaction, tenant_id: UUID, kind: str, subject_ids: Sequence[UUID], *, span: Span
) -> int:
    """Notes of all in the span but these that they are low no more; returns how many were."""
    rows = await transaction.fetch(
        """
        delete from alerts
        where tenant_id = $1
          and kind = $2
          -- Except is hashed, however many are low; an anti-join with an array may compare each with each.
          and subject_id = any(array(
              select known.subject_id
              from alerts as known
              where known.tenant_id = $1
                and known.kind = $2
                and known.subject_id > $4
                and known.subject_id <= $5
              except
              select unnest($3::uuid[])
          ))
        returning 1
        """,
        tenant_id,
        kind,
        subject_ids,
        span.after or _FIRST,
        span.until or _LAST,
    )
    return len(rows)


def _marks(tenant_id: UUID, pool_micro: int | None, balance_micro: int | None) -> Marks:
    return Marks(
        tenant_id,
        None if pool_micro is None else Credits(pool_micro),
        None if balance_micro is None else Credits(balance_micro),
    )
