"""`bursar.Client` against a running Bursar, in a thread as a program has it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal

import pytest

import bursar
from bursar.client import InsufficientQuota, OutcomeUnknown, Unavailable
from tests.client.conftest import AT_ONCE
from tests.support.callers import check_books
from tests.support.cut_answers import lossy_proxy
from tests.support.metering import Meter


async def ran(meter: Meter, program: Callable[[bursar.Client], None], *, url: str | None = None) -> None:
    """A program with a client of its own, while the server goes on here."""

    def run() -> None:
        with bursar.Client(url or meter.house.url, api_key=meter.secret, retries=AT_ONCE) as client:
            program(client)

    await asyncio.to_thread(run)


async def test_a_block_settles_voids_or_charges_in_full(meter: Meter) -> None:
    member = meter.place.member_id

    def program(client: bursar.Client) -> None:
        with client.hold(member=member, amount="2.50", label="Report") as hold:
            closed = hold.settle("1.75")
        assert hold.closed == closed
        assert closed.charged == Decimal("1.75")
        with client.hold(member=member, amount="2") as forgotten:
            pass
        assert forgotten.closed is not None
        assert forgotten.closed.state == "voided"
        with pytest.raises(ZeroDivisionError), client.hold(member=member, amount="2"):
            _ = 1 / 0
        with client.hold(member=member, amount_usd="0.01", settles_in_full=True):
            pass
        with client.hold(member=member, amount="1") as voided:
            voided.void()
        assert client.balance(member=member).spendable == Decimal("7.25")
        with pytest.raises(InsufficientQuota) as lacking, client.hold(member=member, amount="7.26"):
            raise AssertionError("it was not opened")
        assert lacking.value.available == Decimal("7.25")
        assert client.list_holds(member=member).holds == []
        assert client.get_hold(hold.id).label == "Report"

    await ran(meter, program)
    await check_books(meter.house, meter.place.tenant_id)


async def test_a_refused_settlement_gives_the_hold_back(meter: Meter) -> None:
    def program(client: bursar.Client) -> None:
        for wrong in ("1.0000001", 0.5):
            with (
                pytest.raises((bursar.client.InvalidRequest, TypeError)),
                client.hold(member=meter.place.member_id, amount="4") as hold,
            ):
                hold.settle(wrong)  # type: ignore[arg-type]
            assert hold.closed is not None
            assert hold.closed.state == "voided"

    await ran(meter, program)
    assert await meter.left() == "10.00"


async def test_answers_that_are_lost_are_asked_for_again_and_everything_is_done_once(meter: Meter) -> None:
    member = meter.place.member_id
    async with lossy_proxy(meter.house.url) as proxy:

        def program(client: bursar.Client) -> None:
            proxy.lose = 2
            assert client.charge(member=member, amount="1").is_repeat
            proxy.lose = 1
            with client.hold(member=member, amount="3") as hold:
                proxy.lose = 2
                hold.settle("2")
            proxy.lose = 4
            with pytest.raises(OutcomeUnknown) as unknown:
                client.charge(member=member, amount="1")
            key = unknown.value.idempotency_key
            assert client.charge(member=member, amount="1", idempotency_key=key).is_repeat

        await ran(meter, program, url=proxy.url)
    assert await meter.left() == "6.00"
    assert len(await meter.usage()) == 3
    await check_books(meter.house, meter.place.tenant_id)


async def test_where_nobody_listens_nothing_was_done(meter: Meter) -> None:
    def program(client: bursar.Client) -> None:
        with pytest.raises(Unavailable):
            client.charge(amount="1")

    await ran(meter, program, url="http://127.0.0.1:9")


async def test_holds_that_live_long_are_extended_by_one_thread_for_all(meter: Meter) -> None:
    member = meter.place.member_id
    loop = asyncio.get_running_loop()
    async with lossy_proxy(meter.house.url) as proxy:

        def program(client: bursar.Client) -> None:
            before = set(threading.enumerate())
            with (
                client.hold(member=member, amount="4", seconds=1) as first,
                client.hold(member=member, amount="4", seconds=1) as second,
            ):
                for hold in (first, second):
                    asyncio.run_coroutine_threadsafe(proxy.wait_for(f"{hold.id}/extend", 2), loop).result(60)
                renewing = [thread for thread in set(threading.enumerate()) - before if "renewals" in thread.name]
                assert len(renewing) == 1
                first.settle("1")
                second.settle("1")
            client.close()
            renewing[0].join(60)
            assert not renewing[0].is_alive()

        await ran(meter, program, url=proxy.url)
    assert await meter.left() == "8.00"
