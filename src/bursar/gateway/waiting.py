"""Waiting, but not for ever, at next to no cost where there is nothing to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


async def at_most(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """What the work returns. Raises `TimeoutError` where it takes longer.

    A timer is set only if the work has to wait at all. Most of what goes by does not, and setting and clearing a
    timer for each piece of a stream costs more than everything else that is done with it.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as ended:
        result: Result = ended.value
        return result
    async with asyncio.timeout(seconds):
        return await _Begun(work, waits_for)


class _Begun(Generic[Result]):
    """What is left of a coroutine that has begun and now waits for something."""

    def __init__(self, work: Coroutine[Any, Any, Result], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Result]:
        """As `yield from` would go on with it, had it begun it."""
        waits_for = self._waits_for
        while True:
            try:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    self._work.close()
                    raise
                except BaseException as raised:  # noqa: BLE001  whatever was raised is the work's to meet
                    waits_for = self._work.throw(raised)
                else:
                    waits_for = self._work.send(sent)
            except StopIteration as ended:
                result: Result = ended.value
                return result
