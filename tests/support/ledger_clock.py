"""The ledger's clock in a history: it stands still until it is turned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class TurnedClock:
    """The ledger's time, which passes when it is turned."""

    now: datetime = BEGINNING

    def __call__(self, database_time: datetime) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> None:
        """Let this much time pass."""
        self.now += by
