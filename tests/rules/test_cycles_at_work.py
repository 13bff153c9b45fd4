"""docs/rules/cycles.md, example by example, over HTTP and by the worker, while time passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from bursar.worker.cycles import end_due_cycles
from tests.support.budgeting import called, done, made_group, made_member, put, row
from tests.support.offices import TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import seen

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
MOMENT = timedelta(seconds=30)


async def budgeted(house: TestOffice, **chosen: str) -> tuple[str, str]:
    """A group of 40 of 100 per cycle with a member of 10 who used 4; the ids of both. Who it belongs to is Acme."""
    place = await house.tenant(per_cycle="100", **chosen)
    await house.granted(place, "20")
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research", monthly="40")
    member_id = await made_member(admin, "ada", group_id, monthly="10")
    await done(admin, f"members/{member_id}/extra", extra="5", seen="0")
    await called(await house.signed_in("ada"), cost="4")
    return group_id, member_id


async def posted_epoch(house: TestOffice, name: str = "Acme Robotics") -> int:
    """The cycle that the books have posted, whatever is shown."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        epoch: int = await connection.fetchval(
            "select c.epoch from bursar.ledger_control c join bursar.tenants t using (tenant_id) where t.name = $1",
            name,
        )
        return epoch
    finally:
        await connection.close()


async def tenant_id_of(house: TestOffice) -> UUID:
    connection = await asyncpg.connect(house.admin_url)
    try:
        tenant_id: UUID = await connection.fetchval("select tenant_id from bursar.tenants")
        return tenant_id
    finally:
        await connection.close()


def turn_to(house: TestOffice, moment: datetime) -> None:
    """Moves the time to this moment."""
    house.clock.turn(moment - house.clock.now())


async def cycle_of(admin: httpx.AsyncClient) -> dict[str, Any]:
    """The running cycle, its times as times."""
    cycle: dict[str, Any] = await seen(admin, "/api/v1/cycle")
    return cycle | {name: datetime.fromisoformat(cycle[name]) for name in ("started_at", "ends_at")}


@pytest.mark.rule("CYCLE-3", "CYCLE-10", "CYCLE-5")
async def test_the_worker_ends_a_cycle_on_time_with_nobody_asking_and_budgets_are_whole_again(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    group_id, member_id = await budgeted(house, cadence="1_day")
    admin = await house.signed_in("acme-admin")
    ends_at = (await cycle_of(admin))["ends_at"]

    turn_to(house, ends_at - MOMENT)
    assert (await end_due_cycles(house.desk), await posted_epoch(house)) == (0, 1)
    turn_to(house, ends_at)
    assert (await end_due_cycles(house.desk), await posted_epoch(house)) == (1, 2)

    admin = await house.signed_in("acme-admin")
    cycle = await cycle_of(admin)
    assert (cycle["started_at"], cycle["ends_at"], cycle["used"]) == (ends_at, ends_at + DAY, "0.00")
    assert await row(admin, f"members/{member_id}", "used", "allowance", "balance") == ["0.00", "10.00", "5.00"]
    assert await row(admin, f"groups/{group_id}", "used", "allowance", "monthly") == ["0.00", "30.00", "40.00"]
    await check_books(fresh_database, await tenant_id_of(house))


@pytest.mark.rule("CYCLE-8", "CYCLE-10")
async def test_after_a_downtime_over_several_ends_the_cycle_that_would_run_runs_and_nothing_is_paid_twice(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    group_id, member_id = await budgeted(house, cadence="12_hours")
    admin = await house.signed_in("acme-admin")
    before = await cycle_of(admin)
    missed = 7

    turn_to(house, before["ends_at"] + missed * timedelta(hours=12) + MOMENT)
    assert await end_due_cycles(house.desk) == 1
    assert await end_due_cycles(house.desk) == 0

    admin = await house.signed_in("acme-admin")
    cycle = await cycle_of(admin)
    assert (cycle["epoch"], cycle["started_at"]) == (
        before["epoch"] + missed + 1, before["ends_at"] + missed * timedelta(hours=12),
    )  # fmt: skip
    assert (cycle["credits_per_cycle"], cycle["undistributed"], cycle["used"]) == ("100.00", "60.00", "0.00")
    assert await row(admin, f"members/{member_id}", "allowance", "balance", "consumed") == ["10.00", "5.00", "4.00"]
    assert await row(admin, f"groups/{group_id}", "available") == ["30.00"]
    # What came in and did not lapse: the running cycle, the pool's 20, and the 4 that were used.
    assert (await seen(admin, "/api/v1/pool"))["balance"] == "15.00"
    await check_books(fresh_database, await tenant_id_of(house))


@pytest.mark.rule("CYCLE-2", "CYCLE-3")
@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)], ids=["clocks go forward", "clocks go back"])
async def test_cycles_end_on_time_across_daylight_saving_both_ways(house: TestOffice, month: int, hours: int) -> None:
    await house.tenant(per_cycle="10")
    year = house.clock.now().year + 1
    last_days = (datetime(year, month, day, 12, tzinfo=BERLIN) for day in range(31, 24, -1))
    changes_on = next(day for day in last_days if day.weekday() == 6)
    turn_to(house, changes_on - DAY)
    admin = await house.signed_in("acme-admin")
    first_of_next = datetime(year, month + 1, 1, tzinfo=BERLIN).astimezone(UTC)

    for cadence, length in (
        ("1_day", timedelta(hours=hours)), ("12_hours", timedelta(hours=12)), ("calendar_month", None),
    ):  # fmt: skip
        turn_to(house, changes_on - DAY)
        admin = await house.signed_in("acme-admin")
        body = {"cadence": cadence, "time_zone": "Europe/Berlin", "epoch": (await cycle_of(admin))["epoch"]}
        await done(admin, "cycle/cadence", **body)
        cycle = await cycle_of(admin)

        assert cycle["ends_at"] == (first_of_next if length is None else cycle["started_at"] + length)
        if cadence == "1_day":  # the same time on the wall, the day after
            assert cycle["ends_at"].astimezone(BERLIN).time() == cycle["started_at"].astimezone(BERLIN).time()

    epoch = cycle["epoch"]
    turn_to(house, first_of_next - MOMENT)
    assert (await end_due_cycles(house.desk), await posted_epoch(house)) == (0, epoch)
    turn_to(house, first_of_next + MOMENT)
    assert (await end_due_cycles(house.desk), await posted_epoch(house)) == (1, epoch + 1)
    following = await cycle_of(await house.signed_in("acme-admin"))
    assert following["started_at"] == first_of_next
    assert following["ends_at"] == datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.rule("CYCLE-6", "CYCLE-10")
async def test_a_reset_done_twice_is_done_once_and_without_naming_a_cycle_nothing_happens(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    group_id, member_id = await budgeted(house, cadence="1_week")
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    unnamed = await admin.post("/api/v1/cycle/reset", json={})
    assert unnamed.status_code == 422
    assert await rows_of_everything(house) == before
    house.clock.turn(timedelta(hours=5))
    asked_at = house.clock.now()
    first = await admin.post("/api/v1/cycle/reset", json={"epoch": 1})
    again = await admin.post("/api/v1/cycle/reset", json={"epoch": 1})

    assert (first.status_code, first.json()["epoch"]) == (200, 2)
    assert again.json() == first.json()
    cycle = await cycle_of(admin)
    assert timedelta(0) <= cycle["started_at"] - asked_at < MOMENT
    assert (cycle["ends_at"], cycle["used"]) == (cycle["started_at"] + timedelta(weeks=1), "0.00")
    assert await row(admin, f"members/{member_id}", "used", "allowance", "balance") == ["0.00", "10.00", "5.00"]
    assert await row(admin, f"groups/{group_id}", "used", "available") == ["0.00", "30.00"]
    await check_books(fresh_database, await tenant_id_of(house))


@pytest.mark.rule("CYCLE-7", "CYCLE-1")
async def test_another_cadence_starts_a_fresh_cycle_at_once_and_each_is_offered(house: TestOffice) -> None:
    _, member_id = await budgeted(house, cadence="calendar_month")
    admin = await house.signed_in("acme-admin")
    lengths = {
        "15_days": timedelta(days=15), "1_week": timedelta(weeks=1), "1_day": DAY, "12_hours": timedelta(hours=12),
        "6_hours": timedelta(hours=6), "1_hour": timedelta(hours=1),
    }  # fmt: skip

    for epoch, (cadence, length) in enumerate(lengths.items(), start=1):
        asked_at = house.clock.now()
        await done(admin, "cycle/cadence", cadence=cadence, time_zone="UTC", epoch=epoch)
        cycle = await cycle_of(admin)
        assert (cycle["cadence"], cycle["epoch"], cycle["used"]) == (cadence, epoch + 1, "0.00")
        assert timedelta(0) <= cycle["started_at"] - asked_at < MOMENT
        assert cycle["ends_at"] - cycle["started_at"] == length
        # The word stays, whatever the cadence.
        assert await row(admin, f"members/{member_id}", "monthly", "used", "balance") == ["10.00", "0.00", "5.00"]
    unknown = await put(admin, "cycle/cadence", cadence="2_days", time_zone="UTC", epoch=7)
    assert unknown.status_code == 422


@pytest.mark.rule("CYCLE-10", "CYCLE-5")
async def test_allowances_lapse_and_balances_carry_and_both_bound_what_a_member_can_spend(house: TestOffice) -> None:
    _, member_id = await budgeted(house, cadence="1_day")
    ada, admin = await house.signed_in("ada"), await house.signed_in("acme-admin")
    assert await row(admin, f"members/{member_id}", "allowance", "balance", "remaining") == ["6.00", "5.00", "11.00"]

    above_both = await ada.post("/api/v1/holds", json={"amount": "11.01"})
    await called(ada, cost="8")
    after_both = await row(admin, f"members/{member_id}", "allowance", "balance", "used")
    house.clock.turn(DAY)

    assert above_both.json()["code"] == "insufficient_quota"
    assert after_both == ["0.00", "3.00", "12.00"]
    admin = await house.signed_in("acme-admin")
    figures = await row(admin, f"members/{member_id}", "allowance", "balance", "used", "consumed")
    assert figures == ["10.00", "3.00", "0.00", "12.00"]
