"""Bursar is killed in the middle of calls: nothing is lost, nothing charged twice, nothing held for ever."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

import httpx
import pytest

from bursar.worker.holds import expire_holds
from tests.support.models import studio
from tests.support.office_child import office_to_be_killed
from tests.support.offices import running_office
from tests.support.postgres import FreshDatabase
from tests.support.scripted import chunk, scripted, set_up, stalling

CALLS = 8
ASKED = {"model": "gpt-test", "messages": [{"role": "user", "content": "Say hello."}], "stream": True}


@pytest.mark.rule("CALL-5", "HOLD-6")
async def test_a_killed_process_leaves_holds_that_end_once_and_calls_that_were_settled(
    fresh_database: FreshDatabase,
) -> None:
    async with running_office(fresh_database) as house, scripted(stalling(chunk("One."))) as script:
        acme = await studio(house, given="5000")
        await set_up(house, script)
        headers = {"authorization": f"Bearer {acme.key}"}
        async with office_to_be_killed(fresh_database) as (url, process), httpx.AsyncClient(timeout=60) as client:
            simulated = {**ASKED, "model": "simulated-small", "stream": False}
            done = [await client.post(f"{url}/v1/chat/completions", json=simulated, headers=headers) for _ in range(3)]

            async def streams() -> None:
                async with client.stream("POST", f"{url}/v1/chat/completions", json=ASKED, headers=headers) as answer:
                    async for _ in answer.aiter_bytes():
                        pass

            under_way = [asyncio.create_task(streams()) for _ in range(CALLS)]
            while len(script.calls) < CALLS:  # noqa: ASYNC110 - the provider tells nobody
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            ended = await asyncio.gather(*under_way, return_exceptions=True)
        held = [state for state, _ in await acme.holds()]
        house.clock.turn(timedelta(hours=1))
        await expire_holds(house.desk)
        await expire_holds(house.desk)

        assert [answer.status_code for answer in done] == [200] * 3
        assert all(isinstance(fault, httpx.TransportError) for fault in ended)
        assert sorted(held) == ["open"] * CALLS + ["settled"] * 3
        assert sorted(state for state, _ in await acme.holds()) == ["expired"] * CALLS + ["settled"] * 3
        assert [row["outcome"] for row in await acme.rows()] == ["delivered"] * 3
        charged = sum(row["credits_micro"] for row in await acme.rows())
        assert await acme.left() == f"{5000 - charged / 10**6:.2f}"
        await acme.check()
