"""Waiting for one thing after the other: what comes in time, what does not, and whoever is told to stop meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bursar.outside.providers.patience import Patience

SOON, NEVER = 0.02, 30.0


@pytest.fixture
async def patience() -> AsyncIterator[Patience]:
    patience = Patience()
    yield patience
    patience.close()


async def test_what_comes_in_time_is_had(patience: Patience) -> None:
    for number in range(3):
        assert await patience.wait(asyncio.sleep(0, number), seconds=NEVER) == number


async def test_what_takes_too_long_is_not_waited_for(patience: Patience) -> None:
    await patience.wait(asyncio.sleep(0), seconds=NEVER)

    with pytest.raises(TimeoutError):
        await patience.wait(asyncio.Event().wait(), seconds=SOON)

    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_each_wait_has_its_own_time(patience: Patience) -> None:
    """Together these take longer than one of them may."""
    for _ in range(4):
        await patience.wait(asyncio.sleep(0.3), seconds=1.0)


async def test_time_between_two_waits_does_not_count(patience: Patience) -> None:
    await patience.wait(asyncio.sleep(0), seconds=0.3)
    await asyncio.sleep(0.5)

    assert await patience.wait(asyncio.sleep(0, "there"), seconds=0.3) == "there"


async def test_a_fault_is_the_callers(patience: Patience) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("seven")

    with pytest.raises(KeyError):
        await patience.wait(fails(), seconds=NEVER)


async def test_whoever_is_cancelled_is(patience: Patience) -> None:
    waiting = asyncio.create_task(patience.wait(asyncio.Event().wait(), seconds=NEVER))
    await asyncio.sleep(0)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_whoever_is_cancelled_is_also_where_that_is_forgotten(patience: Patience) -> None:
    async def forgets() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "a piece that came at that moment"
        raise AssertionError

    waiting = asyncio.create_task(patience.wait(forgets(), seconds=NEVER))
    await asyncio.sleep(0)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
