"""Waiting, but not for ever: what has nothing to wait for, what waits, what fails and what is given up."""

from __future__ import annotations

import asyncio

import pytest

from bursar.gateway.waiting import at_most

SOON, NEVER = 0.01, 30.0


async def at_once(result: int) -> int:
    return result


async def test_what_need_not_wait_is_done_at_once() -> None:
    assert await at_most(0, at_once(7)) == 7


async def test_what_waits_several_times_goes_on_with_what_it_waited_for() -> None:
    first, second = asyncio.Event(), asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(first.set)
    asyncio.get_running_loop().call_later(SOON, second.set_result, 3)

    async def work() -> int:
        await first.wait()
        await asyncio.sleep(0)
        return 4 + int(await second)

    assert await at_most(NEVER, work()) == 7


async def test_what_takes_too_long_is_ended() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await at_most(SOON, work())

    assert ended.is_set()


@pytest.mark.parametrize("pauses", [0, 1, 2])
async def test_a_fault_is_the_callers(pauses: int) -> None:
    async def work() -> None:
        for _ in range(pauses):
            await asyncio.sleep(0)
        raise KeyError("seven")

    with pytest.raises(KeyError):
        await at_most(NEVER, work())


async def test_what_is_cancelled_can_still_put_things_in_order() -> None:
    order: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            order.append("put in order")
            raise

    task = asyncio.create_task(at_most(NEVER, work()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert order == ["put in order"]
    assert task.cancelled()
