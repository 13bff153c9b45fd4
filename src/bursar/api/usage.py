"""Cost Tracking: what calls come to, by day, model, member, group, key and provider; and one's own, for a dashboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from bursar.api.amounts import Amount, Dollars
from bursar.api.answers import Shape, problems
from bursar.api.call_shapes import CallShape, call_shape
from bursar.api.calls import WordAsked, whose
from bursar.api.csv_answers import CsvAnswer, Row, csv_answer, csv_file_name
from bursar.api.identifiers import GroupId, KeyId, MemberId
from bursar.api.own_credits import OwnCreditsShape, own_credits_shape
from bursar.api.signed_in import TenantVisit, Visit, platform, tenant
from bursar.api.times import Day
from bursar.domain.costs import Cost
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.roles import Permission
from bursar.domain.usage_figures import Dimension, UsageFigures, parse_dimensions
from bursar.reports.usage import AskedDays, UsageKey, UsageReport, UsageWanted, see_own_usage, see_usage

routes = APIRouter(tags=["usage"])


class UsageTotals(Shape):
    """What some calls come to. Input tokens include what was read from and written to a cache, output tokens the
    reasoning. `failed` calls cost nothing; of `estimated` ones the use was counted here, since their provider said
    nothing; of `unpriced` ones nobody knows the dollars, so `dollars` leaves them out.
    """

    calls: int
    failed: int
    estimated: int
    unpriced: int
    input_tokens: int
    cached_read_tokens: int
    cached_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    dollars: Dollars
    credits: Amount


class UsageKeyShape(Shape):
    """Which day, model, member, group, key or provider a row is of. `id` is null for calls without a key or provider,
    and for the rest that is not told apart: `others` is how many of them that is, and 0 everywhere else.
    """

    by: Dimension
    id: str | None
    name: str
    others: int


class UsageRowShape(Shape):
    """What the calls of one key, or of a pair of keys, come to."""

    keys: list[UsageKeyShape]
    figures: UsageTotals


class PeriodShape(Shape):
    """Whole days in the tenant's time zone, the last one included."""

    first: date
    last: date
    days: int
    time_zone: str


class UsageReportShape(Shape):
    """The rows sum to the totals. Days stand in their order, and have no row without calls; everything else stands from
    what cost most to what cost least, the 50 largest apart and the others as one.
    """

    period: PeriodShape
    totals: UsageTotals
    rows: list[UsageRowShape]


class UsageOfDay(Shape):
    """What one day's calls come to."""

    day: date
    figures: UsageTotals


class OwnUsageShape(Shape):
    """What one has, what one's calls of the last 30 days come to, each day by itself, and the latest ten of them."""

    credits: OwnCreditsShape
    period: PeriodShape
    totals: UsageTotals
    days: list[UsageOfDay]
    calls: list[CallShape]


Reader = Annotated[TenantVisit, tenant(Permission.SEE_USAGE)]


def wanted_usage(
    visit: Reader,
    first: Annotated[
        Day | None, Query(alias="from", description="The first day; without it, the running cycle's first.")
    ] = None,
    last: Annotated[Day | None, Query(alias="to", description="The last day; without it, today.")] = None,
    by: Annotated[
        str,
        Query(
            max_length=40,
            pattern=r"^[a-z]+(,[a-z]+)?$",
            description="One or two of day, model, member, group, key, provider, with a comma between them.",
            examples=["day,model"],
        ),
    ] = "day",
    member_id: Annotated[MemberId | None, Query(description="Only calls of this member.")] = None,
    group_id: Annotated[GroupId | None, Query(description="Only calls of who was in this group then.")] = None,
    key_id: Annotated[KeyId | None, Query(description="Only calls with this key.")] = None,
    model: WordAsked = None,
    provider: WordAsked = None,
) -> UsageWanted:
    """What the caller wants to see: a member only the own calls. Refuses `invalid_input`, `not_permitted`."""
    return UsageWanted(
        days=AskedDays(first, last),
        dimensions=parse_dimensions(by),
        member_id=whose(visit, member_id),
        group_id=group_id,
        key_id=key_id,
        model=model,
        provider=provider,
    )


Wanted = Annotated[UsageWanted, Depends(wanted_usage)]


@routes.get("/reports/usage", responses=problems(401, 403, 404, 422))
async def get_usage(visit: Reader, wanted: Wanted) -> UsageReportShape:
    """What calls come to, right to the moment: of everybody in the tenant for who runs it, one's own for a member."""
    report = await _report(visit, wanted)
    return UsageReportShape(
        period=_period(report.period.first, report.period.last, report.period.days, report.time_zone),
        totals=_totals(report.totals),
        rows=[
            UsageRowShape(keys=[_key(key) for key in line.keys], figures=_totals(line.figures)) for line in report.lines
        ],
    )


@routes.get("/reports/usage.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_usage(visit: Reader, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file.

    Rule: USAGE-10
    """
    report = await _report(visit, wanted)

    async def pages() -> AsyncIterator[list[Row]]:
        yield [_row([_key(key) for key in line.keys], _totals(line.figures)) for line in report.lines]

    columns = [column for by in wanted.dimensions for column in (str(by), f"{by}_id", f"{by}_others")]
    name = csv_file_name("usage", report.tenant_name, at=visit.desk.clock.now())
    return csv_answer([*columns, *UsageTotals.model_fields], pages(), file_name=name)


@routes.get("/own-usage", responses=problems(401, 403))
async def get_own_usage(visit: Annotated[Visit, platform(Permission.SEE_OWN_CREDITS)]) -> OwnUsageShape:
    """One's own credits, usage by day, and latest calls, of one moment: what a dashboard shows."""
    person, clock = visit.person, visit.desk.clock
    assert person.tenant is not None, "a super admin calls no models"
    seen = await see_own_usage(
        visit.desk.tenants, person.tenant.tenant_id, person.identity, clock.of_ledger, now=clock.now()
    )
    return OwnUsageShape(
        credits=own_credits_shape(seen.credits),
        period=_period(seen.period.first, seen.period.last, seen.period.days, seen.time_zone),
        totals=_totals(seen.totals),
        days=[UsageOfDay(day=day, figures=_totals(figures)) for day, figures in seen.days],
        calls=[call_shape(call, seen.names) for call in seen.calls],
    )


async def _report(visit: TenantVisit, wanted: UsageWanted) -> UsageReport:
    clock = visit.desk.clock
    return await see_usage(visit.desk.tenants, visit.tenant_id, wanted, clock.of_ledger, now=clock.now())


def _period(first: date, last: date, days: int, time_zone: str) -> PeriodShape:
    return PeriodShape(first=first, last=last, days=days, time_zone=time_zone)


def _totals(figures: UsageFigures) -> UsageTotals:
    return UsageTotals(
        calls=figures.calls,
        failed=figures.failed,
        estimated=figures.estimated,
        unpriced=figures.unpriced,
        input_tokens=figures.input_tokens,
        cached_read_tokens=figures.cached_read_tokens,
        cached_write_tokens=figures.cached_write_tokens,
        output_tokens=figures.output_tokens,
        reasoning_tokens=figures.reasoning_tokens,
        dollars=Cost.of_pico_dollars(figures.cost_pico),
        credits=Credits(figures.credits_micro),
    )


_NOUNS = {Dimension.MEMBER: "member", Dimension.GROUP: "group", Dimension.KEY: "api_key"}


def _key(key: UsageKey) -> UsageKeyShape:
    return UsageKeyShape(by=key.dimension, id=_id(key), name=key.name, others=key.others)


def _id(key: UsageKey) -> str | None:
    """Members, groups and keys by their public ids; days, models and providers by themselves."""
    noun = _NOUNS.get(key.dimension)
    return key.identity if noun is None or key.identity is None else public_id(noun, UUID(key.identity))


def _row(keys: Sequence[UsageKeyShape], totals: UsageTotals) -> Row:
    named = [cell for key in keys for cell in (key.name, key.id, str(key.others))]
    return [*named, *(str(figure) for figure in totals.model_dump().values())]
