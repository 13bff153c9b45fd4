"""docs/rules/budgets.md, example by example, over HTTP: budgets and what is given on top of them, set as levels."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.budgeting import called, credits_of, done, made_group, made_member, put, row, topped_up
from tests.support.events import events_of
from tests.support.keys import made_key
from tests.support.offices import TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import path_of, seen


@pytest.mark.rule("BUDGET-11", "BUDGET-4", "BUDGET-5")
async def test_budgets_are_set_once_by_whoever_saw_what_they_were_and_figures_follow_at_once(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    admin = await house.signed_in("acme-admin")
    group, member = f"groups/{place.group_id}", f"members/{place.member_id}"

    first = await put(admin, f"{group}/monthly", key="once", monthly="60", seen="0", note="Hiring")
    again = await put(admin, f"{group}/monthly", key="once", monthly="60", seen="0", note="Hiring")
    stale = await put(admin, f"{group}/monthly", monthly="70", seen="0")
    await done(admin, f"{group}/monthly", monthly="60", seen="60")
    before = await row(admin, group, "distributed", "available", "undistributed")
    of_member = await done(admin, f"{member}/monthly", monthly="12.5", seen="0")
    stale_of_member = await put(admin, f"{member}/monthly", monthly="5", seen="12.51")

    assert (first.status_code, first.json()) == (200, {"monthly": "60.00", "before": "0.00"})
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    for answer, present in ((stale, "60.00"), (stale_of_member, "12.50")):
        assert (answer.status_code, answer.json()["code"]) == (409, "figure_changed")
        assert answer.json()["facts"]["present"] == present
    assert of_member == {"monthly": "12.50", "before": "0.00"}
    assert before == ["0.00", "60.00", "60.00"]
    assert await row(admin, group, "distributed", "available", "undistributed") == ["12.50", "47.50", "47.50"]
    assert await row(admin, member, "monthly", "remaining") == ["12.50", "12.50"]
    told = await events_of(house, place, "group_monthly_set", "member_monthly_set")
    assert [event.changes for event in told] == [{"monthly": ("0.00", "60.00")}, {"monthly": ("0.00", "12.50")}]


@pytest.mark.rule("BUDGET-11")
async def test_of_two_who_set_a_budget_at_once_one_is_shown_what_the_other_made_of_it(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    paths = {"monthly": f"groups/{place.group_id}", "extra": f"members/{place.member_id}"}

    for name, path in paths.items():
        levels = ("10", "20", "30")
        answers = await asyncio.gather(
            *(put(admin, f"{path}/{name}", **{name: level, "seen": "0"}) for level in levels)
        )
        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        lost = [answer.json() for answer in answers if answer.status_code == 409]
        assert [(answer["code"], answer["facts"]["present"]) for answer in lost] == [("figure_changed", won[name])] * 2
        assert await row(admin, path, name) == [won[name]]


@pytest.mark.rule("BUDGET-11", "BUDGET-12", "BUDGET-13")
async def test_budgets_and_extras_are_for_admins_and_for_keys_with_the_right_scope(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "100")
    await house.admin(place)
    member, deputy = await house.signed_in("acme-member"), await house.signed_in("acme-deputy")
    for_groups = await made_key(deputy, "management", scopes=["groups:read", "groups:write"])
    by_key = house.visitor(authorization=f"Bearer {for_groups['secret']}")
    bodies = {
        f"groups/{place.group_id}/monthly": {"monthly": "10", "seen": "0"},
        f"groups/{place.group_id}/auto-approve": {"auto_approve": "10", "seen": "0"},
        f"members/{place.member_id}/monthly": {"monthly": "10", "seen": "0"},
        f"groups/{place.group_id}/extra": {"extra": "10", "seen": "0"},
        f"members/{place.member_id}/extra": {"extra": "10", "seen": "0"},
    }
    before = await rows_of_everything(house)

    assert [(await put(member, path, **body)).json()["code"] for path, body in bodies.items()] == ["not_permitted"] * 5
    # What moves the pool's credits takes a key that may.
    extras = {path: body for path, body in bodies.items() if path.endswith("extra")}
    assert [(await put(by_key, path, **body)).json()["code"] for path, body in extras.items()] == ["not_permitted"] * 2
    assert await rows_of_everything(house) == before
    for path, body in bodies.items():
        await done(deputy, path, **body)


@pytest.mark.rule("BUDGET-6")
async def test_lowering_a_budget_below_its_parts_names_the_ten_largest(house: TestOffice) -> None:
    await house.tenant(per_cycle="200")
    admin = await house.signed_in("acme-admin")
    research = await made_group(admin, "Research", monthly="150")
    await made_group(admin, "Design", monthly="10")
    members = [
        await made_member(admin, f"member-{number:02}", research, monthly=f"{number}") for number in range(1, 13)
    ]
    before = await rows_of_everything(house)

    group = (await put(admin, f"groups/{research}/monthly", monthly="77.99", seen="150")).json()
    body = {"credits_per_cycle": "159.99", "seen": "200"}
    tenant = (await put(admin, "cycle/credits-per-cycle", **body)).json()

    assert (group["code"], tenant["code"]) == ("budget_below_children", "budget_below_children")
    assert group["detail"].startswith(
        "The budget cannot be lower than the 78.00 already given out of it: Member-12 12.00,"
    )
    assert group["detail"].endswith("Member-03 3.00 and others.")
    assert group["facts"]["children"].split() == members[:1:-1]
    assert tenant["detail"] == (
        "The budget cannot be lower than the 160.00 already given out of it: Research 150.00, Design 10.00."
    )
    assert tenant["facts"]["children"].split()[0] == research
    assert [field["field"] for field in tenant["fields"]] == ["credits_per_cycle"]
    assert await rows_of_everything(house) == before
    await done(admin, f"groups/{research}/monthly", monthly="78", seen="150")


@pytest.mark.rule("BUDGET-12")
async def test_a_groups_extra_comes_out_of_the_pool_and_what_is_not_handed_out_goes_back(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "50")
    admin = await house.signed_in("acme-admin")
    group = f"groups/{await made_group(admin, 'Research', monthly='20')}"
    member_id = await made_member(admin, "ada", group.removeprefix("groups/"))

    short = await put(admin, f"{group}/extra", extra="50.01", seen="0")
    given = await done(admin, f"{group}/extra", extra="40", seen="0", note="A pilot")
    await done(admin, f"members/{member_id}/extra", extra="30", seen="0")
    too_low = await put(admin, f"{group}/extra", extra="29.99", seen="40")
    lowered = await done(admin, f"{group}/extra", extra="30", seen="40.00")
    same = await done(admin, f"{group}/extra", extra="30", seen="30")

    assert (short.status_code, short.json()["code"]) == (409, "insufficient_pool")
    assert [field["field"] for field in short.json()["fields"]] == ["extra"]
    assert given == {"extra": "40.00", "before": "0.00"}
    # Ten are the group's own; the thirty that a member has are that member's to give back.
    assert (too_low.json()["code"], too_low.json()["facts"]["available"]) == ("insufficient_balance", "10.00")
    assert (lowered, same) == ({"extra": "30.00", "before": "40.00"}, {"extra": "30.00", "before": "30.00"})
    assert await row(admin, group, "extra", "distributed", "available", "balance") == [
        "30.00",
        "30.00",
        "20.00",
        "0.00",
    ]
    assert (await seen(admin, "/api/v1/pool"))["balance"] == "20.00"
    told = await events_of(house, place, "group_extra_set")
    assert [event.changes for event in told] == [{"extra": ("0.00", "40.00")}, {"extra": ("40.00", "30.00")}]
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("BUDGET-13")
async def test_a_members_extra_comes_out_of_the_groups_balance_then_the_pool_and_goes_back_to_the_pool(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    group, member = f"groups/{place.group_id}", f"members/{place.member_id}"
    await done(admin, f"{group}/extra", extra="30", seen="0")

    raised = await put(admin, f"{member}/extra", key="once", extra="50", seen="0", note="The launch")
    again = await put(admin, f"{member}/extra", key="once", extra="50", seen="0", note="The launch")
    figures = await row(admin, group, "balance", "distributed", "extra")
    pool = (await seen(admin, "/api/v1/pool"))["balance"]
    lowered = await done(admin, f"{member}/extra", extra="10", seen="50")

    assert raised.json() == {
        "extra": "50.00", "before": "0.00", "of_group": "30.00", "of_pool": "20.00", "returned": "0.00",
    }  # fmt: skip
    assert (again.content, again.headers["Idempotent-Replayed"]) == (raised.content, "true")
    assert (figures, pool) == (["0.00", "50.00", "50.00"], "50.00")
    assert (lowered["returned"], lowered["of_group"], lowered["of_pool"]) == ("40.00", "0.00", "0.00")
    assert await row(admin, member, "extra", "balance", "remaining") == ["10.00", "10.00", "10.00"]
    # The group's credits went to the pool by way of the member: that is where lowering leads.
    assert (await seen(admin, "/api/v1/pool"))["balance"] == "90.00"
    assert await row(admin, group, "balance") == ["0.00"]
    told = await events_of(house, place, "member_extra_set")
    assert [(event.changes, event.detail) for event in told] == [
        ({"extra": ("0.00", "50.00")}, {"group_hand_out": "30.00", "allocation": "20.00"}),
        ({"extra": ("50.00", "10.00")}, {"reclaim": "40.00"}),
    ]
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("BUDGET-13", "REFUSAL-3")
async def test_a_members_extra_moves_whole_or_not_at_all(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "40")
    admin, member = await house.signed_in("acme-admin"), f"members/{place.member_id}"
    await done(admin, f"groups/{place.group_id}/extra", extra="30", seen="0")
    before = await rows_of_everything(house)

    short = await put(admin, f"{member}/extra", extra="50", seen="0")
    stale = await put(admin, f"{member}/extra", extra="20", seen="1")
    fine = await put(admin, f"{member}/extra", extra="20.001", seen="0")
    below = await put(admin, f"{member}/extra", extra="-1", seen="0")

    # Thirty of the fifty are there, and not one of them is given.
    assert (short.json()["code"], short.json()["facts"]["asked"]) == ("insufficient_pool", "20.00")
    assert (stale.json()["code"], stale.json()["facts"]["present"]) == ("figure_changed", "0.00")
    assert (fine.json()["code"], below.json()["code"]) == ("amount_too_fine", "amount_too_small")
    assert await rows_of_everything(house) == before


@pytest.mark.rule("BUDGET-13", "BUDGET-9")
async def test_nobody_raises_ones_own_a_disabled_member_is_only_lowered_and_a_tenant_admin_has_no_extra(
    house: TestOffice,
) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "100")
    await house.admin(place)
    admin, deputy = await house.signed_in("acme-admin"), await house.signed_in("acme-deputy")
    own = (await seen(deputy, "/api/v1/session"))["person"]["id"]
    for member_id in (own, place.member_id):
        await done(admin, f"members/{member_id}/extra", extra="20", seen="0")
    assert (await admin.post(f"/api/v1/members/{place.member_id}/disable")).status_code == 200

    refused = {
        "own": await put(deputy, f"members/{own}/extra", extra="21", seen="20"),
        "disabled": await put(admin, f"members/{place.member_id}/extra", extra="21", seen="20"),
        "tenant admin": await put(deputy, f"members/{place.admin_id}/extra", extra="1", seen="0"),
        "tenant admin's allowance": await put(deputy, f"members/{place.admin_id}/monthly", monthly="1", seen="0"),
        "own allowance": await put(deputy, f"members/{own}/monthly", monthly="1", seen="0"),
        "nobody": await put(deputy, f"members/mem_{7:032x}/extra", extra="1", seen="0"),
    }

    assert {who: answer.json()["code"] for who, answer in refused.items()} == {
        "own": "recipient_is_actor", "disabled": "member_disabled", "tenant admin": "recipient_spends_pool",
        "tenant admin's allowance": "recipient_spends_pool", "own allowance": "recipient_is_actor",
        "nobody": "member_unknown",
    }  # fmt: skip
    for client, member_id in ((deputy, own), (admin, place.member_id)):
        lowered = await done(client, f"members/{member_id}/extra", extra="5", seen="20")
        assert lowered["returned"] == "15.00"


@pytest.mark.rule("BUDGET-13")
async def test_what_is_used_held_or_topped_up_for_the_cycle_is_not_taken_back(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "100")
    admin, member = await house.signed_in("acme-admin"), f"members/{place.member_id}"
    await done(admin, f"groups/{place.group_id}/monthly", monthly="50", seen="0")
    await done(admin, f"{member}/extra", extra="20", seen="0")
    by_member = await house.signed_in("acme-member")
    await called(by_member, cost="4.000001")
    assert (await by_member.post("/api/v1/holds", json={"amount": "6"})).status_code == 201
    await topped_up(house, place, place.member_id, "10")

    present = (await row(admin, member, "extra"))[0]
    too_low = await put(admin, f"{member}/extra", extra="20", seen=present)
    lowered = await done(admin, f"{member}/extra", extra="20.01", seen=present)

    # What was had stays had: use and holds move nothing out of it. 20 - 4.000001 - 6 are free, 10 are the cycle's.
    assert present == "30.00"
    assert (too_low.json()["code"], too_low.json()["facts"]["available"]) == ("insufficient_balance", "9.999999")
    assert lowered["returned"] == "9.99"
    assert credits_of((await row(admin, member, "balance"))[0]) == credits_of("6.009999")


@pytest.mark.rule("BUDGET-2", "BUDGET-3")
async def test_credits_per_cycle_change_in_mid_cycle_within_what_is_planned_and_the_ceiling(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    admin, root = await house.signed_in("acme-admin"), await house.super_admin()
    await done(admin, f"groups/{place.group_id}/monthly", monthly="40", seen="0")
    await done(admin, f"members/{place.member_id}/monthly", monthly="10", seen="0")
    await called(await house.signed_in("acme-member"), cost="7")

    async def per_cycle(wanted: str, was: str) -> str:
        answer = await put(admin, "cycle/credits-per-cycle", credits_per_cycle=wanted, seen=was)
        code: str = answer.json().get("code", "done")
        return code

    async def ceiling(wanted: str | None) -> str:
        answer = await root.put(path_of(place, "cycle-ceiling"), json={"ceiling": wanted})
        code: str = answer.json().get("code", "done")
        return code

    assert await per_cycle("39.99", "100") == "budget_below_children"
    assert await per_cycle("60", "100") == "done"
    assert await row(admin, "cycle", "credits_per_cycle", "undistributed", "used") == ["60.00", "20.00", "7.00"]
    assert await row(admin, f"members/{place.member_id}", "used", "remaining") == ["7.00", "3.00"]
    assert await ceiling("59.99") == "budget_below_children"
    assert await ceiling("70") == "done"
    assert await per_cycle("70.01", "60") == "budget_above_ceiling"
    assert await per_cycle("70", "60") == "done"
    assert await ceiling(None) == "done"
    assert await per_cycle("70.01", "70") == "done"
    assert await row(admin, "cycle", "ceiling", "undistributed", "used") == [None, "30.01", "7.00"]
    # And the next cycle starts with it.
    assert (await admin.post("/api/v1/cycle/reset", json={"epoch": 1})).status_code == 200
    assert await row(admin, "cycle", "credits_per_cycle", "undistributed", "used") == ["70.01", "30.01", "0.00"]
    assert await row(admin, f"members/{place.member_id}", "used", "remaining") == ["0.00", "10.00"]
