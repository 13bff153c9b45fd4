"""Usage logs: one's own calls, and for who runs a tenant those of everybody in it; as pages, as a file, one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from bursar.api.answers import Shape, problems
from bursar.api.call_shapes import (
    COLUMNS,
    CallDetailShape,
    CallOutcomeName,
    CallShape,
    call_detail_shape,
    call_shape,
    row_of_call,
)
from bursar.api.csv_answers import CsvAnswer, Row, csv_answer, csv_file_name
from bursar.api.identifiers import CallId, GroupId, KeyId, MemberId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import TenantVisit, tenant
from bursar.api.times import Moment
from bursar.domain.calls import CallOutcome
from bursar.domain.credits import parse_metered
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.permissions import check_own, reaches_others
from bursar.domain.roles import Permission
from bursar.reports.calls import CallList, CallPage, see_call
from bursar.store.call_search import CallFilter, CallPlace

routes = APIRouter(tags=["usage"])

FILE_PAGE_SIZE = 1000
"""Rows read at once for a file; each page is a transaction of its own, so a slow reader keeps none open."""

NAME_LENGTH_MAX = 200
"""Longer than any model, provider or endpoint is called."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

WordAsked = Annotated[str | None, Query(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f]*$")]
Reader = Annotated[TenantVisit, tenant(Permission.SEE_USAGE)]


class CallPageShape(Shape):
    """A page of calls, newest first. A page can be short, or even empty, and still have a `next_cursor`: one looks at
    20 000 calls, of which few may be asked for. `total` counts the latest 20 000; `total_is_at_least` says that there
    may be more.
    """

    calls: list[CallShape]
    total: int
    total_is_at_least: bool
    next_cursor: str | None


def wanted_calls(
    visit: Reader,
    since: Annotated[Moment | None, Query(description="Began at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Began before this time.")] = None,
    member_id: Annotated[MemberId | None, Query(description="Made by this member.")] = None,
    group_id: Annotated[GroupId | None, Query(description="Made by who was in this group then.")] = None,
    key_id: Annotated[KeyId | None, Query(description="Made with this key.")] = None,
    model: WordAsked = None,
    provider: WordAsked = None,
    endpoint: WordAsked = None,
    outcome: Annotated[CallOutcomeName | None, Query(description="How it came out.")] = None,
    is_streamed: Annotated[bool | None, Query(description="Whether the answer was streamed.")] = None,
    credits_min: Annotated[str | None, Query(description="Charged at least so many credits.")] = None,
    credits_max: Annotated[str | None, Query(description="Charged at most so many credits.")] = None,
) -> CallFilter:
    """What the caller wants to see: a member only the own calls. Refuses `invalid_input`, `not_permitted`, and what is
    no amount.

    Rule: USAGE-2, USAGE-3
    """
    return CallFilter(
        since=since,
        until=until,
        member_id=whose(visit, member_id),
        group_id=group_id,
        key_id=key_id,
        model=model,
        provider=provider,
        endpoint=endpoint,
        outcome=None if outcome is None else CallOutcome(outcome),
        is_streamed=is_streamed,
        credits_min=None if credits_min is None else parse_metered(credits_min, field="credits_min"),
        credits_max=None if credits_max is None else parse_metered(credits_max, field="credits_max"),
    )


def whose(visit: TenantVisit, named: UUID | None) -> UUID | None:
    """Whose calls may be looked at: None is everybody's. Refuses `not_permitted` to a member who names another one.

    Rule: USAGE-2
    """
    actor = visit.asked.actor
    if reaches_others(actor, Permission.SEE_USAGE):
        return named
    check_own(actor, Permission.SEE_USAGE, named)
    return visit.person.identity


Wanted = Annotated[CallFilter, Depends(wanted_calls)]


@routes.get("/calls", responses=problems(401, 403, 404, 422))
async def list_calls(visit: Reader, wanted: Wanted, limit: Limit = PAGE_SIZE, cursor: Cursor = None) -> CallPageShape:
    """Calls, newest first: of everybody in the tenant for who runs it, one's own for a member."""
    before = None if cursor is None else _place(cursor)
    page = await _calls_of(visit, wanted).page(before=before, limit=limit, with_count=True)
    assert page.count is not None, "it was asked for"
    return CallPageShape(
        calls=[call_shape(call, page.names) for call in page.calls],
        total=page.count.total,
        total_is_at_least=page.count.is_at_least,
        next_cursor=None if page.next_place is None else _cursor(page.next_place),
    )


@routes.get("/calls.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_calls(visit: Reader, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file. The first page is read before the answer begins, so that what is refused is refused with
    a problem.

    Rule: USAGE-10
    """
    found = _calls_of(visit, wanted)
    first = await found.page(before=None, limit=FILE_PAGE_SIZE, with_count=False)

    async def pages() -> AsyncIterator[list[Row]]:
        page: CallPage | None = first
        while page is not None:
            yield [row_of_call(call_shape(call, page.names)) for call in page.calls]
            place = page.next_place
            page = None if place is None else await found.page(before=place, limit=FILE_PAGE_SIZE, with_count=False)

    return csv_answer(COLUMNS, pages(), file_name=csv_file_name("calls", first.tenant_name, at=visit.desk.clock.now()))


@routes.get("/calls/{call_id}", responses=problems(401, 403, 404, 422))
async def get_call(call_id: CallId, visit: Reader) -> CallDetailShape:
    """One call, with the price that was in force, how its charge came about, and what its provider said of its use."""
    only_of = whose(visit, None)
    return call_detail_shape(await see_call(visit.desk.tenants, visit.tenant_id, call_id, only_of=only_of))


def _calls_of(visit: TenantVisit, wanted: CallFilter) -> CallList:
    return CallList(visit.desk.tenants, visit.tenant_id, wanted)


def _cursor(place: CallPlace) -> str:
    return encode_cursor((place.started_at - _EPOCH) // _MICROSECOND, public_id("call", place.call_id))


def _place(cursor: str) -> CallPlace:
    """Where the page before ended. Refuses `invalid_input` for a time that no call can have."""
    passed, call_id = decode_cursor(cursor, int, str)
    try:
        started_at = _EPOCH + passed * _MICROSECOND
    except OverflowError:
        raise not_handed_out() from None
    return CallPlace(started_at, parse_public_id("call", call_id, field="cursor"))
