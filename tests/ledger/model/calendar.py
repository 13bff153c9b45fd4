"""When cycles end, found by walking the tenant's wall clock instead of reckoning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_HOURS = {"12_hours": 12, "6_hours": 6, "1_hour": 1}
_DAYS = {"15_days": 15, "1_week": 7, "1_day": 1}
_STEP = timedelta(minutes=15)


def next_boundary(started_at: datetime, cadence: str, time_zone: str) -> datetime:
    """The end of a cycle that starts at this moment."""
    if cadence in _HOURS:
        return started_at + timedelta(hours=_HOURS[cadence])
    zone = ZoneInfo(time_zone)
    if cadence in _DAYS:
        wanted = _wall(started_at, zone) + timedelta(days=_DAYS[cadence])
        return _first_moment_on_wall(wanted, zone)
    wall = _wall(started_at, zone)
    first = datetime(wall.year + wall.month // 12, wall.month % 12 + 1, 1)  # noqa: DTZ001 - a time on the wall
    return _first_moment_on_wall(first, zone)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _first_moment_on_wall(wanted: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall shows the wanted time, or, where it is skipped, as long after the skip.

    The moments are tried from a day before to a day after, at the wanted time's distance from the quarter hour.
    """
    moment = wanted.replace(tzinfo=UTC) - timedelta(hours=26)
    latest = moment + timedelta(hours=52)
    while moment < latest:
        if _wall(moment, zone) == wanted:
            return moment
        moment += _STEP
    # Skipped: what the clock would have shown had it not been put forward.
    before = wanted.replace(tzinfo=UTC) - timedelta(hours=26)
    return wanted.replace(tzinfo=UTC) - (_wall(before, zone).replace(tzinfo=UTC) - before)
