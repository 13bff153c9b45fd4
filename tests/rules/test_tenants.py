"""docs/rules/tenants.md, example by example, over HTTP: making, renaming, suspending and resuming organisations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bursar.worker.cycles import end_due_cycles
from tests.support.offices import PASSWORD, TestOffice
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import events, path_of, seen, total_set

ABSENT = f"ten_{0xABCDEF:032x}"


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
