"""A process that works off all batches of allocations, as the worker does, and is killed in the middle if so told.

Run as `python -m tests.support.batch_child <url of the application's role> <url of the platform's role> <turn>`. In the
turn of this number (or `never`) it kills itself while it has the tenant's books locked and nothing is committed yet.
The other side is `tests.support.batches`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime

from bursar.compose import Ground, desk_open
from bursar.db.roles import Endpoints
from bursar.outside.clock import TurnedClock
from bursar.worker.allocation_batches import work_on_batches
from tests.support.offices import settings_for
from tests.support.postgres import SECRET_KEY


class DyingClock(TurnedClock):
    """The time, until the ledger has asked for it so many times: it asks once in every turn, under its lock."""

    def __init__(self, dies_at: int | None) -> None:
        super().__init__()
        self._left = dies_at

    def of_ledger(self, database_time: datetime) -> datetime:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().of_ledger(database_time)


async def run(app_url: str, platform_url: str, dies_at: int | None) -> None:
    """Work until nothing is under way."""
    ground = Ground("", Endpoints(app_url, platform_url), SECRET_KEY, is_joined=True)
    settings = settings_for()
    async with desk_open(settings, ground, clock=DyingClock(dies_at)) as desk:
        await work_on_batches(desk)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], None if sys.argv[3] == "never" else int(sys.argv[3])))
