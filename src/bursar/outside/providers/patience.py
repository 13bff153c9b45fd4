"""Waiting for one thing after the other, for none of them too long, with one timer for all of them.

A time-out of its own for each piece of a stream, set and cleared again, costs more than everything else that is done
with the piece. Here a wait only notes when it began, and one timer looks after whatever is being waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

Result = TypeVar("Result")


class Patience:
    """For one answer, which is waited for by one task at a time. Close it when nothing more is waited for."""

    __slots__ = ("_gave_up", "_loop", "_since", "_task", "_timer", "_within")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._since = self._within = 0.0
        self._gave_up = False

    async def wait(self, awaited: Awaitable[Result], *, seconds: float) -> Result:
        """What was waited for. Raises `TimeoutError` where it takes longer.

        Whoever is cancelled meanwhile is, also if what is waited for forgets that because it came at the same moment.
        """
        task = asyncio.current_task()
        assert task is not None, "only a task can be told that something takes too long"
        cancelling = task.cancelling()
        self._task, self._since, self._within, self._gave_up = task, self._loop.time(), seconds, False
        if self._timer is None or seconds < self._timer.when() - self._since:
            self._look_in(seconds)
        try:
            result = await awaited
        except BaseException as fault:
            self._task = None
            is_too_late = self._gave_up and task.uncancel() <= cancelling
            if is_too_late and isinstance(fault, asyncio.CancelledError):
                raise TimeoutError from fault
            raise
        self._task = None
        if self._gave_up:
            task.uncancel()
        if task.cancelling() > cancelling:
            raise asyncio.CancelledError
        return result

    def close(self) -> None:
        """Looks after nothing from now on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        waited = self._loop.time() - self._since
        if waited >= self._within:
            self._gave_up = True
            self._task.cancel()
        else:
            self._look_in(self._within - waited)
