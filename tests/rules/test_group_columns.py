"""docs/rules/groups.md, example by example, over HTTP: what the tables of groups and of their members show."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from bursar.domain.credits import ZERO
from tests.support.budgeting import (
    asked_for,
    called,
    credits_of,
    done,
    made_group,
    made_member,
    put,
    row,
    topped_up,
)
from tests.support.offices import TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenant_asking import seen

COLUMNS = ("monthly", "extra", "distributed", "used", "available")


async def check_sums(admin: httpx.AsyncClient, group_id: str) -> None:
    """Raises `AssertionError` unless the group's columns follow from its own and its members' as the rule says."""
    group = await seen(admin, f"/api/v1/groups/{group_id}")
    members = (await seen(admin, f"/api/v1/members?group_id={group_id}&limit=200"))["members"]
    had = ZERO
    for member in members:
        remaining, used, held = (credits_of(member[name]) for name in ("remaining", "used", "held"))
        assert credits_of(member["extra"]) == remaining + held + used - credits_of(member["monthly"])
        had = had + credits_of(member["monthly"]) + credits_of(member["extra"])
    figures = {name: credits_of(group[name]) for name in (*COLUMNS, "allowance", "balance", "held")}
    assert figures["distributed"] == had
    assert figures["available"] == figures["allowance"] + figures["balance"] - figures["held"]
    assert figures["extra"] == figures["available"] + figures["held"] + had - figures["monthly"]


@pytest.mark.rule("GROUP-5", "GROUP-10", "BUDGET-12")
async def test_the_worked_example_of_a_groups_cycle_shows_the_same_figures_over_http(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place = await house.tenant(per_cycle="1000", cadence="1_day")
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research", monthly="1000")
    group = f"groups/{group_id}"
    first, second = [
        await made_member(admin, name, group_id, monthly=monthly) for name, monthly in (("ada", "300"), ("bob", "200"))
    ]

    given = await done(admin, f"{group}/extra", extra="200", seen="0.00")
    await done(admin, f"{group}/auto-approve", auto_approve="100", seen="0")

    assert given == {"extra": "200.00", "before": "0.00"}
    assert await row(admin, group, *COLUMNS) == ["1000.00", "200.00", "500.00", "0.00", "700.00"]
    assert await row(admin, group, "allowance", "balance", "undistributed") == ["500.00", "200.00", "500.00"]
    assert await row(admin, group, "auto_approve", "auto_approve_left") == ["100.00", "100.00"]
    await check_sums(admin, group_id)

    # What a request that is approved automatically does: out of the group's allowance, and off the reserve.
    await topped_up(house, place, first, "60")
    await asked_for(house, place, first, group_id, "60", epoch=1, is_approved=True)
    assert await row(admin, group, "auto_approve_left", "available", "distributed") == ["40.00", "640.00", "560.00"]
    assert await row(admin, f"members/{first}", "extra") == ["60.00"]

    await called(await house.signed_in("ada"), cost="330")
    assert await row(admin, f"members/{first}", "used", "remaining", "extra") == ["330.00", "30.00", "60.00"]
    assert await row(admin, group, *COLUMNS) == ["1000.00", "200.00", "560.00", "330.00", "640.00"]
    await check_sums(admin, group_id)

    house.clock.turn(timedelta(days=1))
    admin = await house.signed_in("acme-admin")
    assert await row(admin, f"members/{first}", "used", "remaining", "extra") == ["0.00", "300.00", "0.00"]
    assert await row(admin, f"members/{second}", "remaining") == ["200.00"]
    assert await row(admin, group, *COLUMNS) == ["1000.00", "200.00", "500.00", "0.00", "700.00"]
    assert await row(admin, group, "allowance", "balance", "auto_approve_left") == ["500.00", "200.00", "100.00"]
    await check_sums(admin, group_id)
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("GROUP-5", "GROUP-3")
async def test_what_members_use_of_a_shared_budget_is_counted_once(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "20")
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research", monthly="100")
    member_id = await made_member(admin, "ada", group_id)
    await done(admin, f"groups/{group_id}/extra", extra="20", seen="0")
    ada = await house.signed_in("ada")
    alone = await ada.post("/api/v1/holds", json={"amount": "30"})

    shared = await done(admin, f"groups/{group_id}/shared", is_shared=True)
    await called(ada, cost="30")
    under_way = await ada.post("/api/v1/holds", json={"amount": "80"})

    assert alone.json()["code"] == "insufficient_quota"
    assert shared["is_shared"] is True
    assert under_way.status_code == 201
    assert await row(admin, f"members/{member_id}", "used", "remaining", "extra") == ["30.00", "0.00", "30.00"]
    assert await row(admin, f"groups/{group_id}", *COLUMNS) == ["100.00", "20.00", "30.00", "30.00", "10.00"]
    assert await row(admin, f"groups/{group_id}", "held") == ["80.00"]
    await check_sums(admin, group_id)


@pytest.mark.rule("GROUP-5")
async def test_what_a_deleted_member_used_stays_in_its_group_until_the_cycle_ends(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place = await house.tenant(per_cycle="50", cadence="1_day")
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research", monthly="50")
    member_id = await made_member(admin, "ada", group_id, monthly="50")
    await called(await house.signed_in("ada"), cost="30")

    assert (await admin.delete(f"/api/v1/members/{member_id}")).status_code == 200

    assert await row(admin, f"groups/{group_id}", *COLUMNS) == ["50.00", "0.00", "30.00", "30.00", "20.00"]
    house.clock.turn(timedelta(days=1))
    admin = await house.signed_in("acme-admin")
    assert await row(admin, f"groups/{group_id}", *COLUMNS) == ["50.00", "0.00", "0.00", "0.00", "50.00"]
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("GROUP-5", "BUDGET-13", "CYCLE-10")
async def test_a_debt_brought_into_a_cycle_makes_the_extra_negative_and_can_be_made_up_for(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="10", cadence="1_day")
    await house.granted(place, "20")
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research", monthly="10")
    member_id = await made_member(admin, "ada", group_id, monthly="10")
    await called(await house.signed_in("ada"), hold="10", cost="15.000001")
    assert await row(admin, f"members/{member_id}", "remaining", "extra") == ["-5.000001", "0.00"]

    house.clock.turn(timedelta(days=1))
    admin = await house.signed_in("acme-admin")
    assert await row(admin, f"members/{member_id}", "remaining", "extra") == ["4.999999", "-5.000001"]
    await check_sums(admin, group_id)
    made_up = await done(admin, f"members/{member_id}/extra", extra="0", seen="-5.000001")

    assert (made_up["before"], made_up["of_pool"]) == ("-5.000001", "5.000001")
    assert await row(admin, f"members/{member_id}", "remaining", "extra", "balance") == ["10.00", "0.00", "0.00"]


@pytest.mark.rule("GROUP-9")
async def test_groups_are_listed_in_order_found_by_name_and_paged(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    names = ["Études", "Straßenbau", "50% off_line", "Research One", "Research Two"]
    for name in names:
        await made_group(admin, name)

    async def found(search: str) -> tuple[list[str], int]:
        answer = (await admin.get("/api/v1/groups", params={"search": search})).json()
        return [group["name"] for group in answer["groups"]], answer["total"]

    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor:
        page = (await admin.get("/api/v1/groups", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        pages.append([group["name"] for group in page["groups"]])
        cursor = page["next_cursor"]
        assert page["total"] == 6

    assert pages == [["Default", "Études"], ["Straßenbau", "50% off_line"], ["Research One", "Research Two"]]
    assert await found("ETUD") == (["Études"], 1)
    assert await found("strasse") == (["Straßenbau"], 1)
    assert await found("two rese") == (["Research Two"], 1)
    assert await found("%") == (["50% off_line"], 1)
    assert await found("f_l") == (["50% off_line"], 1)
    assert await found("nowhere") == ([], 0)
    assert (await admin.get("/api/v1/groups", params={"search": "\0"})).json()["code"] == "invalid_input"


@pytest.mark.rule("GROUP-9")
async def test_a_group_is_found_by_its_own_name_in_every_script_and_paged_among_what_was_found(
    house: TestOffice,
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    names = ["Λόγος", "エンジニアリング", "हिन्दी", "Ελλάς Λόγος", "ﬁnance"]
    for name in names:
        await made_group(admin, name)

    async def found(search: str, **query: str) -> tuple[list[str], int, str | None]:
        page = (await admin.get("/api/v1/groups", params={"search": search, **query})).json()
        return [group["name"] for group in page["groups"]], page["total"], page["next_cursor"]

    assert [await found(name) for name in names[1:]] == [([name], 1, None) for name in names[1:]]
    assert await found("FINANCE") == (["ﬁnance"], 1, None)
    first, total, cursor = await found("ΛΟΓΟΣ", limit="1")
    assert (first, total) == (["Λόγος"], 2)
    assert cursor is not None
    assert await found("ΛΟΓΟΣ", limit="1", cursor=cursor) == (["Ελλάς Λόγος"], 2, None)


@pytest.mark.rule("GROUP-10")
async def test_a_reserve_is_set_by_who_saw_it_and_what_is_left_of_it_is_never_below_nothing(house: TestOffice) -> None:
    place = await house.tenant(cadence="1_day")
    admin = await house.signed_in("acme-admin")
    group = f"groups/{place.group_id}"
    left = ("auto_approve", "auto_approve_left")
    assert await row(admin, group, *left) == ["0.00", "0.00"]

    first = await done(admin, f"{group}/auto-approve", auto_approve="50", seen="0")
    stale = await put(admin, f"{group}/auto-approve", auto_approve="70", seen="0")
    await asked_for(house, place, place.member_id, place.group_id, "30", epoch=1, is_approved=True)
    await asked_for(house, place, place.member_id, place.group_id, "15", epoch=1, is_approved=False)

    assert first == {"auto_approve": "50.00", "before": "0.00"}
    assert (stale.status_code, stale.json()["code"], stale.json()["facts"]["present"]) == (
        409,
        "figure_changed",
        "50.00",
    )
    assert await row(admin, group, *left) == ["50.00", "20.00"]
    await done(admin, f"{group}/auto-approve", auto_approve="10", seen="50")
    assert await row(admin, group, *left) == ["10.00", "0.00"]
    house.clock.turn(timedelta(days=1))
    assert await row(await house.signed_in("acme-admin"), group, *left) == ["10.00", "10.00"]


@pytest.mark.rule("GROUP-11", "GROUP-8")
async def test_an_open_group_shows_its_members_found_by_name_or_address_and_paged(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research", monthly="100")
    for name in ("ada", "bob", "carl"):
        await made_member(admin, name, group_id, monthly="10")
    await called(await house.signed_in("bob"), cost="4")

    async def shown(**query: str) -> tuple[list[str], int, bool]:
        page = (await admin.get("/api/v1/members", params={"group_id": group_id, **query})).json()
        return [member["username"] for member in page["members"]], page["total"], page["next_cursor"] is not None

    assert await shown(limit="2") == (["ada", "bob"], 3, True)
    assert await shown(search="CAR") == (["carl"], 1, False)
    assert await shown(search="acme-member") == ([], 0, False)
    (bob,) = (await admin.get("/api/v1/members", params={"group_id": group_id, "search": "bob"})).json()["members"]
    assert [bob[name] for name in ("monthly", "extra", "used", "remaining")] == ["10.00", "0.00", "4.00", "6.00"]
    # Whoever was put nowhere is in Default, and nobody is in two.
    in_default = (await admin.get("/api/v1/members", params={"group_id": place.group_id})).json()
    assert [member["username"] for member in in_default["members"]] == ["acme-admin", "acme-member"]
    counts = {group["name"]: group["member_count"] for group in (await seen(admin, "/api/v1/groups"))["groups"]}
    assert counts == {"Default": 2, "Research": 3}
