"""Batches of allocations: what was asked for, and how far it is. Their rows are in `allocation_batch_rows`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits


@dataclass(frozen=True)
class NewBatch:
    """A batch to be: `amount` is what each member gets, None where each row says so itself."""

    batch_id: UUID
    amount: Credits | None
    note: str | None
    rows: int
    total: Credits
    created_by: UUID
    created_at: datetime


@dataclass(frozen=True)
class Batch:
    """A batch, and how far it is."""

    batch_id: UUID
    kind: str
    state: str
    amount: Credits | None
    note: str | None
    rows: int
    given: int
    failed: int
    given_total: Credits
    total: Credits
    created_by: UUID
    created_at: datetime
    finished_at: datetime | None
    retried_at: datetime | None
    retried_by: UUID | None

    @property
    def is_running(self) -> bool:
        """Whether some of its rows have no outcome yet."""
        return self.state == "running"


@dataclass(frozen=True)
class RunningBatch:
    """A batch under way, in whatever tenant."""

    tenant_id: UUID
    batch_id: UUID


_COLUMNS = """
    batch_id, kind, state, amount_micro, note, rows_count, given_count, failed_count, given_micro, total_micro,
    created_by, created_at, finished_at, retried_at, retried_by
"""


async def insert_batch(transaction: Transaction, tenant_id: UUID, batch: NewBatch) -> None:
    """Adds a batch whose rows follow in the same transaction."""
    await transaction.execute(
        """
        insert into allocation_batches
            (tenant_id, batch_id, kind, state, amount_micro, note, rows_count, given_count, failed_count, given_micro,
             total_micro, created_by, created_at)
        values ($1, $2, $3, 'running', $4, $5, $6, 0, 0, 0, $7, $8, $9)
        """,
        tenant_id,
        batch.batch_id,
        "import" if batch.amount is None else "equal",
        None if batch.amount is None else batch.amount.micro,
        batch.note,
        batch.rows,
        batch.total.micro,
        batch.created_by,
        batch.created_at,
    )


async def find_batch(transaction: Transaction, tenant_id: UUID, batch_id: UUID) -> Batch | None:
    """The batch of this tenant with this id."""
    row = await transaction.fetchrow(
        f"""
        select {_COLUMNS}
        from allocation_batches
        where tenant_id = $1
          and batch_id = $2
        """,
        tenant_id,
        batch_id,
    )
    return None if row is None else _batch(row)


async def lock_batch(transaction: Transaction, tenant_id: UUID, batch_id: UUID) -> Batch | None:
    """The same, kept from changing until the transaction ends.

    For a batch that has ended, and only before the books are locked: whoever works on one under way has the books
    first, and then writes to the batch.
    """
    row = await transaction.fetchrow(
        f"""
        select {_COLUMNS}
        from allocation_batches
        where tenant_id = $1
          and batch_id = $2
        for update
        """,
        tenant_id,
        batch_id,
    )
    return None if row is None else _batch(row)


async def list_batches(
    transaction: Transaction, tenant_id: UUID, *, state: str | None, before: UUID | None, limit: int
) -> list[Batch]:
    """Batches of this tenant in this state, or all, the newest first, those before `before`."""
    rows = await transaction.fetch(
        f"""
        select {_COLUMNS}
        from allocation_batches
        where tenant_id = $1
          and ($2::text is null or state = $2)
          and ($3::uuid is null or batch_id < $3)
        order by batch_id desc
        limit $4
        """,
        tenant_id,
        state,
        before,
        limit,
    )
    return [_batch(row) for row in rows]


async def list_running_batches(transaction: Transaction, *, limit: int) -> list[RunningBatch]:
    """Batches under way in any tenant, those that wait longest first: ids are in the order of time."""
    rows = await transaction.fetch(
        """
        select tenant_id, batch_id
        from allocation_batches
        where state = 'running'
        order by batch_id
        limit $1
        """,
        limit,
    )
    return [RunningBatch(row["tenant_id"], row["batch_id"]) for row in rows]


async def update_progress(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, *, given: int, failed: int, sum_given: Credits,
    now: datetime,
) -> Batch:  # fmt: skip
    """Counts the outcomes of some rows; with the last one the batch is finished."""
    row = await transaction.fetchrow(
        f"""
        update allocation_batches
        set given_count = given_count + $3,
            failed_count = failed_count + $4,
            given_micro = given_micro + $5,
            state = case when given_count + failed_count + $3 + $4 = rows_count then 'finished' else 'running' end,
            finished_at = case when given_count + failed_count + $3 + $4 = rows_count then $6::timestamptz end
        where tenant_id = $1
          and batch_id = $2
        returning {_COLUMNS}
        """,
        tenant_id,
        batch_id,
        given,
        failed,
        sum_given.micro,
        now,
    )
    assert row is not None, "whose rows were found is there"
    return _batch(row)


async def update_batch_retried(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, *, rows: int, retried_by: UUID, now: datetime
) -> None:
    """Has so many of those who failed wait again."""
    await transaction.execute(
        """
        update allocation_batches
        set state = 'running',
            failed_count = failed_count - $3,
            finished_at = null,
            retried_at = $5,
            retried_by = $4
        where tenant_id = $1
          and batch_id = $2
        """,
        tenant_id,
        batch_id,
        rows,
        retried_by,
        now,
    )


def _batch(row: asyncpg.Record) -> Batch:
    return Batch(
        batch_id=row["batch_id"],
        kind=row["kind"],
        state=row["state"],
        amount=None if row["amount_micro"] is None else Credits(row["amount_micro"]),
        note=row["note"],
        rows=row["rows_count"],
        given=row["given_count"],
        failed=row["failed_count"],
        given_total=Credits(row["given_micro"]),
        total=Credits(row["total_micro"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        retried_at=row["retried_at"],
        retried_by=row["retried_by"],
    )
