"""docs/rules/tenants.md, example by example, over HTTP: totals, figures and caps of organisations."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.support.offices import PASSWORD, TestOffice
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import events, path_of, seen, total_set


@pytest.mark.rule("TENANT-3")
async def test_setting_a_total_grants_the_difference_or_takes_it_back(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")

    raised = await total_set(root, place, "500", "0", "for the year")
    lowered = await total_set(root, place, "320.50", "500")

    assert (raised.json(), lowered.json()) == (
        {"total": "500.00", "before": "0.00"},
        {"total": "320.50", "before": "500.00"},
    )
    pool = await seen(admin, "/api/v1/pool")
    assert (pool["balance"], pool["granted"]) == ("320.50", "320.50")
    moved = (await seen(admin, "/api/v1/transactions"))["transactions"]
    assert [(line["kind"], line["amount"]) for line in moved] == [
        ("grant_withdrawal", "-179.50"), ("grant", "500.00"),
    ]  # fmt: skip
    told = await events(house, "total_set")
    assert [(event["note"], event["changes"]) for event in told] == [
        ("for the year", '{"total": {"after": "500.00", "before": "0.00"}}'),
        (None, '{"total": {"after": "320.50", "before": "500.00"}}'),
    ]


@pytest.mark.rule("TENANT-3", "AMOUNT-9")
async def test_a_total_that_came_to_more_than_one_command_may_move_can_still_be_lowered(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root = await house.super_admin()
    for amount in ("1000000000", "500"):
        await house.granted(place, amount)
    shown = (await seen(root, path_of(place)))["total"]

    lowered = await total_set(root, place, "1000000000", shown)

    assert shown == "1000000500.00"
    assert (lowered.status_code, lowered.json()) == (200, {"total": "1000000000.00", "before": shown}), lowered.text


@pytest.mark.rule("TENANT-3")
async def test_a_total_is_not_set_below_what_is_assigned_and_consumed_and_the_refusal_says_how_low(
    house: TestOffice,
) -> None:
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "500")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "120"})
    hold = (await admin.post("/api/v1/holds", json={"amount": "30"})).json()
    await admin.post(f"/api/v1/holds/{hold['id']}/settle", json={"cost": "30"})
    before = await rows_of_everything(house)

    refused = await total_set(root, place, "149.99", "500")

    assert (refused.status_code, refused.json()["code"]) == (409, "total_in_use")
    facts = refused.json()["facts"]
    assert (facts["lowest"], facts["present"], facts["asked"]) == ("150.00", "500.00", "149.99")
    assert (await seen(root, path_of(place)))["lowest_total"] == "150.00"
    assert await rows_of_everything(house) == before
    assert (await total_set(root, place, "150", "500")).status_code == 200
    assert (await seen(admin, "/api/v1/pool"))["balance"] == "0.00"


@pytest.mark.rule("TENANT-3")
async def test_a_total_sent_again_gets_the_first_answer_and_one_that_is_set_already_moves_nothing(
    house: TestOffice,
) -> None:
    place = await house.tenant(per_cycle="0")
    root = await house.super_admin()
    key, body = {"Idempotency-Key": "total"}, {"total": "500", "seen": "0"}
    first = await root.put(path_of(place, "total"), json=body, headers=key)
    lines = (await seen(root, f"/api/v1/transactions?tenant_id={place.tenant_id}"))["transactions"]

    again = await root.put(path_of(place, "total"), json=body, headers=key)
    same = await total_set(root, place, "500", "500")

    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert same.json() == {"total": "500.00", "before": "500.00"}
    assert (await seen(root, f"/api/v1/transactions?tenant_id={place.tenant_id}"))["transactions"] == lines
    assert len(await events(house, "total_set")) == 1


@pytest.mark.rule("TENANT-4")
async def test_of_two_who_set_a_total_at_once_one_is_shown_what_the_other_made_of_it(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root = await house.super_admin()

    answers = await asyncio.gather(*(total_set(root, place, total, "0") for total in ("100", "200", "300", "400")))

    (done,) = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert [(each["code"], each["facts"]["present"]) for each in refused] == [("figure_changed", done["total"])] * 3
    assert (await seen(root, path_of(place)))["total"] == done["total"]
    assert len(await events(house, "total_set")) == 1


@pytest.mark.rule("TENANT-4", "TENANT-3")
async def test_a_total_set_while_credits_are_allocated_leaves_no_pool_below_zero(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "100")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    handing = {"member_id": place.member_id, "amount": "20"}

    await asyncio.gather(
        *(admin.post("/api/v1/allocations", json=handing) for _ in range(4)),
        *(total_set(root, place, level, "100") for level in ("10", "30", "50")),
    )

    row = await seen(root, path_of(place))
    pool = await seen(admin, "/api/v1/pool")
    assert not pool["balance"].startswith("-")
    assert row["lowest_total"] == row["allocated"]
    assert row["purchased"] == row["total"]


@pytest.mark.rule("TENANT-5")
async def test_the_platform_takes_back_what_is_unassigned_and_was_granted(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "100")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "40"})
    key = {"Idempotency-Key": "back"}
    path = path_of(place, "grant-withdrawals")

    too_much = await root.post(path, json={"amount": "60.01"})
    taken = await root.post(path, json={"amount": "60", "note": "unused"}, headers=key)
    again = await root.post(path, json={"amount": "60", "note": "unused"}, headers=key)

    assert (too_much.status_code, too_much.json()["code"]) == (409, "insufficient_pool")
    assert (taken.status_code, taken.json()["kind"], taken.json()["source_after"]) == (201, "grant_withdrawal", "0.00")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (taken.content, "true")
    (event,) = await events(house, "grant_withdrawal")
    assert event["note"] == "unused"
    assert (await seen(root, path_of(place)))["total"] == "40.00"


@pytest.mark.rule("TENANT-5")
async def test_every_row_of_the_list_counts_every_credit_once(house: TestOffice) -> None:
    root = await house.super_admin()
    for name, per_cycle, amount in (("Acme", "0", "100"), ("Globex", "1000", "500"), ("Initech", "50", "20")):
        place = await house.tenant(name, per_cycle=per_cycle)
        await house.granted(place, amount)
        admin = await house.signed_in(f"{name.lower()}-admin")
        await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "12.34"})
        hold = (await admin.post("/api/v1/holds", json={"amount": "3"})).json()
        await admin.post(f"/api/v1/holds/{hold['id']}/settle", json={"cost": "2.5"})
        own = await house.signed_in(f"{name.lower()}-member")
        hold = (await own.post("/api/v1/holds", json={"amount": "1"})).json()
        await own.post(f"/api/v1/holds/{hold['id']}/settle", json={"cost": "0.75"})

    rows = (await seen(root, "/api/v1/tenants"))["tenants"]

    names = ("name", "total", "purchased", "allocated", "pool_used", "available", "consumed")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("Acme", "100.00", "100.00", "12.34", "2.50", "85.16", "3.25"),
        ("Globex", "500.00", "1500.00", "12.34", "2.50", "1485.16", "3.25"),
        ("Initech", "20.00", "70.00", "12.34", "2.50", "55.16", "3.25"),
    ]
    for row in rows:
        assert await seen(root, f"/api/v1/tenants/{row['id']}") | row == await seen(
            root, f"/api/v1/tenants/{row['id']}"
        )


@pytest.mark.rule("TENANT-5")
async def test_the_list_of_tenants_comes_in_pages_that_are_found_by_name_and_counted(house: TestOffice) -> None:
    root = await house.super_admin()
    names = ["Acme North", "Acme South", "Globex", "Acme 100%"]
    for number, name in enumerate(names):
        admin = {"username": f"admin{number}", "display_name": f"Admin {number}", "password": PASSWORD}
        await root.post("/api/v1/tenants", json={"name": name, "admin": admin})

    first = await seen(root, "/api/v1/tenants?search=acme&limit=2")
    second = await seen(root, f"/api/v1/tenants?search=acme&limit=2&cursor={first['next_cursor']}")
    percent = await seen(root, "/api/v1/tenants?search=%25")
    none = await seen(root, "/api/v1/tenants?search=umbrella")

    assert [row["name"] for row in (*first["tenants"], *second["tenants"])] == ["Acme North", "Acme South", "Acme 100%"]
    assert (first["total"], second["next_cursor"]) == (3, None)
    assert [row["name"] for row in percent["tenants"]] == ["Acme 100%"]
    assert none == {"tenants": [], "total": 0, "next_cursor": None}
    assert (await root.get("/api/v1/tenants?search=%00")).json()["code"] == "invalid_input"
    assert (await root.get("/api/v1/tenants?status=closed")).status_code == 422


@pytest.mark.rule("TENANT-6")
async def test_a_cap_holds_and_none_is_not_zero(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")

    async def capped(ceiling: str | None) -> httpx.Response:
        return await root.put(path_of(place, "cycle-ceiling"), json={"ceiling": ceiling, "note": "agreed"})

    async def per_cycle(wanted: str, before: str) -> httpx.Response:
        body = {"credits_per_cycle": wanted, "seen": before}
        return await admin.put("/api/v1/cycle/credits-per-cycle", json=body)

    below = await capped("99.99")
    done = await capped("150")
    above = await per_cycle("150.01", "100")

    assert (below.status_code, below.json()["code"]) == (409, "budget_below_children")
    assert (done.status_code, done.json()) == (200, {"ceiling": "150.00", "before": None})
    assert (above.status_code, above.json()["code"], above.json()["facts"]["limit"]) == (
        409, "budget_above_ceiling", "150.00",
    )  # fmt: skip
    assert above.json()["fields"][0]["field"] == "credits_per_cycle"
    assert (await seen(admin, "/api/v1/cycle"))["ceiling"] == "150.00"
    assert (await seen(root, path_of(place)))["cycle"]["ceiling"] == "150.00"

    assert (await capped(None)).json() == {"ceiling": None, "before": "150.00"}
    assert (await per_cycle("0", "100")).status_code == 200
    assert (await capped("0")).json() == {"ceiling": "0.00", "before": None}
    assert (await capped("0")).json() == {"ceiling": "0.00", "before": "0.00"}
    assert (await per_cycle("0.01", "0")).json()["code"] == "budget_above_ceiling"
    assert (await root.put(path_of(place, "cycle-ceiling"), json={})).status_code == 422
    assert [event["changes"] for event in await events(house, "cycle_ceiling_set")] == [
        '{"ceiling": {"after": "150.00", "before": null}}',
        '{"ceiling": {"after": null, "before": "150.00"}}',
        '{"ceiling": {"after": "0.00", "before": null}}',
    ]
