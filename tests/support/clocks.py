"""Clocks for what happens while something else is being done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bursar.outside.clock import TurnedClock


@dataclass
class Hurried:
    """A clock by which an hour has passed as soon as the books were looked at for the first time."""

    before: TurnedClock
    looks: int = 0

    def now(self) -> datetime:
        return self.before.now()

    def seconds(self) -> float:
        return self.before.seconds()

    def of_ledger(self, database_time: datetime) -> datetime:
        self.looks += 1
        return self.before.of_ledger(database_time) + (timedelta(hours=1) if self.looks > 1 else timedelta(0))
