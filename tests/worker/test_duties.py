"""What the clock asks for: ended cycles, holds nobody settled, old sign-ins; and what happens when it fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest

from bursar.db.transaction import platform_reading
from bursar.ledger import PostingFault, due
from bursar.outside.metrics import Metrics
from bursar.worker.cycles import end_due_cycles
from bursar.worker.holds import expire_holds
from bursar.worker.refusals import forget_old_refusals
from bursar.worker.schedule import Duty
from bursar.worker.sessions import clear_sessions
from bursar.worker.supervisor import FAILURES_BEFORE_ALARM, Supervisor
from tests.support.offices import TestOffice
from tests.support.postgres import FreshDatabase


async def test_the_cycle_of_an_idle_tenant_ends_once(house: TestOffice) -> None:
    await house.tenant("Acme", cadence="1_day")
    await house.tenant("Globex", cadence="calendar_month")
    await end_due_cycles(house.desk)
    admin = await house.signed_in("acme-admin")
    before = (await admin.get("/api/v1/cycle")).json()

    house.clock.turn(timedelta(days=1))
    ended = await end_due_cycles(house.desk)
    again = await end_due_cycles(house.desk)

    admin = await house.signed_in("acme-admin")
    after = (await admin.get("/api/v1/cycle")).json()
    assert (ended >= 1, again) == (True, 0)
    assert after["epoch"] == before["epoch"] + 1
    assert after["started_at"] == before["ends_at"]


@pytest.mark.rule("COMMAND-5")
async def test_refusals_are_forgotten_after_a_day_and_answers_are_kept(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")

    async def allocate(amount: str, key: str) -> int:
        body = {"member_id": place.member_id, "amount": amount}
        response = await admin.post("/api/v1/allocations", json=body, headers={"idempotency-key": key})
        return response.status_code

    assert (await allocate("10", "kept"), await allocate("500", "refused")) == (201, 409)
    assert await forget_old_refusals(house.desk) == 0

    house.clock.turn(timedelta(hours=25))

    assert await forget_old_refusals(house.desk) == 1
    assert await forget_old_refusals(house.desk) == 0
    admin = await house.signed_in("acme-admin")
    assert (await allocate("20", "refused"), await allocate("20", "kept")) == (201, 422)


async def test_a_cycle_that_has_ended_is_shown_as_ended_before_anybody_posts(house: TestOffice) -> None:
    await house.tenant("Acme", cadence="1_day", per_cycle="100")
    admin = await house.signed_in("acme-admin")
    before = (await admin.get("/api/v1/cycle")).json()

    house.clock.turn(timedelta(days=3))
    admin = await house.signed_in("acme-admin")
    shown = (await admin.get("/api/v1/cycle")).json()
    await end_due_cycles(house.desk)
    posted = (await admin.get("/api/v1/cycle")).json()

    assert shown["epoch"] == before["epoch"] + 3
    assert shown == posted


async def test_a_hold_past_its_deadline_is_given_back_and_one_before_it_stays(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "50"})
    short = (await member.post("/api/v1/holds", json={"amount": "5", "seconds": 60})).json()["id"]
    long = (await member.post("/api/v1/holds", json={"amount": "7", "seconds": 7200})).json()["id"]

    early = await expire_holds(house.desk)
    house.clock.turn(timedelta(seconds=61))
    late = await expire_holds(house.desk)
    again = await expire_holds(house.desk)

    assert (early, late, again) == (0, 1, 0)
    assert (await member.get(f"/api/v1/holds/{short}")).json()["state"] == "expired"
    assert (await member.get(f"/api/v1/holds/{long}")).json()["state"] == "open"
    assert (await member.get("/api/v1/session")).json()["remaining"] == "43.00"


async def test_a_tenant_whose_books_are_damaged_keeps_no_other_from_its_cycles_and_holds(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    places = [await house.tenant(name) for name in ("First", "Acme", "Third")]
    holds = {}
    for place in places:
        await house.granted(place, "100")
        admin = await house.signed_in(place.admin.username)
        await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "50"})
        opened = await admin.post("/api/v1/holds", json={"member_id": place.member_id, "amount": "5", "seconds": 60})
        holds[place.admin.username] = opened.json()["id"]
    damaged, *sound = sorted(places, key=lambda place: place.tenant.tenant_id)
    with psycopg.connect(fresh_database.admin_url) as connection:
        connection.execute(
            "update bursar.ledger_control set cadence = 'nonsense', epoch_ends_at = epoch_ends_at - interval '1 hour' "
            "where tenant_id = %s",
            [damaged.tenant.tenant_id],
        )
    house.clock.turn(timedelta(days=1))

    for duty in (end_due_cycles, expire_holds):
        with pytest.raises(PostingFault):
            await duty(house.desk)

    for place in sound:
        admin = await house.signed_in(place.admin.username)
        assert (await admin.get("/api/v1/cycle")).json()["epoch"] == 2
        hold = (await admin.get(f"/api/v1/holds/{holds[place.admin.username]}")).json()
        assert hold["state"] == "expired"
    async with platform_reading(house.desk.platform) as transaction:
        waiting = await due(transaction, house.clock.now())
    assert waiting.with_ended_cycle == waiting.with_holds_past_deadline == (damaged.tenant.tenant_id,)


async def test_expired_sign_ins_are_cleared_away_and_others_stay(house: TestOffice) -> None:
    await house.tenant()
    await house.signed_in("acme-member")
    house.clock.turn(timedelta(days=9))
    client = await house.signed_in("acme-member")

    assert await clear_sessions(house.desk) == 1
    assert (await client.get("/api/v1/session")).status_code == 200


async def test_a_failing_duty_is_retried_told_of_and_does_not_stop_the_others() -> None:
    done = asyncio.Event()
    attempts = 0

    async def fails() -> int:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("planted")

    async def works() -> int:
        if attempts >= FAILURES_BEFORE_ALARM:
            done.set()
        return 0

    supervisor = Supervisor(
        [Duty("failing", 0.001, "Fails.", fails), Duty("working", 0.001, "Works.", works)], Metrics()
    )
    async with supervisor.running():
        await asyncio.wait_for(done.wait(), timeout=20)

    assert supervisor.failing() == ["failing"]


async def test_a_duty_that_works_again_is_no_longer_told_of() -> None:
    broken = True

    async def work() -> int:
        if broken:
            raise RuntimeError("planted")
        return 1

    duty = Duty("flaky", 1, "Fails at first.", work)
    supervisor = Supervisor([duty], Metrics())
    for _ in range(FAILURES_BEFORE_ALARM):
        await supervisor.do_once(duty)
    was_failing = supervisor.failing()
    broken = False
    await supervisor.do_once(duty)

    assert was_failing == ["flaky"]
    assert supervisor.failing() == []


async def test_a_failing_duty_is_woken_by_what_comes_anew() -> None:
    wake, once, again = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def fails() -> int:
        (again if once.is_set() else once).set()
        raise RuntimeError("planted")

    async with Supervisor([Duty("failing", 3_600, "Fails.", fails, wake=wake)], Metrics()).running():
        await asyncio.wait_for(once.wait(), timeout=20)
        wake.set()
        await asyncio.wait_for(again.wait(), timeout=20)


async def test_leaving_stops_a_duty_in_the_middle_of_its_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def long() -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 0

    async with Supervisor([Duty("long", 1, "Takes for ever.", long)], Metrics()).running():
        await asyncio.wait_for(begun.wait(), timeout=20)

    assert ended.is_set()
