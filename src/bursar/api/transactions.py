"""Balance transactions: the pool's side for admins, a member's own side for the member and for admins; as pages and as
files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from bursar.api.answers import Shape, problems
from bursar.api.csv_answers import CsvAnswer, Row, csv_answer, csv_file_name
from bursar.api.identifiers import MemberId, PersonId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import TenantVisit, Visit, platform, tenant
from bursar.api.texts import SearchText
from bursar.api.times import Moment
from bursar.api.transaction_shapes import (
    COLUMNS,
    MEMBER_COLUMNS,
    MemberTransactionShape,
    TransactionShape,
    of_member,
    of_pool,
    row_of_member,
    row_of_pool,
)
from bursar.domain.credits import parse_metered
from bursar.domain.roles import Permission
from bursar.domain.transfers import TransferKind
from bursar.ledger import OfMember, OfPool, Place, TransferFilter
from bursar.reports.transactions import TransactionList, TransactionPage, kinds_of_member, kinds_of_pool

routes = APIRouter(tags=["transactions"])

LINE_MAX = 2**31 - 1
"""Lines of a batch are counted by a 32-bit integer in the database, which could not even be asked for a later one."""

FILE_PAGE_SIZE = 1000
"""Rows read at once for a file; each page is a transaction of its own, so a slow reader keeps none open."""

KINDS_MAX = 100
"""More than there are, so that everything can be asked for by name."""

ShownRow = TypeVar("ShownRow", TransactionShape, MemberTransactionShape)


class TransactionPageShape(Shape):
    """A page of the pool's transactions, newest first."""

    transactions: list[TransactionShape]
    next_cursor: str | None


class MemberTransactionPageShape(Shape):
    """A page of a member's transactions, newest first."""

    transactions: list[MemberTransactionShape]
    next_cursor: str | None


class TransactionKindShape(Shape):
    """A kind of transaction: what it is called, the colour it is shown with, and what it means."""

    code: str
    label: str
    tag: str
    meaning: str


class TransactionKindList(Shape):
    """Every kind that may stand in the list."""

    kinds: list[TransactionKindShape]


def wanted_on_both_sides(
    kind: Annotated[
        list[str],
        Query(default_factory=list, max_length=KINDS_MAX, description="Only these kinds; repeat it for several."),
    ],
    since: Annotated[Moment | None, Query(description="From this time on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this time.")] = None,
    amount_min: Annotated[str | None, Query(description="At least so many credits, in or out.")] = None,
    amount_max: Annotated[str | None, Query(description="At most so many credits, in or out.")] = None,
    search: Annotated[
        SearchText | None,
        Query(description="Part of the note; on the pool's side also of the name or address of who is in it."),
    ] = None,
) -> TransferFilter:
    """What the caller wants to see of either side. Refuses `invalid_input`, and what is no amount."""
    return TransferFilter(
        kinds=tuple(sorted(set(kind))),
        since=since,
        until=until,
        amount_min=None if amount_min is None else parse_metered(amount_min, field="amount_min"),
        amount_max=None if amount_max is None else parse_metered(amount_max, field="amount_max"),
        text=search or None,
    )


Wanted = Annotated[TransferFilter, Depends(wanted_on_both_sides)]


def wanted_of_pool(
    wanted: Wanted,
    member_id: Annotated[MemberId | None, Query(description="Only to or from this member.")] = None,
    actor_id: Annotated[PersonId | None, Query(description="Only what this member or super admin did.")] = None,
) -> TransferFilter:
    """What the caller wants to see of the pool's side. Refuses `invalid_input`."""
    return replace(wanted, related_id=member_id, actor_id=actor_id)


WantedOfPool = Annotated[TransferFilter, Depends(wanted_of_pool)]
Reader = Annotated[TenantVisit, tenant(Permission.SEE_TRANSACTIONS)]
Owner = Annotated[TenantVisit, tenant(Permission.SEE_OWN_CREDITS)]


@routes.get("/transactions", responses=problems(401, 403, 404, 422))
async def list_transactions(
    visit: Reader, wanted: WantedOfPool, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> TransactionPageShape:
    """All that came into the pool and went out of it, newest first: each row begins where the one below it ended."""
    page, next_cursor = await _page(_pool_of(visit, wanted), limit, cursor)
    return TransactionPageShape(
        transactions=[of_pool(seen, page.parties) for seen in page.transactions], next_cursor=next_cursor
    )


@routes.get("/transactions/kinds", responses=problems(401, 403))
async def list_transaction_kinds(
    visit: Annotated[Visit, platform(Permission.SEE_TRANSACTIONS)],
) -> TransactionKindList:
    """The kinds that may stand in the pool's list, for its filter."""
    return _kinds(kinds_of_pool())


@routes.get("/transactions.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_transactions(visit: Reader, wanted: WantedOfPool) -> CsvAnswer:
    """The same as a CSV file."""
    return await _file(visit, _pool_of(visit, wanted), COLUMNS, lambda page: _rows(page, of_pool, row_of_pool))


@routes.get("/members/{member_id}/transactions", responses=problems(401, 403, 404, 422))
async def list_member_transactions(
    member_id: MemberId, visit: Reader, wanted: Wanted, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> MemberTransactionPageShape:
    """What one member got, gave back and used, from the member's own side, newest first; deleted members included."""
    return await _member_page(_member_of(visit, member_id, wanted), limit, cursor)


@routes.get("/members/{member_id}/transactions.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_member_transactions(member_id: MemberId, visit: Reader, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file."""
    return await _member_file(visit, _member_of(visit, member_id, wanted))


@routes.get("/own-transactions", responses=problems(401, 403, 404, 422))
async def list_own_transactions(
    visit: Owner, wanted: Wanted, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> MemberTransactionPageShape:
    """What one got, gave back and used oneself, newest first. A tenant admin's is the own use of the pool."""
    return await _member_page(_member_of(visit, visit.person.identity, wanted), limit, cursor)


@routes.get("/own-transactions/kinds", responses=problems(401, 403))
async def list_own_transaction_kinds(
    visit: Annotated[Visit, platform(Permission.SEE_OWN_CREDITS)],
) -> TransactionKindList:
    """The kinds that may stand in a member's list, for its filter."""
    return _kinds(kinds_of_member())


@routes.get("/own-transactions.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_own_transactions(visit: Owner, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file."""
    return await _member_file(visit, _member_of(visit, visit.person.identity, wanted))


def _pool_of(visit: TenantVisit, wanted: TransferFilter) -> TransactionList:
    return TransactionList(visit.desk.tenants, visit.tenant_id, OfPool(), wanted)


def _member_of(visit: TenantVisit, member_id: UUID, wanted: TransferFilter) -> TransactionList:
    return TransactionList(visit.desk.tenants, visit.tenant_id, OfMember(member_id), wanted)


async def _member_page(found: TransactionList, limit: int, cursor: str | None) -> MemberTransactionPageShape:
    page, next_cursor = await _page(found, limit, cursor)
    return MemberTransactionPageShape(
        transactions=[of_member(seen, page.parties) for seen in page.transactions], next_cursor=next_cursor
    )


async def _member_file(visit: TenantVisit, found: TransactionList) -> CsvAnswer:
    return await _file(visit, found, MEMBER_COLUMNS, lambda page: _rows(page, of_member, row_of_member))


async def _page(found: TransactionList, limit: int, cursor: str | None) -> tuple[TransactionPage, str | None]:
    """A page of at most so many, and where the next one begins, if there is one.

    Rule: TRANSACTION-7
    """
    page = await found.page(before=None if cursor is None else _place(cursor), limit=limit + 1)
    has_more = len(page.transactions) > limit
    del page.transactions[limit:]
    return page, encode_cursor(*page.transactions[-1].transfer.place) if has_more else None


def _place(cursor: str) -> Place:
    """Where the page before ended. Refuses `invalid_input` for a line that no batch can have."""
    place = Place(*decode_cursor(cursor, int, int))
    if place.line > LINE_MAX:
        raise not_handed_out()
    return place


async def _file(
    visit: TenantVisit,
    found: TransactionList,
    columns: tuple[str, ...],
    rows_of: Callable[[TransactionPage], list[Row]],
) -> CsvAnswer:
    """The first page is read before the answer begins, so that what is refused is refused with a problem.

    Rule: TRANSACTION-6
    """
    first = await found.page(before=None, limit=FILE_PAGE_SIZE)

    async def pages() -> AsyncIterator[list[Row]]:
        page = first
        while page.transactions:
            yield rows_of(page)
            if len(page.transactions) < FILE_PAGE_SIZE:
                return
            page = await found.page(before=page.transactions[-1].transfer.place, limit=FILE_PAGE_SIZE)

    return csv_answer(
        columns, pages(), file_name=csv_file_name("transactions", first.owner_name, at=visit.desk.clock.now())
    )


def _rows(
    page: TransactionPage,
    shape: Callable[..., ShownRow],
    row: Callable[[ShownRow], Row],
) -> list[Row]:
    return [row(shape(seen, page.parties)) for seen in page.transactions]


def _kinds(kinds: list[TransferKind]) -> TransactionKindList:
    return TransactionKindList(
        kinds=[
            TransactionKindShape(code=kind.code, label=kind.label, tag=str(kind.tag), meaning=kind.meaning)
            for kind in kinds
        ]
    )
