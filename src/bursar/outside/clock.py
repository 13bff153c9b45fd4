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


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class TurnedClock:
    """A time that moves only when it is turned: for tests and rehearsals."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def turn(self, by: timedelta) -> None:
        """Moves the time by `by`."""
        self.moment += by


@dataclass
class Stopwatch:
    """How long something took, in seconds, by a clock that never jumps."""

    started_at: float = field(default_factory=time.perf_counter)

    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self.started_at
