"""docs/rules/credit_requests.md, example by example: asking, what is approved by itself, and what is shown of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bursar.domain.credit_requests import (
    Funds,
    Means,
    Parts,
    Source,
    parts_of_approval,
    parts_of_auto_approval,
    reserve_left,
)
from bursar.domain.credits import ZERO, Credits, parse_level
from bursar.domain.refusals import Refusal
from tests.support.codes import check_books, pool_of
from tests.support.credit_requests import (
    OWN,
    REQUESTS,
    approved,
    asked_for,
    budgeted,
    colleague,
    denied,
    given_to_group,
    seen,
    shared,
    waiting,
    with_allowance,
)
from tests.support.events import events_of
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything


@pytest.mark.rule("REQUEST-1")
async def test_what_a_member_asks_for_waits_and_both_sides_see_it(house: TestOffice) -> None:
    place = await house.tenant()
    member, admin = await house.signed_in("acme-member"), await house.signed_in("acme-admin")

    answer = await asked_for(member, "12.50", "  A demo on Friday.\r\nThree people.  ")

    assert answer.status_code == 201, answer.text
    made = answer.json()
    expected = {
        "id": made["id"],
        "member": {
            "id": place.member_id, "name": "Acme Member", "email": "acme-member@example.com", "status": "active",
        },
        "group": {"id": place.group_id, "name": "Default"},
        "amount": "12.50", "approved": None, "reason": "A demo on Friday.\nThree people.",
        "submitted_at": made["submitted_at"], "status": "pending", "status_label": "Pending", "tag": "grey",
        "decided_by": None, "decided_at": None, "note": None, "sources": None,
    }  # fmt: skip
    assert made == expected
    assert made["id"].startswith("crq_")
    means = {"group_allowance": "0.00", "group_balance": "0.00", "pool": "0.00", "reserve_left": "0.00"}
    to_decide = expected | {"means": means, "may_decide": True, "objection": None}
    assert (await seen(admin))["credit_requests"] == [to_decide]
    assert await seen(admin, f"{REQUESTS}/{made['id']}") == to_decide
    assert (await seen(member, OWN))["credit_requests"] == [expected]
    (told,) = await events_of(house, place, "credit_request_submitted")
    assert told.changes == {"status": (None, "pending")}
    assert told.detail == {
        "member": place.member_id, "group": place.group_id, "amount": "12.50",
        "reason": "A demo on Friday.\nThree people.",
    }  # fmt: skip


@pytest.mark.rule("REQUEST-1")
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"reason": "x"}, "amount", "invalid_input"),
        ({"amount": 5, "reason": "x"}, "amount", "amount_not_decimal"),
        ({"amount": "0", "reason": "x"}, "amount", "amount_too_small"),
        ({"amount": "1.005", "reason": "x"}, "amount", "amount_too_fine"),
        ({"amount": "1000000000.01", "reason": "x"}, "amount", "amount_too_large"),
        ({"amount": "5"}, "reason", "invalid_input"),
        ({"amount": "5", "reason": " \n "}, "reason", "invalid_input"),
        ({"amount": "5", "reason": "x" * 1001}, "reason", "invalid_input"),
        ({"amount": "5", "reason": "a\tb"}, "reason", "invalid_input"),
        ({"amount": "5", "reason": "x", "member_id": "mem_1"}, "member_id", "invalid_input"),
    ],
)
async def test_an_amount_that_nobody_can_type_or_a_missing_reason_is_refused_by_name(
    house: TestOffice, body: dict[str, Any], field: str, code: str
) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    before = await rows_of_everything(house)

    refused = await member.post(REQUESTS, json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert [one["field"] for one in refused.json()["fields"]] == [field]
    assert await rows_of_everything(house) == before
    assert (await asked_for(member, "5", "x" * 1000)).status_code == 201


@pytest.mark.rule("REQUEST-1")
async def test_whoever_spends_from_the_pool_or_belongs_to_the_platform_asks_for_nothing(house: TestOffice) -> None:
    place = await house.tenant()
    await house.admin(place)
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    deputy = await house.signed_in("acme-deputy")
    body = {"amount": "5", "reason": "x"}

    by_root = await root.post(REQUESTS, params={"tenant_id": place.tenant_id}, json=body)
    by_tenant_admin = await admin.post(REQUESTS, json=body)
    by_admin = await deputy.post(REQUESTS, json=body)

    assert [(answer.status_code, answer.json()["code"]) for answer in (by_root, by_tenant_admin)] == [
        (403, "not_permitted"), (403, "not_permitted"),
    ]  # fmt: skip
    assert (by_admin.status_code, by_admin.json()["member"]["name"]) == (201, "Acme Deputy")


@pytest.mark.rule("REQUEST-2", "REQUEST-3", "REQUEST-5")
async def test_the_worked_example_of_reserve_and_auto_approval(house: TestOffice) -> None:
    """Group monthly 1 000 and 200 of balance; A 300 and B 200 monthly; a reserve of 100."""
    place = await house.tenant(per_cycle="1000")
    await house.granted(place, "200")
    admin, a = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await budgeted(house, place, monthly="1000", reserve="100")
    await given_to_group(admin, place.group_id, "200")
    b_id = (await colleague(admin, "b"))["id"]
    await with_allowance(house, place, place.member_id, "300")
    await with_allowance(house, place, b_id, "200")
    assert await columns(admin) == {
        "monthly": "1000.00",
        "distributed": "500.00",
        "available": "700.00",
        "extra": "200.00",
    }

    sixty = (await asked_for(a, "60")).json()

    assert (sixty["status"], sixty["status_label"], sixty["tag"]) == ("auto_approved", "Auto-Approved", "green")
    assert (sixty["approved"], sixty["decided_by"]) == ("60.00", "Bursar")
    assert sixty["sources"] == {"group_allowance": "60.00", "group_balance": "0.00", "pool": "0.00"}
    assert await columns(admin) == {
        "monthly": "1000.00",
        "distributed": "560.00",
        "available": "640.00",
        "extra": "200.00",
    }
    assert await has(admin, place.member_id) == {"extra": "60.00", "used": "0.00", "remaining": "360.00"}

    fifty = (await asked_for(a, "50")).json()

    assert fifty["status"] == "pending"
    assert (await seen(admin, f"{REQUESTS}/{fifty['id']}"))["means"] == {
        "group_allowance": "440.00", "group_balance": "200.00", "pool": "0.00", "reserve_left": "40.00",
    }  # fmt: skip
    hold = (await a.post("/api/v1/holds", json={"amount": "330"})).json()["id"]
    await a.post(f"/api/v1/holds/{hold}/settle", json={"cost": "330"})
    assert await has(admin, place.member_id) == {"extra": "60.00", "used": "330.00", "remaining": "30.00"}

    house.clock.turn(timedelta(days=1))

    admin = await house.signed_in("acme-admin")
    assert await has(admin, place.member_id) == {"extra": "0.00", "used": "0.00", "remaining": "300.00"}
    assert await has(admin, b_id) == {"extra": "0.00", "used": "0.00", "remaining": "200.00"}
    assert await columns(admin) == {
        "monthly": "1000.00",
        "distributed": "500.00",
        "available": "700.00",
        "extra": "200.00",
    }
    assert (await seen(admin, f"{REQUESTS}/{fifty['id']}"))["means"]["reserve_left"] == "100.00"
    b = await house.signed_in("b")
    assert (await asked_for(b, "100")).json()["status"] == "auto_approved"
    await check_books(house, place)


async def columns(admin: Any) -> dict[str, str]:
    """What the table of groups shows of Default."""
    row = (await seen(admin, "groups"))["groups"][0]
    return {name: row[name] for name in ("monthly", "distributed", "available", "extra")}


async def has(admin: Any, member_id: str) -> dict[str, str]:
    """What the table of members shows of one."""
    row = await seen(admin, f"members/{member_id}")
    return {name: row[name] for name in ("extra", "used", "remaining")}


@pytest.mark.rule("REQUEST-2")
async def test_without_a_reserve_everything_waits_for_somebody(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    await budgeted(house, place, monthly="1000", reserve="0")
    member = await house.signed_in("acme-member")

    assert (await asked_for(member, "0.01")).json()["status"] == "pending"
    await budgeted(house, place, monthly="1000", reserve="0.01")
    assert (await asked_for(member, "0.01")).json()["status"] == "auto_approved"


@pytest.mark.rule("REQUEST-2", "REQUEST-3")
async def test_of_a_reserve_of_fifty_thirty_are_given_and_the_next_thirty_wait(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    await budgeted(house, place, monthly="1000", reserve="50")
    member = await house.signed_in("acme-member")

    statuses = [(await asked_for(member, amount)).json()["status"] for amount in ("30", "30", "20", "0.01")]

    assert statuses == ["auto_approved", "pending", "auto_approved", "pending"]


@pytest.mark.rule("REQUEST-2")
async def test_by_itself_a_request_takes_allowance_then_balance_and_never_the_pool(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    await house.granted(place, "1000")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await budgeted(house, place, monthly="10", reserve="500")
    await given_to_group(admin, place.group_id, "5")

    above = (await asked_for(member, "15.01")).json()
    exactly = (await asked_for(member, "15")).json()
    nothing_left = (await asked_for(member, "0.01")).json()

    assert [answer["status"] for answer in (above, exactly, nothing_left)] == ["pending", "auto_approved", "pending"]
    assert exactly["sources"] == {"group_allowance": "10.00", "group_balance": "5.00", "pool": "0.00"}
    assert await pool_of(admin) == "995.00"
    rows = (await seen(admin, f"members/{place.member_id}/transactions"))["transactions"]
    assert [(row["kind"], row["amount"], row["operator"]["name"], row["note"]) for row in rows] == [
        ("group_hand_out", "5.00", "Bursar", "Credit request auto-approved"),
        ("cycle_top_up", "10.00", "Bursar", "Credit request auto-approved"),
    ]
    (told,) = await events_of(house, place, "credit_request_auto_approved")
    assert told.detail == {
        "member": place.member_id, "group": place.group_id, "amount": "15.00", "reason": "For the launch",
        "approved": "15.00", "of_allowance": "10.00", "of_balance": "5.00", "of_pool": "0.00",
    }  # fmt: skip
    await check_books(house, place)


@pytest.mark.rule("REQUEST-2")
async def test_what_calls_under_way_hold_of_a_group_is_not_given_away(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    member = await house.signed_in("acme-member")
    await budgeted(house, place, monthly="100", reserve="500")
    await shared(house, place)
    held = await member.post("/api/v1/holds", json={"amount": "40"})
    assert held.status_code == 201, held.text

    assert (await asked_for(member, "60.01")).json()["status"] == "pending"
    assert (await asked_for(member, "60")).json()["status"] == "auto_approved"
    await check_books(house, place)


@pytest.mark.rule("REQUEST-3")
async def test_a_reserve_is_used_up_by_everybody_in_the_group_and_by_nobody_else(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    admin = await house.signed_in("acme-admin")
    await colleague(admin, "b")
    other = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]
    await budgeted(house, place, monthly="100", reserve="50")
    await budgeted(house, place, group_id=other, monthly="100", reserve="50")
    await colleague(admin, "c", group_id=other)
    a, b, c = [await house.signed_in(name) for name in ("acme-member", "b", "c")]

    statuses = [(await asked_for(client, "50")).json()["status"] for client in (a, b, c)]

    assert statuses == ["auto_approved", "pending", "auto_approved"]


@pytest.mark.rule("REQUEST-3")
async def test_a_reset_and_a_higher_reserve_open_it_again_and_what_an_admin_approves_does_not_use_it(
    house: TestOffice,
) -> None:
    place = await house.tenant(per_cycle="1000")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await budgeted(house, place, monthly="500", reserve="50")
    assert (await asked_for(member, "50")).json()["status"] == "auto_approved"
    request_id = await waiting(member, "30")
    assert (await approved(admin, request_id, "30")).status_code == 200

    await budgeted(house, place, monthly="500", reserve="60")
    raised = [(await asked_for(member, amount)).json()["status"] for amount in ("11", "10")]
    await budgeted(house, place, monthly="500", reserve="5")
    lowered = (await seen(admin))["credit_requests"][1]["means"]["reserve_left"]
    epoch = (await seen(admin, "cycle"))["epoch"]
    assert (await admin.post("/api/v1/cycle/reset", json={"epoch": epoch})).status_code == 200
    afresh = [(await asked_for(member, amount)).json()["status"] for amount in ("5.01", "5")]

    assert (raised, lowered, afresh) == (["pending", "auto_approved"], "0.00", ["pending", "auto_approved"])


@pytest.mark.rule("REQUEST-4")
async def test_an_eleventh_request_waits_for_one_of_the_ten_before_it(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await colleague(admin, "b")
    ids = [await waiting(member) for _ in range(10)]
    before = await rows_of_everything(house)

    refused = await asked_for(member, "50")

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_credit_requests")
    assert refused.json()["facts"] == {"largest": "10"}
    assert await rows_of_everything(house) == before
    await waiting(await house.signed_in("b"))
    await budgeted(house, place, monthly="100", reserve="1")
    assert (await asked_for(member, "1")).json()["status"] == "auto_approved"
    assert (await denied(admin, ids[0])).status_code == 200
    await waiting(member)


def credits_of(text: str) -> Credits:
    return parse_level(text, field="amount")


@pytest.mark.rule("REQUEST-6")
@pytest.mark.parametrize(
    ("amount", "source", "parts"),
    [
        ("8", Source.GROUP, ("8", "0", "0")),
        ("10", Source.GROUP, ("10", "0", "0")),
        ("15", Source.GROUP, ("10", "5", "0")),
        ("15.01", Source.GROUP, "insufficient_budget"),
        ("15", Source.GROUP_AND_POOL, ("10", "5", "0")),
        ("17", Source.GROUP_AND_POOL, ("10", "5", "2")),
        ("35", Source.GROUP_AND_POOL, ("10", "5", "20")),
        ("35.01", Source.GROUP_AND_POOL, "insufficient_pool"),
        ("1", Source.POOL, ("0", "0", "1")),
        ("20", Source.POOL, ("0", "0", "20")),
        ("20.01", Source.POOL, "insufficient_pool"),
    ],
)
def test_each_source_gives_in_its_order_as_far_as_it_goes(
    amount: str, source: Source, parts: tuple[str, str, str] | str
) -> None:
    funds = Funds(credits_of("10"), credits_of("5"), credits_of("20"))

    if isinstance(parts, str):
        with pytest.raises(Refusal) as caught:
            parts_of_approval(credits_of(amount), funds, source)
        assert (caught.value.code, caught.value.field) == (parts, "amount")
    else:
        assert parts_of_approval(credits_of(amount), funds, source) == Parts(*map(credits_of, parts))


@pytest.mark.rule("REQUEST-6", "REQUEST-2")
def test_what_is_below_zero_gives_nothing_and_owes_nothing() -> None:
    funds = Funds(credits_of("10"), ZERO, -credits_of("3"))

    assert parts_of_approval(credits_of("10"), funds, Source.GROUP_AND_POOL) == Parts(credits_of("10"), ZERO, ZERO)
    with pytest.raises(Refusal) as caught:
        parts_of_approval(credits_of("0.01"), funds, Source.POOL)
    assert caught.value.detail.startswith("The pool has too little: 0.00 available, 0.01 asked.")
    assert parts_of_auto_approval(credits_of("10"), Means(funds, credits_of("9.99"), 1)) is None
    assert reserve_left(credits_of("5"), credits_of("9")) == ZERO
