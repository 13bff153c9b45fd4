"""What calls come to over some days, broken down by what is asked: from the figures of each day, and the calls that
are not yet in them, as of one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add
from uuid import UUID
from zoneinfo import ZoneInfo

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.calls import Call
from bursar.domain.usage_figures import NOTHING, Dimension, Period, UsageFigures, check_period
from bursar.ledger import Clock, CycleFigures, tenant_figures
from bursar.reports.calls import CallNames, names_in
from bursar.reports.names import list_key_names, list_parties
from bursar.reports.own_credits import OwnCredits, own_credits_of
from bursar.store.call_days import NO_KEY, UsageFilter, UsageRow, sum_usage
from bursar.store.call_search import CallFilter, find_calls
from bursar.store.tenants import get_tenant

OWN_DAYS = 30
OWN_CALLS = 10
"""What a dashboard shows: a month, and the latest calls."""

NO_KEY_NAME = "No key"
NO_PROVIDER_NAME = "No provider"
OTHERS_NAME = "Others"


@dataclass(frozen=True)
class AskedDays:
    """The days that somebody asks for; None where it is left to the running cycle."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class UsageWanted:
    """What of a tenant's usage is asked for, and how it is broken down."""

    days: AskedDays
    dimensions: tuple[Dimension, ...]
    member_id: UUID | None = None
    group_id: UUID | None = None
    key_id: UUID | None = None
    model: str | None = None
    provider: str | None = None


@dataclass(frozen=True)
class UsageKey:
    """Which day, model, member ... a row is of. Without an id it is all those that are not told apart, and how many.
    What no key or no provider was in has no id either, and others of 0."""

    dimension: Dimension
    identity: str | None
    name: str
    others: int


@dataclass(frozen=True)
class UsageLine:
    """One row of a report."""

    keys: tuple[UsageKey, ...]
    figures: UsageFigures


@dataclass(frozen=True)
class UsageReport:
    """The lines, what they sum up to, and the days they are of."""

    period: Period
    time_zone: str
    totals: UsageFigures
    lines: list[UsageLine]
    tenant_name: str


@dataclass(frozen=True)
class OwnUsage:
    """What somebody has, did in the last days, one by one, and called last; all of one moment."""

    credits: OwnCredits
    period: Period
    time_zone: str
    totals: UsageFigures
    days: list[tuple[date, UsageFigures]]
    calls: Sequence[Call]
    names: CallNames


async def see_usage(
    database: Database, tenant_id: UUID, wanted: UsageWanted, clock: Clock, *, now: datetime
) -> UsageReport:
    """What the tenant's calls come to. Refuses `tenant_unknown`, and `invalid_input` for a period that cannot be.

    Rule: USAGE-6, USAGE-7, USAGE-8
    """
    async with reading(database, tenant_id) as transaction:
        cycle = (await tenant_figures(transaction, tenant_id, clock)).cycle
        tenant = await get_tenant(transaction, tenant_id)
        assert tenant is not None, "whoever has books is there"
        period = _period(wanted.days, cycle, now)
        asked = UsageFilter(
            period, wanted.member_id, wanted.group_id, wanted.key_id, wanted.model, wanted.provider
        )  # fmt: skip
        rows = await sum_usage(transaction, tenant_id, asked, wanted.dimensions)
        names = await _names(transaction, tenant_id, wanted.dimensions, rows)
    lines = [
        UsageLine(
            tuple(
                _key(dimension, identity, others, names)
                for dimension, identity, others in zip(wanted.dimensions, row.ids, row.others, strict=True)
            ),
            row.figures,
        )
        for row in rows
    ]
    return UsageReport(period, cycle.time_zone, _sum(rows), lines, tenant.name)


async def see_own_usage(
    database: Database, tenant_id: UUID, member_id: UUID, clock: Clock, *, now: datetime
) -> OwnUsage:
    """What this person has, and called lately.

    Rule: USAGE-9
    """
    async with reading(database, tenant_id) as transaction:
        own = await own_credits_of(transaction, tenant_id, member_id, clock)
        today = now.astimezone(ZoneInfo(own.cycle.time_zone)).date()
        period = Period(today - timedelta(days=OWN_DAYS - 1), today)
        rows = await sum_usage(transaction, tenant_id, UsageFilter(period, member_id), [Dimension.DAY])
        found = await find_calls(transaction, tenant_id, CallFilter(member_id=member_id), before=None, limit=OWN_CALLS)
        names = await names_in(transaction, tenant_id, found.calls)
    by_day = {row.ids[0]: row.figures for row in rows}
    days = [period.first + timedelta(days=number) for number in range(period.days)]
    return OwnUsage(
        credits=own,
        period=period,
        time_zone=own.cycle.time_zone,
        totals=_sum(rows),
        days=[(day, by_day.get(day.isoformat(), NOTHING)) for day in days],
        calls=found.calls,
        names=names,
    )


def _period(asked: AskedDays, cycle: CycleFigures, now: datetime) -> Period:
    """The days that were asked for, else those from the running cycle's first to today.

    Rule: USAGE-7
    """
    zone = ZoneInfo(cycle.time_zone)
    last = asked.last or now.astimezone(zone).date()
    # A cycle that began after the last day that is asked for is not what is meant.
    first = asked.first or min(cycle.started_at.astimezone(zone).date(), last)
    return check_period(first, last)


def _sum(rows: Sequence[UsageRow]) -> UsageFigures:
    return reduce(add, (row.figures for row in rows), NOTHING)


async def _names(
    transaction: Transaction, tenant_id: UUID, dimensions: Sequence[Dimension], rows: Sequence[UsageRow]
) -> dict[str, str]:
    """What the members, groups and keys of the rows are called, by id."""
    ids: dict[Dimension, set[UUID]] = {dimension: set() for dimension in _NAMED}
    for row in rows:
        for dimension, identity in zip(dimensions, row.ids, strict=True):
            if dimension in _NAMED and identity is not None:
                ids[dimension].add(UUID(identity))
    parties = await list_parties(transaction, tenant_id, ids[Dimension.MEMBER] | ids[Dimension.GROUP])
    keys = await list_key_names(transaction, tenant_id, ids[Dimension.KEY])
    return {str(identity): named.name for named_by_id in (parties, keys) for identity, named in named_by_id.items()}


_NAMED = (Dimension.MEMBER, Dimension.GROUP, Dimension.KEY)


def _key(dimension: Dimension, identity: str | None, others: int, names: dict[str, str]) -> UsageKey:
    if identity is None:
        return UsageKey(dimension, None, OTHERS_NAME, others)
    if dimension is Dimension.KEY and identity == str(NO_KEY):
        return UsageKey(dimension, None, NO_KEY_NAME, 0)
    if dimension is Dimension.PROVIDER and not identity:
        return UsageKey(dimension, None, NO_PROVIDER_NAME, 0)
    return UsageKey(dimension, identity, names.get(identity, identity), 0)
