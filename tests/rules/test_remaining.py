"""docs/rules/remaining.md, example by example, over HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from bursar.actions.desk import Asked
from bursar.actions.remaining import NewRemaining, set_remaining
from bursar.domain.credits import ZERO, Credits
from bursar.domain.ids import public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from tests.support.clocks import Hurried
from tests.support.codes import check_books
from tests.support.events import events_of
from tests.support.handing import allocated, funded, of_member, pool, reclaimed, refused, see, set_to, used
from tests.support.offices import Place, TestOffice
from tests.support.rows import rows_of_everything


async def with_allowance(
    house: TestOffice, allowance: str, *, cadence: str = "1_day"
) -> tuple[Place, httpx.AsyncClient]:
    """A tenant of 100 credits and more per cycle, whose member has an allowance."""
    place = await house.tenant(per_cycle="100", cadence=cadence)
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    for path in (f"groups/{place.group_id}", f"members/{place.member_id}"):
        done = await admin.put(f"/api/v1/{path}/monthly", json={"monthly": allowance, "seen": "0"})
        assert done.status_code == 200, done.text
    return place, admin


@pytest.mark.rule("REMAINING-1")
async def test_raising_takes_the_difference_from_the_pool_and_lowering_returns_it(house: TestOffice) -> None:
    place, admin = await funded(house)

    first = await set_to(admin, place.member_id, "5", "0")
    raised = await set_to(admin, place.member_id, "8", "5.00", note="Launch")
    lowered = await set_to(admin, place.member_id, "6", "8")
    same = await set_to(admin, place.member_id, "6", "6")

    assert [answer.status_code for answer in (first, raised, lowered, same)] == [200] * 4
    moved = [(answer.json()["movement"] or {}) for answer in (first, raised, lowered, same)]
    assert [(move.get("kind"), move.get("amount"), move.get("source_after")) for move in moved] == [
        ("allocation", "5.00", "95.00"), ("allocation", "3.00", "92.00"), ("reclaim", "2.00", "6.00"),
        (None, None, None),
    ]  # fmt: skip
    assert (lowered.json()["remaining"], lowered.json()["before"]) == ("6.00", "8.00")
    assert (await pool(admin), await of_member(admin, place.member_id, "remaining")) == ("94.00", "6.00")
    told = await events_of(house, place, "remaining_set")
    assert [(event.subject, event.changes, event.detail) for event in told] == [
        (place.member_id, {"remaining": ("0.00", "5.00")}, {"amount": "5.00", "kind": "allocation"}),
        (place.member_id, {"remaining": ("5.00", "8.00")}, {"amount": "3.00", "kind": "allocation"}),
        (place.member_id, {"remaining": ("8.00", "6.00")}, {"amount": "2.00", "kind": "reclaim"}),
    ]
    rows = (await see(admin, "transactions"))["transactions"]
    assert [(row["label"], row["note"]) for row in rows] == [
        ("Reclaim", None), ("Allocation", "Launch"), ("Allocation", None), ("Grant", None),
    ]  # fmt: skip
    await check_books(house, place)


@pytest.mark.rule("REMAINING-1")
async def test_what_is_held_counts_as_gone_and_consumed_is_left_alone(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place.member_id, "20")
    member = await house.signed_in("acme-member")
    await used(member, "3.333333")
    await member.post("/api/v1/holds", json={"amount": "6"})

    stale = await set_to(admin, place.member_id, "8", "10.66")
    done = await set_to(admin, place.member_id, "8", "10.666667")

    assert refused(stale) == (409, "figure_changed")
    assert (done.status_code, done.json()["movement"]["amount"]) == (200, "2.666667")
    shown = await see(admin, f"members/{place.member_id}")
    assert (shown["remaining"], shown["held"], shown["consumed"]) == ("8.00", "6.00", "3.333333")
    await check_books(house, place)


@pytest.mark.rule("REMAINING-1")
async def test_raising_asks_what_an_allocation_asks_and_lowering_does_not(house: TestOffice) -> None:
    place, admin = await funded(house)
    deputy_id = public_id("member", (await house.admin(place)).member_id)
    deputy, member = await house.signed_in("acme-deputy"), await house.signed_in("acme-member")
    elsewhere = await house.tenant("Globex")
    for member_id in (place.member_id, deputy_id):
        await allocated(admin, member_id, "10")
    await admin.post(f"/api/v1/members/{place.member_id}/disable")
    before = await rows_of_everything(house)

    refusals = {
        "beyond the pool": await set_to(admin, deputy_id, "90.01", "10"),
        "disabled": await set_to(admin, place.member_id, "10.01", "10"),
        "oneself": await set_to(deputy, deputy_id, "11", "10"),
        "a tenant admin": await set_to(deputy, place.admin_id, "1", "0"),
        "a tenant admin oneself": await set_to(admin, place.admin_id, "1", "0"),
        "another tenant's": await set_to(admin, elsewhere.member_id, "1", "0"),
        "unknown": await set_to(admin, f"mem_{1:032x}", "1", "0"),
        "by a member": await set_to(member, deputy_id, "1", "10"),
    }

    assert {name: refused(answer) for name, answer in refusals.items()} == {
        "beyond the pool": (409, "insufficient_pool"),
        "disabled": (403, "member_disabled"),
        "oneself": (403, "recipient_is_actor"),
        "a tenant admin": (409, "recipient_spends_pool"),
        "a tenant admin oneself": (403, "recipient_is_actor"),
        "another tenant's": (404, "member_unknown"),
        "unknown": (404, "member_unknown"),
        "by a member": (403, "member_disabled"),
    }
    beyond = refusals["beyond the pool"].json()
    assert (beyond["title"], beyond["fields"][0]["field"]) == ("Insufficient tenant balance", "remaining")
    assert await rows_of_everything(house) == before
    assert (await set_to(admin, place.member_id, "0", "10")).status_code == 200
    assert (await set_to(deputy, deputy_id, "9", "10")).status_code == 200
    assert (await set_to(admin, deputy_id, "90.00", "9")).status_code == 200


@pytest.mark.rule("REMAINING-1", "AMOUNT-9")
async def test_out_of_a_debt_one_is_raised(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place.member_id, "12")
    await used(await house.signed_in("acme-member"), "17", held="12")

    raised = await set_to(admin, place.member_id, "3", "-5.00")

    assert (raised.status_code, raised.json()["before"], raised.json()["movement"]["amount"]) == (200, "-5.00", "8.00")
    assert (await pool(admin), await of_member(admin, place.member_id)) == ("80.00", "3.00")
    await check_books(house, place)


@pytest.mark.rule("REMAINING-1")
@pytest.mark.parametrize(
    ("body", "code", "field"),
    [({"remaining": "-1", "seen": "0"}, "amount_too_small", "remaining"),
     ({"remaining": "1.234", "seen": "0"}, "amount_too_fine", "remaining"),
     ({"remaining": 5, "seen": "0"}, "amount_not_decimal", "remaining"),
     ({"remaining": "5", "seen": "much"}, "amount_not_decimal", "seen"),
     ({"remaining": "5", "seen": "0.0000001"}, "amount_too_fine", "seen"),
     ({"remaining": "5"}, "invalid_input", "seen")],
)  # fmt: skip
async def test_what_is_no_figure_is_refused_by_name(
    house: TestOffice, body: dict[str, object], code: str, field: str
) -> None:
    place, admin = await funded(house)

    answer = await admin.put(f"/api/v1/members/{place.member_id}/remaining", json=body)

    assert (refused(answer), [one["field"] for one in answer.json()["fields"]]) == ((422, code), [field])


@pytest.mark.rule("REMAINING-2")
async def test_a_figure_that_changed_meanwhile_is_shown_and_nothing_is_set(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place.member_id, "10")
    before = await rows_of_everything(house)

    stale = await set_to(admin, place.member_id, "5", "0")

    assert (refused(stale), stale.json()["facts"]) == ((409, "figure_changed"), {"present": "10.00", "seen": "0.00"})
    assert [field["field"] for field in stale.json()["fields"]] == ["seen"]
    assert await rows_of_everything(house) == before
    assert (await set_to(admin, place.member_id, "5", stale.json()["facts"]["present"])).status_code == 200


@pytest.mark.rule("REMAINING-2")
async def test_of_ten_who_set_it_at_once_one_does_and_a_repeat_is_answered_alike(house: TestOffice) -> None:
    place, admin = await funded(house)
    path, key = f"/api/v1/members/{place.member_id}/remaining", {"Idempotency-Key": "five"}

    crowd = await asyncio.gather(*(set_to(admin, place.member_id, str(n), "0") for n in range(1, 11)))
    present = await of_member(admin, place.member_id, "remaining")
    first = await admin.put(path, json={"remaining": "20", "seen": present}, headers=key)
    again = await admin.put(path, json={"remaining": "20", "seen": present}, headers=key)

    assert sorted(answer.status_code for answer in crowd) == [200] + [409] * 9
    assert (first.status_code, again.content, again.headers["Idempotent-Replayed"]) == (200, first.content, "true")
    assert (await pool(admin), await of_member(admin, place.member_id, "remaining")) == ("80.00", "20.00")
    await check_books(house, place)


@pytest.mark.rule("REMAINING-2")
async def test_what_is_set_as_a_cycle_ends_belongs_to_the_cycle_that_was_seen(house: TestOffice) -> None:
    place, admin = await with_allowance(house, "10", cadence="1_hour")
    await used(await house.signed_in("acme-member"), "10")
    by = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, place.tenant.tenant_id, "Acme Admin"))
    hurried = replace(house.desk, clock=Hurried(house.clock))
    wanted = NewRemaining(Credits(5_000_000), ZERO, None)

    done = (await set_remaining(hurried, by, place.tenant.tenant_id, place.member.member_id, wanted)).answer

    cycle = await see(admin, "cycle")
    assert (done.after, cycle["epoch"]) == (Credits(5_000_000), 1)
    assert await of_member(admin, place.member_id, "remaining") == "5.00", "and not the next cycle's allowance besides"
    await check_books(house, place)


@pytest.mark.rule("REMAINING-3")
async def test_the_lowest_figure_is_what_is_left_of_the_allowance(house: TestOffice) -> None:
    place, admin = await with_allowance(house, "10")
    await allocated(admin, place.member_id, "5")
    member = await house.signed_in("acme-member")
    await used(member, "3")
    await member.post("/api/v1/holds", json={"amount": "2"})
    before = await rows_of_everything(house)

    below = await set_to(admin, place.member_id, "4.99", "10")

    assert (refused(below), below.json()["title"]) == ((409, "insufficient_balance"), "Insufficient user balance")
    assert "5.00 of what is left comes from the allowance" in below.json()["detail"]
    assert "Allocations" in below.json()["detail"]
    facts = below.json()["facts"]
    assert (facts["lowest"], facts["present"], facts["available"], facts["asked"]) == ("5.00", "10.00", "5.00", "5.01")
    assert below.json()["fields"][0]["field"] == "remaining"
    assert await rows_of_everything(house) == before
    assert (await set_to(admin, place.member_id, "5", "10")).status_code == 200
    assert (await of_member(admin, place.member_id), await pool(admin)) == ("0.00", "100.00")
    assert refused(await reclaimed(admin, place.member_id, "0.01")) == (409, "insufficient_balance")
    await check_books(house, place)


@pytest.mark.rule("REMAINING-3")
async def test_without_an_allowance_the_lowest_figure_is_0_and_what_was_consumed_stays_so(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place.member_id, "10")
    await used(await house.signed_in("acme-member"), "4")

    emptied = await set_to(admin, place.member_id, "0", "6")

    assert (emptied.status_code, await pool(admin)) == (200, "96.00")
    assert await of_member(admin, place.member_id, "consumed") == "4.00"
