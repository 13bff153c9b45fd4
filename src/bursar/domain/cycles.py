"""Budgeting periods: how long a cycle lasts and when the next one begins.

Pure calendar arithmetic. What a rollover does to credits is the ledger's (`ledger/core/cycles`).

Rule: CYCLE-1
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bursar.domain.credits import AMOUNT_MAX_MICRO, Credits
from bursar.domain.refusals import Refusal


class Cadence(StrEnum):
    """How often a tenant's cycle renews."""

    CALENDAR_MONTH = "calendar_month"
    FIFTEEN_DAYS = "15_days"
    ONE_WEEK = "1_week"
    ONE_DAY = "1_day"
    TWELVE_HOURS = "12_hours"
    SIX_HOURS = "6_hours"
    ONE_HOUR = "1_hour"


@dataclass(frozen=True, slots=True)
class CadenceRule:
    """One cadence: its label, how many of its cycles may begin in a month, and either whole local days or hours of
    elapsed time; a calendar month has neither."""

    label: str
    per_month_max: int
    days: int = 0
    hours: int = 0


CADENCES: dict[Cadence, CadenceRule] = {
    Cadence.CALENDAR_MONTH: CadenceRule("Calendar month", per_month_max=1),
    Cadence.FIFTEEN_DAYS: CadenceRule("15 days", per_month_max=3, days=15),
    Cadence.ONE_WEEK: CadenceRule("1 week", per_month_max=5, days=7),
    Cadence.ONE_DAY: CadenceRule("1 day", per_month_max=31, days=1),
    Cadence.TWELVE_HOURS: CadenceRule("12 hours", per_month_max=62, hours=12),
    Cadence.SIX_HOURS: CadenceRule("6 hours", per_month_max=124, hours=6),
    Cadence.ONE_HOUR: CadenceRule("1 hour", per_month_max=744, hours=1),
}


def per_cycle_max(cadence: Cadence) -> Credits:
    """The most that may be issued per cycle: what one month's cycles issue is at most the largest amount.

    Cycles issue by themselves, for as long as the tenant exists. So bounded, no tenant's total overflows in centuries.

    Rule: BUDGET-10
    """
    return Credits(AMOUNT_MAX_MICRO // CADENCES[cadence].per_month_max)


@dataclass(frozen=True, slots=True)
class Span:
    """The running cycle after some boundaries passed: how many began since, when the last began and will end."""

    passed: int
    started_at: datetime
    ends_at: datetime


def parse_cadence(text: str) -> Cadence:
    """The cadence of this name; refuses `cadence_unknown`.

    Rule: CYCLE-1
    """
    try:
        return Cadence(text)
    except ValueError:
        offered = ", ".join(Cadence)
        raise Refusal("cadence_unknown", f"The cadence must be one of: {offered}.", field="cadence") from None


def parse_time_zone(name: str) -> str:
    """The name itself, if the time zone database knows it; refuses `time_zone_unknown`.

    Rule: CYCLE-11
    """
    _zone(name)
    return name


def cycle_end(started_at: datetime, cadence: Cadence, time_zone: str) -> datetime:
    """When a cycle that starts at this moment ends: always later than its start, in UTC.

    A calendar month ends with the first midnight of the next month, however late in the month it began. Days are
    counted on the tenant's wall clock, so a day that daylight saving shortens or lengthens is still one day. Hours
    are elapsed time.

    Rule: CYCLE-2
    """
    zone = _zone(time_zone)
    local = started_at.astimezone(zone)
    rule = CADENCES[cadence]
    if rule.hours:
        return started_at.astimezone(UTC) + timedelta(hours=rule.hours)
    if rule.days:
        end = (local.replace(tzinfo=None) + timedelta(days=rule.days)).replace(tzinfo=zone)
    else:
        year, month = divmod(local.year * 12 + local.month, 12)
        end = datetime(year, month + 1, 1, tzinfo=zone)
    return end.astimezone(UTC)


def advance(started_at: datetime, ends_at: datetime, cadence: Cadence, time_zone: str, now: datetime) -> Span:
    """The cycle that runs at `now`, given one that ran until `ends_at`. `passed` is 0 if that one still runs.

    Rule: CYCLE-8
    """
    passed = 0
    while ends_at <= now:
        started_at, ends_at = ends_at, cycle_end(ends_at, cadence, time_zone)
        passed += 1
    return Span(passed, started_at, ends_at)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(
            "time_zone_unknown", "The time zone must be a name such as Europe/Berlin.", field="time_zone"
        ) from None
