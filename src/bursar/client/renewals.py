"""Keeping long-lived holds alive: each is extended before its deadline, until it ends or has been kept long enough."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from bursar.client.errors import BursarError, Refused

KEPT_SECONDS_MAX = 24 * 3600
"""A program that hangs shall not keep somebody's credits for ever; what takes longer extends its hold itself."""

RENEWED_AT = 0.5
"""A hold is extended when half of its time is over: the other half is for trying again."""

TRIED_AGAIN_AFTER = 0.1
"""Where extending failed for the moment, it is tried again after this part of the hold's time."""


IDLE_SECONDS = 60.0
"""How long the thread of a client stays when no hold is open, for the next one."""


class Renewal:
    """When one hold is to be extended next, in seconds on one clock that never goes back."""

    def __init__(self, seconds: int, now: float) -> None:
        self._seconds = seconds
        self._until = now + KEPT_SECONDS_MAX
        self.next_at: float | None = now
        self.done(now, None)

    def done(self, now: float, failure: BursarError | None) -> None:
        """Notes how extending went, and says when it is next done: never again after a refusal, or in the end."""
        part = RENEWED_AT if failure is None else TRIED_AGAIN_AFTER
        next_at = now + self._seconds * part
        self.next_at = None if isinstance(failure, Refused) or next_at > self._until else next_at


class Renewals:
    """One thread that extends all holds of a client, started with the first of them and gone some time after the
    last. It is a daemon: a program that ends does not wait for it, and its holds end by their deadline."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._kept: dict[Renewal, Callable[[], object]] = {}
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextmanager
    def keeping(self, seconds: int, extend: Callable[[], object]) -> Iterator[Renewal]:
        """Has the hold extended, again and again, until the block ends."""
        renewal = Renewal(seconds, time.monotonic())
        with self._changed:
            self._kept[renewal] = extend
            # It is gone in a process that was forked, and after a fault of its own.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bursar hold renewals", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            yield renewal
        finally:
            with self._changed:
                del self._kept[renewal]

    def close(self) -> None:
        """Extends nothing any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            renewal, extend = due
            failure = None
            try:
                extend()
            except BursarError as error:
                failure = error
            except RuntimeError:
                if self._is_closed:
                    return  # httpx says that it was closed, just as this hold was being extended
                raise
            with self._changed:
                renewal.done(time.monotonic(), failure)

    def _next(self) -> tuple[Renewal, Callable[[], object]] | None:
        """The next hold to be extended, when its time has come; None when the thread may end."""
        with self._changed:
            while not self._is_closed:
                waiting = [(renewal.next_at, renewal) for renewal in self._kept if renewal.next_at is not None]
                next_at, renewal = min(waiting, key=lambda pair: pair[0], default=(None, None))
                if next_at is None or renewal is None:
                    if not self._changed.wait(IDLE_SECONDS) and not self._kept:
                        break
                    continue
                seconds = next_at - time.monotonic()
                if seconds <= 0:
                    return renewal, self._kept[renewal]
                self._changed.wait(seconds)
            self._thread = None
        return None


async def renew(renewal: Renewal, extend: Callable[[], Awaitable[object]]) -> None:
    """Extends one hold, again and again, until it is cancelled or there is nothing to extend any more."""
    while renewal.next_at is not None:
        await asyncio.sleep(renewal.next_at - time.monotonic())
        failure = None
        try:
            await extend()
        except BursarError as error:
            failure = error
        renewal.done(time.monotonic(), failure)
