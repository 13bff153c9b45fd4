"""The rows of batches of allocations: who is to get how much, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits


@dataclass(frozen=True, slots=True)
class NewRows:
    """The rows of a batch to be, column by column, because there may be a hundred thousand: who gets how much, and why,
    where a row has a note of its own.
    """

    member_ids: Sequence[UUID]
    amounts: Sequence[Credits]
    notes: Sequence[str | None]


ROWS_AT_A_TIME = 10_000
"""So many rows are written into a message in a few milliseconds; calls get their turn before the next ones."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One row whose turn has come: who gets how much, and why, where it has a note of its own."""

    position: int
    member_id: UUID
    amount: Credits
    note: str | None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: the transfer, or the code and the sentence of what refused it."""

    position: int
    transfer_id: UUID | None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class FailedSum:
    """Rows that failed: how many, and what they come to."""

    count: int
    total: Credits


async def insert_rows(transaction: Transaction, tenant_id: UUID, batch_id: UUID, rows: NewRows) -> None:
    """Adds the rows of a new batch, numbered from 1 in this order, all waiting.

    Some at a time: to write a hundred thousand of them into one message would keep every call waiting meanwhile.
    """
    for start in range(0, len(rows.member_ids), ROWS_AT_A_TIME):
        end = start + ROWS_AT_A_TIME
        await transaction.execute(
            """
            insert into allocation_batch_rows (tenant_id, batch_id, position, member_id, amount_micro, note, state)
            select $1, $2, $3 + added.place, added.member_id, added.amount_micro, added.note, 'waiting'
            from unnest($4::uuid[], $5::bigint[], $6::text[])
                with ordinality as added (member_id, amount_micro, note, place)
            """,
            tenant_id,
            batch_id,
            start,
            rows.member_ids[start:end],
            [amount.micro for amount in rows.amounts[start:end]],
            rows.notes[start:end],
        )


async def list_waiting_rows(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, *, after: int, limit: int
) -> list[WaitingRow]:
    """The next rows of a batch that wait for their turn, those after position `after`."""
    rows = await transaction.fetch(
        """
        select position, member_id, amount_micro, note
        from allocation_batch_rows
        where tenant_id = $1
          and batch_id = $2
          and state = 'waiting'
          and position > $3
        order by position
        limit $4
        """,
        tenant_id,
        batch_id,
        after,
        limit,
    )
    return [WaitingRow(row["position"], row["member_id"], Credits(row["amount_micro"]), row["note"]) for row in rows]


async def update_outcomes(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, outcomes: Sequence[RowOutcome]
) -> None:
    """Writes what became of these rows, in the transaction of their transfers.

    They are in order, and all that wait from the first to the last of them. So they are found by these two; the arrays
    are neither joined nor compared with, since until the new rows have been counted, a plan takes the batch for a
    single row, and would go through all of it. `width_bucket` finds a row's place in the arrays by halving.
    """
    await transaction.execute(
        """
        update allocation_batch_rows
        set state = case
                when ($4::uuid[])[width_bucket(position, $3::integer[])] is null then 'failed'
                else 'given'
            end,
            transfer_id = ($4::uuid[])[width_bucket(position, $3::integer[])],
            code = ($5::text[])[width_bucket(position, $3::integer[])],
            detail = ($6::text[])[width_bucket(position, $3::integer[])]
        where tenant_id = $1
          and batch_id = $2
          and state = 'waiting'
          and position >= ($3::integer[])[1]
          and position <= ($3::integer[])[cardinality($3::integer[])]
        """,
        tenant_id,
        batch_id,
        [outcome.position for outcome in outcomes],
        [outcome.transfer_id for outcome in outcomes],
        [outcome.code for outcome in outcomes],
        [outcome.detail for outcome in outcomes],
    )


async def sum_failed_rows(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, member_ids: Sequence[UUID] | None
) -> FailedSum:
    """How many of a batch's rows failed, of these members or of all, and what they come to.

    Those named are a subselect, which is looked up in a hash table: an array would be gone through for every row.
    """
    row = await transaction.fetchrow(
        """
        select count(*) as failed, coalesce(sum(amount_micro), 0)::bigint as total_micro
        from allocation_batch_rows
        where tenant_id = $1
          and batch_id = $2
          and state = 'failed'
          and ($3::uuid[] is null or member_id in (select unnest($3)))
        """,
        tenant_id,
        batch_id,
        None if member_ids is None else list(member_ids),
    )
    assert row is not None, "a sum is always answered"
    return FailedSum(row["failed"], Credits(row["total_micro"]))


async def update_failed_rows_waiting(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, member_ids: Sequence[UUID] | None
) -> None:
    """Has the failed rows of a batch, of these members or of all, wait for another turn."""
    await transaction.execute(
        """
        update allocation_batch_rows
        set state = 'waiting',
            code = null,
            detail = null
        where tenant_id = $1
          and batch_id = $2
          and state = 'failed'
          and ($3::uuid[] is null or member_id in (select unnest($3)))
        """,
        tenant_id,
        batch_id,
        None if member_ids is None else list(member_ids),
    )


async def list_members_of_batch(
    transaction: Transaction, tenant_id: UUID, batch_id: UUID, member_ids: Sequence[UUID]
) -> set[UUID]:
    """Which of these members are in the batch.

    `is true` keeps those named in a hash table beside the batch. As a join it would be planned for a batch of a single
    row, until the new rows have been counted, and go through one of the two for each of the other.
    """
    found = await transaction.fetchval(
        """
        select array_agg(member_id)
        from allocation_batch_rows
        where tenant_id = $1
          and batch_id = $2
          and (member_id in (select unnest($3::uuid[]))) is true
        """,
        tenant_id,
        batch_id,
        list(member_ids),
    )
    return set(found or ())
