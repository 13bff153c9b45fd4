"""A low pool and low balances are noticed, told once, and told again only after they have risen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from bursar.actions.alerts import look_at_members, look_at_pool
from bursar.db.transaction import reading
from bursar.domain.credits import parse_level
from bursar.ledger import SetGroupMonthly, SetMemberMonthly, list_low_members, list_member_figures
from bursar.outside.identity import new_uuid
from bursar.worker.alerts import LowWatch
from bursar.worker.cycles import end_due_cycles
from tests.support.calls.scenes import fresh_member
from tests.support.offices import Place, TestOffice
from tests.support.telling import changed, own, told


async def mark(house: TestOffice, place: Place, *, pool: int | None = None, balance: int | None = None) -> None:
    """Sets the tenant's marks, in whole credits."""
    await changed(
        house,
        "update bursar.tenants set low_pool_micro = $2, low_balance_micro = $3 where tenant_id = $1",
        place.tenant.tenant_id,
        None if pool is None else pool * 1_000_000,
        None if balance is None else balance * 1_000_000,
    )


async def looked(house: TestOffice, watch: LowWatch | None = None) -> int:
    """How many are told that something is low: by this watch, or by that of a process which has just started."""
    count = await (watch or LowWatch(house.desk)).look()
    await told(house)
    return count


async def allocate(house: TestOffice, place: Place, amount: str, member_id: str | None = None) -> None:
    admin = await house.signed_in(place.admin.username)
    body = {"member_id": member_id or place.member_id, "amount": amount}
    assert (await admin.post("/api/v1/allocations", json=body)).status_code == 201


async def reclaim(house: TestOffice, place: Place, amount: str) -> None:
    admin = await house.signed_in(place.admin.username)
    response = await admin.post("/api/v1/reclaims", json={"member_id": place.member_id, "amount": amount})
    assert response.status_code == 201, response.text


@pytest.mark.rule("NOTIFY-8")
async def test_a_pool_below_its_mark_is_told_once_and_again_after_it_rose(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    await mark(house, place, pool=50)

    at_first = await looked(house)
    await allocate(house, place, "50")
    at_the_mark = await looked(house)
    await allocate(house, place, "1")
    below = [await looked(house), await looked(house)]
    await house.granted(place, "1")
    risen = await looked(house)
    await allocate(house, place, "10")
    again = await looked(house)

    assert (at_first, at_the_mark, below, risen, again) == (0, 0, [1, 0], 0, 1)
    titles = (await own(await house.signed_in("acme-admin"))).titles
    assert [title for title in titles if "low" in title] == [
        "The pool is low: 40.00 credits are left, less than 50.00.",
        "The pool is low: 49.00 credits are left, less than 50.00.",
    ]
    assert (await own(await house.signed_in("acme-member"))).titles == []


@pytest.mark.rule("NOTIFY-8")
async def test_what_calls_hold_of_the_pool_is_not_there(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    await mark(house, place, pool=50)
    admin = await house.signed_in("acme-admin")

    hold = (await admin.post("/api/v1/holds", json={"amount": "60", "seconds": 600})).json()["id"]
    held = await looked(house)
    await admin.post(f"/api/v1/holds/{hold}/void")

    assert (held, await looked(house)) == (1, 0)


@pytest.mark.rule("NOTIFY-8", "NOTIFY-9")
async def test_without_a_mark_nobody_is_told_and_what_was_low_is_forgotten(house: TestOffice) -> None:
    place = await house.tenant()
    await allocate_from_grant(house, place, "5")
    unmarked = await looked(house)
    await mark(house, place, pool=50, balance=50)
    marked = await looked(house)
    await mark(house, place)
    await looked(house)
    await mark(house, place, pool=50, balance=50)

    assert (unmarked, marked, await looked(house)) == (0, 2, 2)


async def allocate_from_grant(house: TestOffice, place: Place, amount: str) -> None:
    await house.granted(place, amount)
    await allocate(house, place, amount)


@pytest.mark.rule("NOTIFY-9")
async def test_a_member_with_little_left_is_told_once_and_again_after_more_came(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "1000")
    await mark(house, place, balance=10)
    never_given = await looked(house)
    await allocate(house, place, "10")

    at_the_mark = await looked(house)
    await reclaim(house, place, "1")
    below = [await looked(house), await looked(house)]
    await allocate(house, place, "5")
    risen = await looked(house)
    await reclaim(house, place, "10")
    again = await looked(house)

    assert (never_given, at_the_mark, below, risen, again) == (0, 0, [1, 0], 0, 1)
    assert (await own(await house.signed_in("acme-member"))).titles == [
        "Your credits are low: 4.00 are left, less than 10.00.",
        "Your credits are low: 9.00 are left, less than 10.00.",
    ]
    titles = (await own(await house.signed_in("acme-admin"))).titles
    assert [title for title in titles if "low" in title] == []


@pytest.mark.rule("NOTIFY-9")
async def test_who_is_disabled_or_has_spent_everything_taken_back_is_not_told(house: TestOffice) -> None:
    place = await house.tenant()
    await allocate_from_grant(house, place, "5")
    await mark(house, place, balance=10)
    admin = await house.signed_in("acme-admin")
    await admin.post(f"/api/v1/members/{place.member_id}/disable")

    disabled = await looked(house)
    await admin.post(f"/api/v1/members/{place.member_id}/enable")
    enabled = await looked(house)
    await admin.delete(f"/api/v1/members/{place.member_id}")

    assert (disabled, enabled, await looked(house)) == (0, 1, 0)


@pytest.mark.rule("NOTIFY-9")
async def test_an_allowance_that_has_rolled_over_is_what_is_left_of_it_also_before_anybody_posts(
    house: TestOffice,
) -> None:
    place = await house.tenant(cadence="1_day")
    await budgeted(house, place, "20")
    await mark(house, place, balance=10)
    member = await house.signed_in("acme-member")
    hold = (await member.post("/api/v1/holds", json={"amount": "15", "seconds": 600})).json()["id"]
    watch = LowWatch(house.desk)

    spent = await looked(house, watch)
    house.clock.turn(timedelta(days=1))
    unposted = await looked(house, watch)
    remembered = await alerts(house)
    await end_due_cycles(house.desk)
    posted = await looked(house, watch)
    member = await house.signed_in("acme-member")
    await member.post(f"/api/v1/holds/{hold}/void")
    await member.post("/api/v1/holds", json={"amount": "11", "seconds": 600})

    assert (spent, unposted, remembered, posted, await looked(house, watch)) == (1, 0, 0, 0, 1)


@pytest.mark.rule("NOTIFY-9")
async def test_the_ledgers_figures_and_what_is_read_of_many_at_once_agree(house: TestOffice) -> None:
    place = await house.tenant(cadence="1_day")
    await house.granted(place, "1000")
    await budgeted(house, place, "20")
    others = [await fresh_member(house, place) for _ in range(4)]
    for number, other in enumerate(others):
        await allocate(house, place, f"{number + 1}.50", f"mem_{other.member_id.hex}")
    member = await house.signed_in("acme-member")
    await member.post("/api/v1/holds", json={"amount": "15", "seconds": 7 * 24 * 3600 // 10})
    ids = [place.member.member_id, *(other.member_id for other in others)]

    for turned in (timedelta(0), timedelta(days=1), timedelta(days=1)):
        house.clock.turn(turned)
        for is_posted in (False, True):
            if is_posted:
                await end_due_cycles(house.desk)
            tenant_id, desk = place.tenant.tenant_id, house.desk
            for level in ("1", "2.50", "3.51", "6", "20", "20.01", "1000"):
                below = parse_level(level, field="x")
                async with reading(desk.tenants, tenant_id) as transaction:
                    figures = await list_member_figures(transaction, tenant_id, ids, desk.clock.of_ledger)
                    low = await list_low_members(transaction, tenant_id, below, desk.clock.now(), after=None, limit=100)
                expected = {one.member_id: one.remaining for one in figures.values() if one.remaining < below}
                assert low.remaining == expected
                assert low.until is None


@pytest.mark.rule("NOTIFY-9")
async def test_members_are_looked_at_some_at_a_time_and_nobody_is_left_out(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bursar.actions.alerts.MEMBERS_AT_ONCE", 2)
    place = await house.tenant()
    await house.granted(place, "100")
    others = [await fresh_member(house, place) for _ in range(4)]
    for other in others:
        await allocate(house, place, "5", f"mem_{other.member_id.hex}")
    await allocate(house, place, "5")
    await mark(house, place, balance=10)

    parts: list[int] = []
    after = None
    while not parts or after is not None:
        part = await look_at_members(house.desk, place.tenant.tenant_id, after=after)
        parts.append(part.told_count)
        after = part.until
    await mark(house, place, balance=5)

    assert parts == [2, 2, 1]
    assert await looked(house) == 0
    assert await alerts(house) == 0


@pytest.mark.rule("NOTIFY-8", "NOTIFY-9")
async def test_two_processes_that_look_at_once_tell_once(house: TestOffice) -> None:
    place = await house.tenant()
    await allocate_from_grant(house, place, "5")
    await mark(house, place, pool=50, balance=10)

    counts = await asyncio.gather(*(LowWatch(house.desk).look() for _ in range(5)))
    more = await looked(house)

    assert sum(counts) + more == 2


@pytest.mark.rule("NOTIFY-8", "NOTIFY-9")
async def test_a_tenant_where_nothing_was_posted_is_not_looked_at_again(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, globex = await house.tenant("Acme"), await house.tenant("Globex")
    for place in (acme, globex):
        await allocate_from_grant(house, place, "100")
        await mark(house, place, pool=1, balance=10)
    watch = LowWatch(house.desk)
    await watch.look()
    looks: list[object] = []

    async def noted(desk: object, tenant_id: object) -> object:
        looks.append(tenant_id)
        return await real(desk, tenant_id)  # type: ignore[arg-type]

    real = look_at_pool
    monkeypatch.setattr("bursar.worker.alerts.look_at_pool", noted)

    await watch.look()
    idle = list(looks)
    await reclaim(house, globex, "95")
    posted_count = await watch.look()
    posted = list(looks)
    await mark(house, acme, pool=1, balance=101)
    marked_count = await watch.look()

    assert (idle, posted, posted_count) == ([], [globex.tenant.tenant_id], 1)
    assert (looks[1:], marked_count) == ([acme.tenant.tenant_id], 1)


async def budgeted(house: TestOffice, place: Place, amount: str) -> None:
    """An allowance of this much per cycle for the member."""
    level = parse_level(amount, field="x")
    for command in (
        SetGroupMonthly(actor_id=None, transfer_id=new_uuid(), group_id=place.member.group_id, monthly=level),
        SetMemberMonthly(actor_id=None, transfer_id=new_uuid(), member_id=place.member.member_id, monthly=level),
    ):
        (await house.desk.lanes.submit(place.tenant.tenant_id, command)).unwrap()


async def alerts(house: TestOffice) -> int:
    """How many are low at this moment, as far as was noticed."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        return int(await connection.fetchval("select count(*) from bursar.alerts"))
    finally:
        await connection.close()
