"""Allocations to many at once: making a batch, watching it, and trying again what failed of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import ConfigDict, Field

from bursar.actions.allocation_batches import BatchWanted, Meant, retry_batch, start_batch
from bursar.actions.allocation_imports import start_import
from bursar.api.amounts import Amount, TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import AllocationBatchId, GroupId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Note, SearchText
from bursar.domain.allocation_batches import ROWS_MAX
from bursar.domain.allocation_imports import CSV_LENGTH_MAX
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.allocation_batches import SeenBatch, SeenRow, see_batch, see_batch_rows, see_batches

routes = APIRouter(tags=["allocation batches"])

LARGE_BODY_BYTES = 10_000_000
"""Room for the ids of 100 000 members, which take 4 MB, and for the longest file, as JSON."""

LARGE_BODIES = {"/allocation-batches": LARGE_BODY_BYTES, "/allocation-imports": LARGE_BODY_BYTES}
"""The paths below which a body may be larger than the setting says, if that says less."""

IDS_AT_A_TIME = 250
"""So many ids are read in half a millisecond. A call takes several turns of the event loop, and waits that long for
each of them while ids are read."""

# Looked at in `read_ids`, some at a time: doing it here for a hundred thousand would keep every call waiting.
MemberIdText = Annotated[str, Field(json_schema_extra={"pattern": "^mem_[0-9a-f]{32}$"})]
_MEMBER_ID = re.compile(r"mem_[0-9a-f]{32}")
MemberIds = Annotated[list[MemberIdText], Field(min_length=1, max_length=ROWS_MAX)]
BatchState = Literal["running", "finished"]
RowState = Literal["waiting", "given", "failed"]


class MemberFilterDraft(Shape):
    """All active members to whom the caller can allocate, whom a search finds or who are in a group, but for some."""

    search: SearchText = ""
    group_id: GroupId | None = None
    except_ids: list[MemberIdText] = Field(default_factory=list, max_length=ROWS_MAX)


class BatchDraft(Shape):
    """Exactly one of `member_ids` and `filter`, the amount that each member gets, and a note if wanted. With a filter,
    `seen_count` is how many members the person saw it let through."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [one], "properties": {other: {"type": "null"}}}
                for one, other in (("member_ids", "filter"), ("filter", "member_ids"))
            ]
        }
    )

    member_ids: MemberIds | None = None
    filter: MemberFilterDraft | None = None
    amount: TypedAmount
    note: Note = None
    seen_count: int | None = Field(None, ge=0, le=2**31 - 1, strict=True)

    async def wanted(self) -> BatchWanted:
        if self.member_ids is not None and self.filter is None:
            members = await read_ids(self.member_ids, field="member_ids")
            return BatchWanted(members, self.amount, self.note)
        if self.filter is not None and self.member_ids is None:
            except_ids = await read_ids(self.filter.except_ids, field="filter.except_ids")
            meant = Meant(self.filter.search or None, self.filter.group_id, except_ids)
            return BatchWanted(meant, self.amount, self.note, self.seen_count)
        raise Refusal("invalid_input", "Name either members or a filter.", field="member_ids")


class ImportDraft(Shape):
    """The text of a CSV file. Its first line names the columns: `member` (an address, a username or an id), `amount`,
    and `note` if wanted."""

    csv: str = Field(min_length=1, max_length=CSV_LENGTH_MAX)


class RetryDraft(Shape):
    """Whom of those who failed to try again; all of them if nobody is named."""

    member_ids: MemberIds | None = None


class BatchPerson(Shape):
    """Who made a batch, or last tried it again."""

    id: str
    name: str


class BatchShape(Shape):
    """One batch. Every row has an outcome when it is finished: `given` and `failed` then come to `rows`. `amount` is
    null where each row has its own; `total` is what all rows come to, and `given_total` what was given so far."""

    id: str
    kind: Literal["equal", "import"]
    state: BatchState
    rows: int
    given: int
    failed: int
    amount: Amount | None
    total: Amount
    given_total: Amount
    note: str | None
    created_by: BatchPerson
    created_at: datetime
    finished_at: datetime | None
    retried_by: BatchPerson | None
    retried_at: datetime | None


class BatchList(Shape):
    """A page of batches, the newest first."""

    batches: list[BatchShape]
    next_cursor: str | None


class BatchRowShape(Shape):
    """One member of a batch, and what became of it: the transfer, or the code and the sentence of the reason. `note`
    is the row's own, where it has one."""

    position: int
    member_id: str
    member_name: str
    member_email: str | None
    amount: Amount
    note: str | None
    state: RowState
    code: str | None
    reason: str | None
    transfer_id: str | None


class BatchRowList(Shape):
    """A page of the rows of a batch, in the order in which they were named."""

    rows: list[BatchRowShape]
    next_cursor: str | None


@routes.post("/allocation-batches", status_code=202, responses=problems(401, 403, 404, 409, 422))
async def create_allocation_batch(
    body: BatchDraft, visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)]
) -> BatchShape:
    """Allocates one amount to each of many members. A small batch has its outcome in the answer, a larger one is
    watched at its own address. A repeat tells of the same batch, as it is by then."""
    ordered = visit.told(await start_batch(visit.desk, visit.asked, visit.tenant_id, await body.wanted()))
    return await _present(visit, ordered.batch_id)


@routes.post("/allocation-imports", status_code=202, responses=problems(401, 403, 404, 409, 422))
async def create_allocation_import(
    body: ImportDraft, visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)]
) -> BatchShape:
    """Allocates what the lines of a CSV file say, as a batch. If a line is wrong, nothing is done, and `facts` tells
    the reason for each, as `line_7`."""
    ordered = visit.told(await start_import(visit.desk, visit.asked, visit.tenant_id, body.csv))
    return await _present(visit, ordered.batch_id)


@routes.get("/allocation-batches", responses=problems(401, 403, 404, 422))
async def list_allocation_batches(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_TRANSACTIONS)],
    state: Annotated[BatchState | None, Query(description="Only those under way, or only finished ones.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> BatchList:
    """The tenant's batches of allocations, the newest first."""
    before: UUID | None = None
    if cursor is not None:
        before = parse_public_id("allocation_batch", decode_cursor(cursor, str)[0], field="cursor")
    page = await see_batches(visit.desk.tenants, visit.tenant_id, state=state, before=before, limit=limit + 1)
    shown = [_shape(batch) for batch in page[:limit]]
    return BatchList(batches=shown, next_cursor=encode_cursor(shown[-1].id) if len(page) > limit else None)


@routes.get("/allocation-batches/{batch_id}", responses=problems(401, 403, 404, 422))
async def get_allocation_batch(
    batch_id: AllocationBatchId, visit: Annotated[TenantVisit, tenant(Permission.SEE_TRANSACTIONS)]
) -> BatchShape:
    """One batch, and how far it is."""
    return await _present(visit, batch_id)


@routes.get("/allocation-batches/{batch_id}/rows", responses=problems(401, 403, 404, 422))
async def list_allocation_batch_rows(
    batch_id: AllocationBatchId,
    visit: Annotated[TenantVisit, tenant(Permission.SEE_TRANSACTIONS)],
    state: Annotated[RowState | None, Query(description="Only rows in this state.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> BatchRowList:
    """What became of everybody in a batch."""
    after = 0 if cursor is None else decode_cursor(cursor, int)[0]
    page = await see_batch_rows(
        visit.desk.tenants, visit.tenant_id, batch_id, state=state, after=min(after, ROWS_MAX), limit=limit + 1
    )
    shown = [_row_shape(row) for row in page[:limit]]
    return BatchRowList(rows=shown, next_cursor=encode_cursor(shown[-1].position) if len(page) > limit else None)


@routes.post("/allocation-batches/{batch_id}/retry", status_code=202, responses=problems(401, 403, 404, 409, 422))
async def retry_allocation_batch(
    batch_id: AllocationBatchId,
    body: Annotated[RetryDraft, Body(default_factory=RetryDraft)],
    visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)],
) -> BatchShape:
    """Tries again what failed of a finished batch. Whoever was given is left alone, whoever is named."""
    member_ids = None if body.member_ids is None else await read_ids(body.member_ids, field="member_ids")
    visit.told(await retry_batch(visit.desk, visit.asked, visit.tenant_id, batch_id, member_ids=member_ids))
    return await _present(visit, batch_id)


async def read_ids(texts: Sequence[str], *, field: str) -> tuple[UUID, ...]:
    """The members' ids in these texts, some at a time, so that calls go on meanwhile. Refuses `invalid_input`, naming
    the first that is none by its place in the list, which is counted from 0.
    """
    ids: list[UUID] = []
    for start in range(0, len(texts), IDS_AT_A_TIME):
        for place, text in enumerate(texts[start : start + IDS_AT_A_TIME], start):
            if not _MEMBER_ID.fullmatch(text):
                raise Refusal(
                    "invalid_input", 'A member id looks like "mem_" and 32 hex digits.', field=f"{field}.{place}"
                )
            ids.append(UUID(hex=text[4:]))
        await asyncio.sleep(0)
    return tuple(ids)


async def _present(visit: TenantVisit, batch_id: UUID) -> BatchShape:
    return _shape(await see_batch(visit.desk.tenants, visit.tenant_id, batch_id))


def _shape(seen: SeenBatch) -> BatchShape:
    batch = seen.batch
    retried_by = None
    if batch.retried_by is not None and seen.retried_by_name is not None:
        retried_by = BatchPerson(id=public_id("member", batch.retried_by), name=seen.retried_by_name)
    return BatchShape.model_validate(
        {
            "id": public_id("allocation_batch", batch.batch_id),
            "kind": batch.kind,
            "state": batch.state,
            "rows": batch.rows,
            "given": batch.given,
            "failed": batch.failed,
            "amount": batch.amount,
            "total": batch.total,
            "given_total": batch.given_total,
            "note": batch.note,
            "created_by": {"id": public_id("member", batch.created_by), "name": seen.created_by_name},
            "created_at": batch.created_at,
            "finished_at": batch.finished_at,
            "retried_by": retried_by,
            "retried_at": batch.retried_at,
        }
    )


def _row_shape(row: SeenRow) -> BatchRowShape:
    return BatchRowShape.model_validate(
        {
            "position": row.position,
            "member_id": public_id("member", row.member_id),
            "member_name": row.name,
            "member_email": row.email,
            "amount": row.amount,
            "note": row.note,
            "state": row.state,
            "code": row.code,
            "reason": row.detail,
            "transfer_id": None if row.transfer_id is None else public_id("transfer", row.transfer_id),
        }
    )
