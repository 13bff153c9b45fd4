"""Batches of allocations: how far each is, who asked for it, and what became of everybody in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.reports.names import list_names
from bursar.store.allocation_batches import Batch, find_batch, list_batches


@dataclass(frozen=True)
class SeenBatch:
    """A batch, and what those are called who made it and last tried it again."""

    batch: Batch
    created_by_name: str
    retried_by_name: str | None


@dataclass(frozen=True)
class SeenRow:
    """One member of a batch. Whoever was deleted since has a number for a name, and no address."""

    position: int
    member_id: UUID
    name: str
    email: str | None
    amount: Credits
    note: str | None
    state: str
    code: str | None
    detail: str | None
    transfer_id: UUID | None


async def see_batches(
    database: Database, tenant_id: UUID, *, state: str | None, before: UUID | None, limit: int
) -> list[SeenBatch]:
    """Batches of the tenant, the newest first.

    Rule: BATCH-8
    """
    async with reading(database, tenant_id) as transaction:
        batches = await list_batches(transaction, tenant_id, state=state, before=before, limit=limit)
        return await _named(transaction, tenant_id, batches)


async def see_batch(database: Database, tenant_id: UUID, batch_id: UUID) -> SeenBatch:
    """One batch. Refuses `batch_unknown`.

    Rule: BATCH-8
    """
    async with reading(database, tenant_id) as transaction:
        batch = await find_batch(transaction, tenant_id, batch_id)
        if batch is None:
            raise batch_unknown()
        (seen,) = await _named(transaction, tenant_id, [batch])
    return seen


async def see_batch_rows(
    database: Database, tenant_id: UUID, batch_id: UUID, *, state: str | None, after: int, limit: int
) -> list[SeenRow]:
    """Rows of a batch in this state, or all, in order, those after position `after`. Refuses `batch_unknown`.

    Rule: BATCH-8
    """
    async with reading(database, tenant_id) as transaction:
        if await find_batch(transaction, tenant_id, batch_id) is None:
            raise batch_unknown()
        rows = await transaction.fetch(
            """
            select page.position, page.member_id, member.display_name, member.email, page.amount_micro, page.note,
                   page.state, page.code, page.detail, page.transfer_id
            from allocation_batch_rows as page
            join members as member
              on member.tenant_id = page.tenant_id
             and member.member_id = page.member_id
            where page.tenant_id = $1
              and page.batch_id = $2
              and member.tenant_id = $1
              and ($3::text is null or page.state = $3)
              and page.position > $4
            order by page.position
            limit $5
            """,
            tenant_id,
            batch_id,
            state,
            after,
            limit,
        )
    return [
        SeenRow(
            row["position"], row["member_id"], row["display_name"], row["email"], Credits(row["amount_micro"]),
            row["note"], row["state"], row["code"], row["detail"], row["transfer_id"],
        )
        for row in rows
    ]  # fmt: skip


def batch_unknown() -> Refusal:
    """What is said of a batch that is not there, or of another tenant."""
    return Refusal("batch_unknown", "There is no such batch of allocations.", field="batch_id")


async def _named(transaction: Transaction, tenant_id: UUID, batches: Sequence[Batch]) -> list[SeenBatch]:
    ids = {one for batch in batches for one in (batch.created_by, batch.retried_by) if one is not None}
    named = await list_names(transaction, tenant_id, ids)
    names: Mapping[UUID, str] = {identity: one.name for identity, one in named.items()}
    return [
        SeenBatch(batch, names[batch.created_by], None if batch.retried_by is None else names[batch.retried_by])
        for batch in batches
    ]
