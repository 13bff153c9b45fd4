"""Balance transactions: the journal from the pool's side, or from one member's side, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class Place:
    """Where a line of the journal stands; a page begins after one."""

    batch_number: int
    line: int


@dataclass(frozen=True)
class Side:
    """One end of a transfer: the account, whose it is, and what it held after."""

    account: str
    owner_id: UUID | None
    owner_name: str | None
    after: Credits


@dataclass(frozen=True)
class TransactionRow:
    """One transfer."""

    place: Place
    transfer_id: UUID
    kind: str
    amount: Credits
    source: Side
    target: Side
    posted_at: datetime
    actor_id: UUID | None
    actor_name: str | None
    note: str | None


async def see_transactions(
    database: Database, tenant_id: UUID, *, member_id: UUID | None, after: Place | None, limit: int
) -> list[TransactionRow]:
    """A page of transfers, newest first: the pool's, or one member's. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        if await get_tenant(transaction, tenant_id) is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        lines = (
            await _list_pool_lines(transaction, tenant_id, after=after, limit=limit)
            if member_id is None
            else await _list_member_lines(transaction, tenant_id, member_id, after=after, limit=limit)
        )
        named = {row[column] for row in lines for column in ("source_id", "target_id", "actor_id") if row[column]}
        names = await _list_names(transaction, tenant_id, named)
    return [_row(line, names) for line in lines]


async def _list_pool_lines(
    transaction: Transaction, tenant_id: UUID, *, after: Place | None, limit: int
) -> list[asyncpg.Record]:
    return await transaction.fetch(
        """
        select batch_number, line, transfer_id, kind, amount_micro, source, source_id, source_after_micro,
               target, target_id, target_after_micro, posted_at, actor_id, note
        from ledger_journal
        where tenant_id = $1
          and (source = 'pool' or target = 'pool')
          and ($2::bigint is null or (batch_number, line) < ($2, $3))
        order by batch_number desc, line desc
        limit $4
        """,
        tenant_id,
        after.batch_number if after else None,
        after.line if after else 0,
        limit,
    )


async def _list_member_lines(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, *, after: Place | None, limit: int
) -> list[asyncpg.Record]:
    """Both halves stop at the page's size before they are merged, so a long history costs no more than a short one."""
    return await transaction.fetch(
        """
        select *
        from (
            (select batch_number, line, transfer_id, kind, amount_micro, source, source_id, source_after_micro,
                    target, target_id, target_after_micro, posted_at, actor_id, note
             from ledger_journal
             where tenant_id = $1
               and target_id = $5
               and ($2::bigint is null or (batch_number, line) < ($2, $3))
             order by batch_number desc, line desc
             limit $4)
            union all
            (select batch_number, line, transfer_id, kind, amount_micro, source, source_id, source_after_micro,
                    target, target_id, target_after_micro, posted_at, actor_id, note
             from ledger_journal
             where tenant_id = $1
               and source_id = $5
               and source_id is distinct from target_id
               and ($2::bigint is null or (batch_number, line) < ($2, $3))
             order by batch_number desc, line desc
             limit $4)
        ) lines
        order by batch_number desc, line desc
        limit $4
        """,
        tenant_id,
        after.batch_number if after else None,
        after.line if after else 0,
        limit,
        member_id,
    )


async def _list_names(transaction: Transaction, tenant_id: UUID, ids: set[UUID]) -> dict[UUID, str]:
    """What the members and groups with these ids are called."""
    rows = await transaction.fetch(
        """
        select member_id as id, display_name as name
        from members
        where tenant_id = $1
          and member_id = any($2::uuid[])
        union all
        select group_id, name
        from groups
        where tenant_id = $1
          and group_id = any($2::uuid[])
        """,
        tenant_id,
        list(ids),
    )
    return {row["id"]: row["name"] for row in rows}


def _row(line: asyncpg.Record, names: dict[UUID, str]) -> TransactionRow:
    return TransactionRow(
        place=Place(line["batch_number"], line["line"]),
        transfer_id=line["transfer_id"],
        kind=line["kind"],
        amount=Credits(line["amount_micro"]),
        source=Side(
            line["source"], line["source_id"], names.get(line["source_id"]), Credits(line["source_after_micro"])
        ),
        target=Side(
            line["target"], line["target_id"], names.get(line["target_id"]), Credits(line["target_after_micro"])
        ),
        posted_at=line["posted_at"],
        actor_id=line["actor_id"],
        actor_name=names.get(line["actor_id"]),
        note=line["note"],
    )
