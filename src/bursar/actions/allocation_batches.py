"""Handing out to many at once: making a batch, trying again what failed of it, and working it off.

A batch is made in one transaction and worked off in others, some rows at a time. A row's transfer and its outcome are
written together, under the lock of the tenant's books: so it is given once, whoever works on it and whatever breaks.
What is said of files with an amount in every line is in `allocation_imports`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import locked_figures
from bursar.db.transaction import Transaction, retrying, writing_in_bulk
from bursar.domain.allocation_batches import (
    AT_ONCE_MAX,
    ROWS_MAX,
    check_members_found,
    check_members_meant,
    check_members_named,
    check_total,
    total_of,
)
from bursar.domain.credits import ZERO, Credits
from bursar.domain.ids import public_id
from bursar.domain.permissions import SYSTEM, check_permission
from bursar.domain.refusals import Broken, Refusal
from bursar.domain.roles import Permission
from bursar.ledger import Outcome, Transfer, check_note, lock_books, post, tenant_figures
from bursar.outside.identity import new_uuid, new_uuid_at
from bursar.store.allocation_batch_rows import (
    NewRows,
    RowOutcome,
    WaitingRow,
    insert_rows,
    list_members_of_batch,
    list_waiting_rows,
    sum_failed_rows,
    update_failed_rows_waiting,
    update_outcomes,
)
from bursar.store.allocation_batches import (
    Batch,
    NewBatch,
    find_batch,
    insert_batch,
    lock_batch,
    update_batch_retried,
    update_progress,
)
from bursar.store.groups import find_group
from bursar.store.member_search import MemberFilter, list_member_ids
from bursar.store.members import list_members_among

ROWS_PER_TURN = 200
"""How many rows hold the tenant's books at a time: some twenty milliseconds, so that a call in between hardly notices,
and enough that the commit is shared by many. Measured by `make bench-batches`."""

TURNS_AT_ONCE_MAX = 3
"""So many turns before the answer: those of a small batch, and one that finds nothing more."""


@dataclass(frozen=True)
class Meant:
    """Members meant by a filter, which is looked at when the batch is made: all whom it lets through, but for these."""

    search: str | None = None
    group_id: UUID | None = None
    except_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class BatchWanted:
    """One amount for each of these members, or of those meant; `seen_count` is how many of them the person saw."""

    members: tuple[UUID, ...] | Meant
    amount: Credits
    note: str | None = None
    seen_count: int | None = None


@dataclass(frozen=True)
class Ordered:
    """A batch that was made or is tried again: how many rows wait for their turn."""

    batch_id: UUID
    waiting: int


@dataclass(frozen=True)
class Wanted:
    """What a batch is to give: its rows, the one amount if there is one, and the input that says how much."""

    rows: NewRows
    amount: Credits | None
    note: str | None
    input_field: str
    total: Credits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", total_of(self.rows.amounts))


async def start_batch(desk: Desk, asked: Asked, tenant_id: UUID, wanted: BatchWanted) -> Done[Ordered]:
    """Makes a batch with one amount for everybody; a small one is worked off before the answer.

    Checks, in this order: the note, who is named twice, the group, who is unknown, how many are meant, the total.
    Refuses `note_too_long`, `note_malformed`, `invalid_input`, `group_unknown`, `member_unknown`, `figure_changed`,
    `insufficient_pool`.

    Rule: BATCH-1, BATCH-10
    """
    check_permission(asked.actor, Permission.ALLOCATE)
    check_note(wanted.note)
    if not isinstance(wanted.members, Meant):
        check_members_named(wanted.members)

    async def act(transaction: Transaction) -> Ordered:
        member_ids = await _resolved(transaction, asked, tenant_id, wanted)
        count = len(member_ids)
        rows = NewRows(member_ids, [wanted.amount] * count, [None] * count)
        return await order(transaction, desk, asked, tenant_id, Wanted(rows, wanted.amount, wanted.note, "amount"))

    return await worked_off(desk, tenant_id, await once(desk, asked, tenant_id, Ordered, act))


async def _resolved(transaction: Transaction, asked: Asked, tenant_id: UUID, wanted: BatchWanted) -> Sequence[UUID]:
    """Whom the batch is for.

    Rule: BATCH-2, BATCH-3
    """
    meant = wanted.members
    if not isinstance(meant, Meant):
        check_members_found(meant, known=await list_members_among(transaction, tenant_id, meant))
        return meant
    if meant.group_id is not None and await find_group(transaction, tenant_id, meant.group_id) is None:
        raise Refusal("group_unknown", "There is no such group.", field="filter.group_id")
    member_filter = MemberFilter(search=meant.search, group_id=meant.group_id, can_receive_from=asked.actor.identity)
    found = await list_member_ids(
        transaction, tenant_id, member_filter, except_ids=meant.except_ids, limit=ROWS_MAX
    )  # fmt: skip
    check_members_meant(found.total, seen_count=wanted.seen_count)
    return found.member_ids


async def order(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, wanted: Wanted) -> Ordered:
    """Writes a batch down, if the pool has enough for all of it. Refuses `insufficient_pool`.

    The total is looked at twice: under the lock, where it counts; and before, so that little is written in vain. The
    rows are written before the books are locked, since calls have to wait from then on.

    Rule: BATCH-4
    """
    created_by = asked.actor.identity
    assert created_by is not None, "a batch is made by somebody"
    glance = await tenant_figures(transaction, tenant_id, desk.clock.of_ledger)
    check_total(wanted.total, available=glance.pool.available, field=wanted.input_field)
    now = desk.clock.now()
    batch = NewBatch(
        new_uuid_at(now), wanted.amount, wanted.note, len(wanted.rows.member_ids), wanted.total, created_by, now
    )  # fmt: skip
    await insert_batch(transaction, tenant_id, batch)
    await insert_rows(transaction, tenant_id, batch.batch_id, wanted.rows)
    figures = await locked_figures(transaction, desk, tenant_id)
    check_total(wanted.total, available=figures.pool.available, field=wanted.input_field)
    detail = {
        "rows": str(batch.rows),
        "amount": None if batch.amount is None else str(batch.amount),
        "total": str(batch.total),
    }
    told = Told("batch_started", Subject("allocation_batch", batch.batch_id), batch.note, detail)
    await record(transaction, desk, asked, tenant_id, told)
    return Ordered(batch.batch_id, batch.rows)


async def retry_batch(
    desk: Desk, asked: Asked, tenant_id: UUID, batch_id: UUID, *, member_ids: tuple[UUID, ...] | None
) -> Done[Ordered]:
    """Has those who failed, or those of them who are named, tried again: same batch, same amounts, same notes.

    The batch itself is locked first, and the books come last, since calls have to wait from then on. Whoever works
    on batches locks the books first, but leaves one alone that has ended.

    Refuses, in this order, `invalid_input` for who is named twice, `batch_unknown`, `batch_running`, `member_unknown`
    for who is not in the batch, `nothing_failed`, `insufficient_pool`.

    Rule: BATCH-9
    """
    check_permission(asked.actor, Permission.ALLOCATE)
    retried_by = asked.actor.identity
    assert retried_by is not None, "a batch is retried by somebody"
    if member_ids is not None:
        check_members_named(member_ids)

    async def act(transaction: Transaction) -> Ordered:
        batch = await lock_batch(transaction, tenant_id, batch_id)
        if batch is None:
            raise Refusal("batch_unknown", "There is no such batch of allocations.", field="batch_id")
        if batch.is_running:
            raise Refusal("batch_running", "The batch is still under way; wait for its outcome.", field="batch_id")
        if member_ids is not None:
            known = await list_members_of_batch(transaction, tenant_id, batch_id, member_ids)
            check_members_found(member_ids, known=known)
        failed = await sum_failed_rows(transaction, tenant_id, batch_id, member_ids)
        if failed.count == 0:
            whom = "Nobody of this batch failed" if member_ids is None else "None of those who are named failed"
            raise Refusal("nothing_failed", f"{whom}, so there is nothing to try again.", field="batch_id")
        glance = await tenant_figures(transaction, tenant_id, desk.clock.of_ledger)
        check_total(failed.total, available=glance.pool.available, field="batch_id")
        await update_failed_rows_waiting(transaction, tenant_id, batch_id, member_ids)
        await update_batch_retried(
            transaction, tenant_id, batch_id, rows=failed.count, retried_by=retried_by, now=desk.clock.now()
        )
        figures = await locked_figures(transaction, desk, tenant_id)
        check_total(failed.total, available=figures.pool.available, field="batch_id")
        detail = {"rows": str(failed.count), "total": str(failed.total)}
        told = Told("batch_retried", Subject("allocation_batch", batch_id), batch.note, detail)
        await record(transaction, desk, asked, tenant_id, told)
        return Ordered(batch_id, failed.count)

    return await worked_off(desk, tenant_id, await once(desk, asked, tenant_id, Ordered, act))


async def worked_off(desk: Desk, tenant_id: UUID, done: Done[Ordered]) -> Done[Ordered]:
    """Works off a small batch at once, so that whoever asked is told the outcome; a large one is left to the worker.

    What was a small retry when it was first asked for may have become a large one by the time it is asked for again.

    Rule: BATCH-5
    """
    ordered = done.answer
    reached = 0
    for _ in range(TURNS_AT_ONCE_MAX if ordered.waiting <= AT_ONCE_MAX else 0):
        reached = await work_on_batch(desk, tenant_id, ordered.batch_id, after=reached)
        if reached == 0:
            return done
    desk.batches_waiting.set()
    return done


async def work_on_batch(desk: Desk, tenant_id: UUID, batch_id: UUID, *, after: int) -> int:
    """Allocates the next rows that wait after this position, in one transaction; returns the position it reached.

    Zero is where to begin: it is returned when there was nothing after `after`, in case somebody else went ahead.

    Rule: BATCH-6, BATCH-7
    """

    async def attempt() -> int:
        async with writing_in_bulk(desk.tenants, tenant_id) as transaction:
            # The rows only under the lock: whoever else works on this batch has written theirs by then.
            await lock_books(transaction, tenant_id)
            batch = await find_batch(transaction, tenant_id, batch_id)
            if batch is None or not batch.is_running:
                return 0
            rows = await list_waiting_rows(transaction, tenant_id, batch_id, after=after, limit=ROWS_PER_TURN)
            if not rows and after == 0:
                raise Broken("a batch under way has rows that wait", batch=public_id("allocation_batch", batch_id))
            if not rows:
                return 0
            transfers = [_transfer(batch, row) for row in rows]
            outcomes = await post(transaction, tenant_id, transfers, desk.clock.of_ledger)
            await _write_down(transaction, desk, tenant_id, batch_id, rows=rows, transfers=transfers, outcomes=outcomes)
            return rows[-1].position

    return await retrying(attempt)


def _transfer(batch: Batch, row: WaitingRow) -> Transfer:
    """Without a key: the row itself says whether it was done, and changes in the same transaction."""
    return Transfer(
        actor_id=batch.retried_by or batch.created_by,
        transfer_id=new_uuid(),
        kind="allocation",
        amount=row.amount,
        member_id=row.member_id,
        note=row.note or batch.note,
    )


async def _write_down(
    transaction: Transaction, desk: Desk, tenant_id: UUID, batch_id: UUID, *, rows: Sequence[WaitingRow],
    transfers: Sequence[Transfer], outcomes: Sequence[Outcome],
) -> None:  # fmt: skip
    """The outcome of each row, the counts, and, with the last row, the event.

    Rule: BATCH-7, BATCH-8
    """
    written = []
    sum_given = ZERO
    for row, transfer, outcome in zip(rows, transfers, outcomes, strict=True):
        refusal = outcome.refusal
        if refusal is None:
            sum_given += transfer.amount
            written.append(RowOutcome(row.position, transfer.transfer_id))
        else:
            written.append(RowOutcome(row.position, None, refusal.code, refusal.detail))
    given = sum(one.transfer_id is not None for one in written)
    await update_outcomes(transaction, tenant_id, batch_id, written)
    batch = await update_progress(
        transaction, tenant_id, batch_id, given=given, failed=len(written) - given, sum_given=sum_given,
        now=desk.clock.now(),
    )  # fmt: skip
    if not batch.is_running:
        await record(transaction, desk, Asked(SYSTEM), tenant_id, _finished(batch))


def _finished(batch: Batch) -> Told:
    """The event tells whom it concerns and how many failed, because people are told of it.

    Rule: BATCH-8
    """
    detail = {
        "rows": str(batch.rows),
        "given": str(batch.given),
        "failed": str(batch.failed),
        "given_total": str(batch.given_total),
        "total": str(batch.total),
        "asked_by": public_id("member", batch.retried_by or batch.created_by),
    }
    return Told("batch_finished", Subject("allocation_batch", batch.batch_id), batch.note, detail)
