"""docs/rules/tenants.md, example by example, over HTTP: organisations, their totals and caps."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.worker.cycles import end_due_cycles
from tests.support.offices import PASSWORD, Place, TestOffice
from tests.support.rows import rows_of_everything

ABSENT = f"ten_{0xABCDEF:032x}"


def path_of(place: Place, *rest: str) -> str:
    return "/".join(("/api/v1/tenants", place.tenant_id, *rest))


async def seen(client: httpx.AsyncClient, path: str) -> Any:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def total_set(
    root: httpx.AsyncClient, place: Place, total: str, seen: str, note: str | None = None
) -> httpx.Response:
    return await root.put(path_of(place, "total"), json={"total": total, "seen": seen, "note": note})


async def events(house: TestOffice, kind: str) -> list[dict[str, Any]]:
    """The events of one kind, of the tenants' log and of the platform's, oldest first."""
    async with house.desk.platform.pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "select actor_id::text, subject_id::text, note, changes::text from platform_events where kind = $1"
            " order by event_id", kind,
        )  # fmt: skip
    found = [dict(row) for row in rows]
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        tenant_ids = await connection.fetch("select set_config('bursar.scope', $1, true)", await scope(house))
        assert tenant_ids
        rows = await connection.fetch(
            "select actor_id::text, subject_id::text, note, changes::text from events where kind = $1"
            " order by event_id", kind,
        )  # fmt: skip
    return found + [dict(row) for row in rows]


async def scope(house: TestOffice) -> str:
    async with house.desk.platform.pool.acquire() as connection:
        rows = await connection.fetch("select tenant_id from tenants")
    return "{" + ",".join(str(row["tenant_id"]) for row in rows) + "}"


@pytest.mark.rule("TENANT-1")
async def test_a_super_admin_makes_a_tenant_with_its_admin_and_two_may_have_one_name(house: TestOffice) -> None:
    root = await house.super_admin()
    admin = {"username": "bill", "display_name": "Bill", "password": PASSWORD}

    first = await root.post("/api/v1/tenants", json={"name": "Initech", "admin": admin})
    second = await root.post("/api/v1/tenants", json={"name": "Initech", "admin": admin | {"username": "milton"}})
    third = await root.post("/api/v1/tenants", json={"name": "Initrode", "admin": admin})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert (third.status_code, third.json()["code"]) == (409, "name_taken")
    listed = await seen(root, "/api/v1/tenants?search=INI")
    assert [(row["name"], row["admins"][0]["display_name"]) for row in listed["tenants"]] == [("Initech", "Bill")] * 2
    assert (await (await house.signed_in("bill")).get("/api/v1/pool")).status_code == 200


@pytest.mark.rule("TENANT-1")
async def test_credits_per_cycle_that_are_too_large_are_refused_by_the_name_they_came_under(house: TestOffice) -> None:
    root = await house.super_admin()
    admin = {"username": "bill", "display_name": "Bill", "password": PASSWORD}
    body = {"name": "Initech", "admin": admin, "cadence": "1_hour", "credits_per_cycle": "1000000000"}

    refused = await root.post("/api/v1/tenants", json=body)

    assert refused.json()["code"] == "amount_too_large"
    assert [field["field"] for field in refused.json()["fields"]] == ["credits_per_cycle"]


@pytest.mark.rule("TENANT-1")
async def test_a_tenant_is_renamed_once_and_told_of_once(house: TestOffice) -> None:
    place = await house.tenant("Acme Robotics")
    root = await house.super_admin()
    key = {"Idempotency-Key": "rename"}

    renamed = await root.patch(path_of(place), json={"name": "Acme Robots"}, headers=key)
    before = await rows_of_everything(house)
    again = await root.patch(path_of(place), json={"name": "Acme Robots"}, headers=key)
    same = await root.patch(path_of(place), json={"name": "Acme Robots"})

    assert (renamed.status_code, renamed.json()["name"]) == (200, "Acme Robots")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (renamed.content, "true")
    assert same.content == renamed.content
    assert await rows_of_everything(house) == before
    (event,) = await events(house, "tenant_renamed")
    assert event["changes"] == '{"name": {"after": "Acme Robots", "before": "Acme Robotics"}}'


@pytest.mark.rule("TENANT-1")
async def test_nobody_below_the_super_admin_reaches_a_tenant_and_nothing_changes(house: TestOffice) -> None:
    acme, globex = await house.tenant("Acme"), await house.tenant("Globex")
    clients = [await house.signed_in("acme-admin"), await house.signed_in("acme-member")]
    before = await rows_of_everything(house)

    for client in clients:
        for place in (acme, globex):
            refused = [
                await client.get("/api/v1/tenants"),
                await client.get(path_of(place)),
                await client.patch(path_of(place), json={"name": "Mine"}),
                await client.post(path_of(place, "suspend"), json={}),
                await client.post(path_of(place, "resume"), json={}),
                await total_set(client, place, "1000", "0"),
                await client.put(path_of(place, "cycle-ceiling"), json={"ceiling": None}),
                await client.post(path_of(place, "grant-withdrawals"), json={"amount": "1"}),
                await client.get("/api/v1/super-admins"),
            ]
            assert {(each.status_code, each.json()["code"]) for each in refused} == {(403, "not_permitted")}

    assert await rows_of_everything(house) == before


@pytest.mark.rule("TENANT-1", "TENANT-2", "TENANT-3", "TENANT-6")
async def test_a_tenant_that_does_not_exist_is_unknown_whatever_is_asked_of_it(house: TestOffice) -> None:
    root = await house.super_admin()
    before = await rows_of_everything(house)
    path = f"/api/v1/tenants/{ABSENT}"

    answers = [
        await root.get(path),
        await root.patch(path, json={"name": "Nobody"}),
        await root.post(f"{path}/suspend", json={}),
        await root.post(f"{path}/resume", json={}),
        await root.put(f"{path}/total", json={"total": "1", "seen": "0"}),
        await root.put(f"{path}/cycle-ceiling", json={"ceiling": None}),
        await root.post(f"{path}/grant-withdrawals", json={"amount": "1"}),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "tenant_unknown")}
    assert await rows_of_everything(house) == before


@pytest.mark.rule("TENANT-2")
async def test_a_suspended_tenant_is_stopped_at_once_and_goes_on_when_it_is_resumed(house: TestOffice) -> None:
    place, other = await house.tenant("Acme"), await house.tenant("Globex")
    root = await house.super_admin()
    people = [await house.signed_in("acme-admin"), await house.signed_in("acme-member")]
    bystander = await house.signed_in("globex-member")

    async def statuses() -> list[int]:
        return [(await person.get("/api/v1/session")).status_code for person in people]

    assert await statuses() == [200, 200]
    suspended = await root.post(path_of(place, "suspend"), json={"note": "unpaid"})

    assert suspended.json()["status"] == "suspended"
    assert await statuses() == [403, 403]
    sign_in = {"name": "acme-member", "password": PASSWORD}
    assert (await house.visitor().post("/api/v1/session", json=sign_in)).status_code == 403
    assert (await bystander.get("/api/v1/session")).status_code == 200
    assert [row["name"] for row in (await seen(root, "/api/v1/tenants?status=suspended"))["tenants"]] == ["Acme"]
    assert [row["name"] for row in (await seen(root, "/api/v1/tenants?status=active"))["tenants"]] == ["Globex"]
    assert (await seen(root, path_of(other)))["status"] == "active"

    resumed = await root.post(path_of(place, "resume"), json={"note": "paid"})

    assert resumed.json()["status"] == "active"
    assert await statuses() == [200, 200]
    told = [*await events(house, "tenant_suspended"), *await events(house, "tenant_resumed")]
    assert [event["note"] for event in told] == ["unpaid", "paid"]
    assert told[0]["changes"] == '{"status": {"after": "suspended", "before": "active"}}'


@pytest.mark.rule("TENANT-2")
async def test_the_clock_and_the_super_admin_go_on_with_a_suspended_tenant(house: TestOffice) -> None:
    place = await house.tenant(cadence="1_day")
    root = await house.super_admin()
    await root.post(path_of(place, "suspend"), json={})
    await root.post(path_of(place, "suspend"), json={})
    epoch = (await seen(root, path_of(place)))["cycle"]["epoch"]

    house.clock.turn(timedelta(days=1))
    assert await end_due_cycles(house.desk) == 1
    root = await house.signed_in("root")
    granted = await root.post(path_of(place, "grants"), json={"amount": "5"})

    assert granted.status_code == 201
    detail = await seen(root, path_of(place))
    assert (detail["status"], detail["cycle"]["epoch"], detail["total"]) == ("suspended", epoch + 1, "5.00")
    assert len(await events(house, "tenant_suspended")) == 1


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
