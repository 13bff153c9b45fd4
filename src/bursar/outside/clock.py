"""The time. The only place that asks the machine for it; everything else gets a `Clock` or a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a time comes from."""

    def now(self) -> datetime:
        """This moment, in UTC."""
        ...

    def seconds(self) -> float:
        """Seconds since some moment, for measuring how long: they never jump and never go back."""
        ...

    def of_ledger(self, database_time: datetime) -> datetime:
        """The ledger's time: the database's, turned as far as this clock is."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds(self) -> float:
        return time.monotonic()

    def of_ledger(self, database_time: datetime) -> datetime:
        return database_time


@dataclass
class TurnedClock:
    """The machine's time, turned forward by as much as it was told: for tests and rehearsals."""

    turned_by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.turned_by

    def seconds(self) -> float:
        return time.monotonic() + self.turned_by.total_seconds()

    def of_ledger(self, database_time: datetime) -> datetime:
        return database_time + self.turned_by

    def turn(self, by: timedelta) -> None:
        """Moves the time by `by`."""
        self.turned_by += by


@dataclass
class Stopwatch:
    """How long something took, in seconds, by a clock that never jumps."""

    started_at: float = field(default_factory=time.perf_counter)

    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self.started_at
