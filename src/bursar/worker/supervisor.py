"""Does the duties of a schedule, each in a loop of its own, until it is told to stop.

A duty that fails is logged with its trace and tried again after a pause that grows; it never stops the others, and
never fails silently: the failures are counted, and /readyz tells of a duty that keeps failing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from bursar.outside.clock import Stopwatch
from bursar.outside.metrics import Metrics
from bursar.worker.schedule import Duty

log = structlog.get_logger("bursar.worker")

PAUSE_SECONDS_MAX = 60.0
FAILURES_BEFORE_ALARM = 3


class Supervisor:
    """Keeps the duties going; `failing` says which of them do not get through."""

    def __init__(self, duties: Sequence[Duty], metrics: Metrics) -> None:
        self._duties = tuple(duties)
        self._metrics = metrics
        self._failures = {duty.name: 0 for duty in duties}

    def failing(self) -> list[str]:
        """The names of duties that failed several times in a row."""
        return [name for name, count in self._failures.items() if count >= FAILURES_BEFORE_ALARM]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The duties run inside this block. On leaving, each is cancelled and waited for."""
        tasks = [asyncio.create_task(self._keep_doing(duty), name=f"duty:{duty.name}") for duty in self._duties]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_doing(self, duty: Duty) -> None:
        while True:
            if duty.wake is not None:
                # Before the work: whatever is waiting by then is found, and what comes later wakes it again.
                duty.wake.clear()
            await self.do_once(duty)
            await self._pause(duty)

    async def do_once(self, duty: Duty) -> None:
        """One round of one duty. The outermost loop: whatever breaks is logged here and tried again later."""
        stopwatch = Stopwatch()
        try:
            count = await duty.work()
        except Exception:
            self._failures[duty.name] += 1
            self._metrics.duty_done(duty=duty.name, has_failed=True, seconds=stopwatch.seconds())
            log.exception("duty failed", duty=duty.name, failures=self._failures[duty.name])
        else:
            self._failures[duty.name] = 0
            self._metrics.duty_done(duty=duty.name, has_failed=False, seconds=stopwatch.seconds())
            if count:
                log.info("duty done", duty=duty.name, count=count, ms=round(stopwatch.seconds() * 1000, 1))

    async def _pause(self, duty: Duty) -> None:
        """Until its time has come again, or something wakes it: after a failure too, because what comes anew need not
        have to do with what failed."""
        seconds = self._pause_seconds(duty)
        if duty.wake is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(duty.wake.wait(), seconds)

    def _pause_seconds(self, duty: Duty) -> float:
        failures = self._failures[duty.name]
        if failures == 0:
            return duty.interval_seconds
        longest = max(PAUSE_SECONDS_MAX, duty.interval_seconds)
        return float(min(duty.interval_seconds * 2 ** min(failures, 10), longest))
