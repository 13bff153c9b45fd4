"""`bursar.AsyncClient` against a running Bursar."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

import bursar
from bursar.client import (
    Conflict,
    InsufficientQuota,
    InvalidRequest,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutcomeUnknown,
)
from tests.client.conftest import AT_ONCE
from tests.support.callers import check_books
from tests.support.cut_answers import LossyProxy, lossy_proxy
from tests.support.metering import Meter


async def test_a_block_settles_what_it_cost_and_gives_the_rest_back(meter: Meter, client: bursar.AsyncClient) -> None:
    member = meter.place.member_id

    async with client.hold(member=member, amount="2.50", label="Report", metadata={"a": "b"}) as hold:
        assert hold.opened.amount == Decimal("2.5")
        assert (await client.balance(member=member)).spendable == Decimal("7.5")
        assert [each.label for each in (await client.list_holds(member=member)).holds] == ["Report"]
        closed = await hold.settle(Decimal("1.75"))

    assert (closed.charged, closed.state, closed.overrun) == (Decimal("1.75"), "settled", Decimal(0))
    assert hold.closed == closed
    assert (await client.balance(member=member)).spendable == Decimal("8.25")
    seen = await client.get_hold(hold.id)
    assert (seen.state, seen.charged, seen.metadata) == ("settled", Decimal("1.75"), {"a": "b"})
    assert (await client.list_holds(member=member, limit=5)).holds == []


async def test_a_block_that_ends_without_a_settlement_or_by_an_exception_gives_everything_back(
    meter: Meter, client: bursar.AsyncClient
) -> None:
    member = meter.place.member_id
    async with client.hold(member=member, amount="2") as forgotten:
        pass
    with pytest.raises(ZeroDivisionError):
        async with client.hold(member=member, amount="2") as failed:
            _ = 1 / 0
    async with client.hold(member=member, amount="2") as voided:
        await voided.void()

    for hold in (forgotten, failed, voided):
        assert hold.closed is not None
        assert hold.closed.state == "voided"
    assert await meter.left() == "10.00"


async def test_a_block_can_be_charged_in_full_in_the_unit_that_was_held(
    meter: Meter, client: bursar.AsyncClient
) -> None:
    member = meter.place.member_id
    async with client.hold(member=member, amount="2", settles_in_full=True):
        pass
    async with client.hold(member=member, amount_usd="0.01", settles_in_full=True) as in_dollars:
        pass
    with pytest.raises(ZeroDivisionError):
        async with client.hold(member=member, amount="2", settles_in_full=True):
            _ = 1 / 0
    await meter.factor("0")
    async with client.hold(member=member, amount_usd="5", settles_in_full=True) as free:
        pass

    assert await meter.left() == "7.00"
    assert in_dollars.closed is not None
    assert in_dollars.closed.charged_usd == Decimal("0.01")
    assert free.opened.is_free
    assert free.closed is not None
    assert (free.closed.charged, free.closed.charged_usd) == (Decimal(0), Decimal(5))


async def test_a_task_that_is_cancelled_gives_back_what_it_held(meter: Meter, client: bursar.AsyncClient) -> None:
    is_holding = asyncio.Event()

    async def work() -> None:
        async with client.hold(member=meter.place.member_id, amount="4"):
            is_holding.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await is_holding.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await meter.left() == "10.00"


async def test_what_is_refused_has_its_own_exception(meter: Meter, client: bursar.AsyncClient) -> None:
    member = meter.place.member_id
    with pytest.raises(InsufficientQuota) as lacking:
        await client.charge(member=member, amount="10.01")
    assert (lacking.value.available, lacking.value.asked) == (Decimal(10), Decimal("10.01"))
    assert lacking.value.resets_at is not None
    with pytest.raises(NotFound):
        await client.charge(member=f"mem_{1:032x}", amount="1")
    with pytest.raises(InvalidRequest) as malformed:
        await client.charge(member="nobody", amount="1")
    assert malformed.value.problem.fields[0].field == "member_id"
    hold = await client.open_hold(member=member, amount="1")
    await client.void_hold(hold.id)
    with pytest.raises(Conflict) as ended:
        await client.settle_hold(hold.id, "1")
    assert ended.value.code == "hold_voided"
    async with bursar.AsyncClient(meter.house.url, api_key="mk-bursar-wrong") as stranger:
        with pytest.raises(NotSignedIn):
            await stranger.balance()
    assert (await meter.admin.post(f"/api/v1/members/{member}/disable", json={})).is_success
    with pytest.raises(NotPermitted):
        await client.charge(member=member, amount="1")


async def test_an_answer_that_is_lost_is_asked_for_again_and_charged_once(meter: Meter) -> None:
    async with lossy_proxy(meter.house.url) as proxy, through(proxy, meter) as client:
        proxy.lose = 2
        charge = await client.charge(member=meter.place.member_id, amount="4", label="Report")

        assert (charge.charged, charge.is_repeat) == (Decimal(4), True)
        assert len(proxy.requests) == 3
    assert await meter.left() == "6.00"
    assert [row["credits_micro"] for row in await meter.usage()] == [4_000_000]
    await check_books(meter.house, meter.place.tenant_id)


async def test_every_answer_about_a_hold_may_be_lost_and_nothing_is_done_twice(meter: Meter) -> None:
    member = meter.place.member_id
    async with lossy_proxy(meter.house.url) as proxy, through(proxy, meter) as client:
        proxy.lose = 1
        async with client.hold(member=member, amount="3") as hold:
            assert hold.opened.is_repeat
            assert len((await client.list_holds(member=member)).holds) == 1
            proxy.lose = 1
            await hold.extend(3000)
            proxy.lose = 3
            assert (await hold.settle("2")).is_repeat
        proxy.lose = 1
        async with client.hold(member=member, amount="3"):
            proxy.lose = 1

    assert await meter.left() == "8.00"
    assert len(await meter.usage()) == 1
    await check_books(meter.house, meter.place.tenant_id)


async def test_when_every_answer_is_lost_the_outcome_is_unknown_and_the_key_tells_it_later(meter: Meter) -> None:
    member = meter.place.member_id
    async with lossy_proxy(meter.house.url) as proxy, through(proxy, meter) as client:
        proxy.lose = 4
        with pytest.raises(OutcomeUnknown) as unknown:
            await client.charge(member=member, amount="4")

        again = await client.charge(member=member, amount="4", idempotency_key=unknown.value.idempotency_key)

    assert again.is_repeat
    assert await meter.left() == "6.00"


async def test_a_settlement_that_did_not_get_through_is_never_turned_into_a_void(meter: Meter) -> None:
    async with lossy_proxy(meter.house.url) as proxy, through(proxy, meter) as client:
        opened = []

        async def work() -> None:
            async with client.hold(member=meter.place.member_id, amount="4") as hold:
                opened.append(hold)
                proxy.lose = 4
                await hold.settle("3")

        with pytest.raises(OutcomeUnknown):
            await work()
        assert opened[0].closed is None
        assert not any("/void" in line for line in proxy.requests)
        closed = await client.settle_hold(opened[0].id, "3")
    assert closed.charged == Decimal(3)
    assert await meter.left() == "7.00"


async def test_a_hold_that_lives_long_is_extended_before_its_deadline(meter: Meter) -> None:
    async with lossy_proxy(meter.house.url) as proxy, through(proxy, meter) as client:
        async with client.hold(member=meter.place.member_id, amount="4", seconds=1) as hold:
            await proxy.wait_for("/extend", count=2)
            assert (await client.get_hold(hold.id)).expires_at > hold.opened.expires_at
            await hold.settle("1")
        extended = sum("/extend" in line for line in proxy.requests)
        async with client.hold(member=meter.place.member_id, amount="4", seconds=1, renews=False):
            pass

    assert sum("/extend" in line for line in proxy.requests) == extended
    assert await meter.left() == "9.00"


def through(proxy: LossyProxy, meter: Meter) -> bursar.AsyncClient:
    return bursar.AsyncClient(proxy.url, api_key=meter.secret, retries=AT_ONCE)
