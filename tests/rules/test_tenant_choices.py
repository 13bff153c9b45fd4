"""docs/rules/tenants.md, example by example, over HTTP: what a tenant chooses, and who runs the installation."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from bursar.actions.desk import Asked
from bursar.actions.super_admins import disable_super_admin
from bursar.domain.ids import parse_public_id
from bursar.domain.permissions import SYSTEM
from bursar.domain.refusals import Refusal
from tests.support.offices import PASSWORD, TestOffice
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import events, seen


@pytest.mark.rule("TENANT-7")
async def test_a_tenant_changes_the_settings_it_names_and_leaves_the_others(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    amounts = {"credit_factor": "100.00", "signup_credits": "0.00", "low_pool": None, "low_balance": None}
    assert await seen(admin, "/api/v1/settings") == {
        "display": "credits", "contact": None, "expired_holds": "void", "admission": "overdraft", **amounts,
    }  # fmt: skip

    await admin.patch("/api/v1/settings", json={"contact": "  https://help.example.com "})
    changed = await admin.patch(
        "/api/v1/settings", json={"display": "dollars", "expired_holds": "settle", "admission": "strict"}
    )
    before = await rows_of_everything(house)
    same = await admin.patch("/api/v1/settings", json={"display": "dollars"})
    nothing = await admin.patch("/api/v1/settings", json={})

    chosen = {"display": "dollars", "expired_holds": "settle", "admission": "strict"}
    expected = {"contact": "https://help.example.com", **chosen, **amounts}
    assert changed.json() == same.json() == nothing.json() == expected
    assert await rows_of_everything(house) == before
    assert [event["changes"] for event in await events(house, "settings_changed")] == [
        '{"contact": {"after": "https://help.example.com", "before": null}}',
        '{"display": {"after": "dollars", "before": "credits"}, '
        '"admission": {"after": "strict", "before": "overdraft"}, '
        '"expired_holds": {"after": "settle", "before": "void"}}',
    ]
    assert (await admin.patch("/api/v1/settings", json={"contact": None})).json()["contact"] is None


@pytest.mark.rule("TENANT-7")
@pytest.mark.parametrize(
    "body",
    [{"display": "euros"}, {"display": None}, {"expired_holds": "keep"}, {"admission": "never"}, {"contact": "a\nb"},
     {"contact": "x" * 201},
     {"contact": 5}, {"color": "red"}],
)  # fmt: skip
async def test_a_setting_that_is_not_offered_is_refused_and_changes_nothing(
    house: TestOffice, body: dict[str, Any]
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    refused = await admin.patch("/api/v1/settings", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert [field["field"] for field in refused.json()["fields"]] == list(body)
    assert await rows_of_everything(house) == before


@pytest.mark.rule("TENANT-7")
async def test_settings_are_seen_by_admins_and_changed_by_the_tenant_admin_alone(house: TestOffice) -> None:
    place = await house.tenant()
    root, member = await house.super_admin(), await house.signed_in("acme-member")
    of_tenant = {"tenant_id": place.tenant_id}

    assert (await root.get("/api/v1/settings", params=of_tenant)).status_code == 200
    assert (await member.get("/api/v1/settings")).json()["code"] == "not_permitted"
    for client, params in ((root, of_tenant), (member, {})):
        refused = await client.patch("/api/v1/settings", json={"display": "dollars"}, params=params)
        assert refused.json()["code"] == "not_permitted"


@pytest.mark.rule("TENANT-8", "TENANT-4")
async def test_credits_per_cycle_are_set_by_whoever_saw_what_they_were(house: TestOffice) -> None:
    await house.tenant(per_cycle="100")
    admin = await house.signed_in("acme-admin")
    path, key = "/api/v1/cycle/credits-per-cycle", {"Idempotency-Key": "more"}
    body = {"credits_per_cycle": "120", "seen": "100", "note": "hiring"}

    done = await admin.put(path, json=body, headers=key)
    again = await admin.put(path, json=body, headers=key)
    stale = await admin.put(path, json=body)

    assert (done.status_code, done.json()) == (200, {"credits_per_cycle": "120.00", "before": "100.00"})
    assert (again.content, again.headers["Idempotent-Replayed"]) == (done.content, "true")
    assert (stale.status_code, stale.json()["code"], stale.json()["facts"]) == (
        409, "figure_changed", {"present": "120.00", "seen": "100.00"},
    )  # fmt: skip
    assert (await seen(admin, "/api/v1/cycle"))["undistributed"] == "120.00"
    (event,) = await events(house, "credits_per_cycle_set")
    assert (event["note"], event["changes"]) == (
        "hiring", '{"credits_per_cycle": {"after": "120.00", "before": "100.00"}}',
    )  # fmt: skip


@pytest.mark.rule("TENANT-8")
async def test_a_cadence_is_changed_once_for_the_cycle_that_was_seen(house: TestOffice) -> None:
    await house.tenant(cadence="1_day")
    admin = await house.signed_in("acme-admin")
    body = {"cadence": "1_week", "time_zone": "Europe/Berlin", "epoch": 1}

    done = await admin.put("/api/v1/cycle/cadence", json=body)
    again = await admin.put("/api/v1/cycle/cadence", json=body)
    other = await admin.put("/api/v1/cycle/cadence", json=body | {"cadence": "1_hour"})
    nowhere = await admin.put("/api/v1/cycle/cadence", json=body | {"time_zone": "Mars/Olympus", "epoch": 2})

    assert (done.status_code, done.json()["epoch"]) == (200, 2)
    assert again.json() == done.json()
    assert (other.status_code, other.json()["code"]) == (409, "cycle_changed")
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "time_zone_unknown")
    cycle = await seen(admin, "/api/v1/cycle")
    assert (cycle["cadence"], cycle["time_zone"], cycle["epoch"]) == ("1_week", "Europe/Berlin", 2)
    (event,) = await events(house, "cadence_set")
    assert event["changes"] == (
        '{"cadence": {"after": "1_week", "before": "1_day"}, "time_zone": {"after": "Europe/Berlin", "before": "UTC"}}'
    )


@pytest.mark.rule("TENANT-8")
async def test_a_cycle_that_is_reset_twice_is_told_of_once(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    first = await admin.post("/api/v1/cycle/reset", json={"epoch": 1})
    again = await admin.post("/api/v1/cycle/reset", json={"epoch": 1})

    assert (first.json()["epoch"], again.json()) == (2, first.json())
    assert len(await events(house, "cycle_reset")) == 1


async def made(root: httpx.AsyncClient, username: str, **headers: str) -> httpx.Response:
    body = {
        "username": username, "display_name": username.title(), "email": f"{username}@example.com",
        "password": PASSWORD,
    }  # fmt: skip
    return await root.post("/api/v1/super-admins", json=body, headers=headers)


async def switched(root: httpx.AsyncClient, admin_id: str, verb: str) -> httpx.Response:
    return await root.post(f"/api/v1/super-admins/{admin_id}/{verb}", json={"note": "on leave"})


@pytest.mark.rule("TENANT-9")
async def test_a_super_admin_makes_another_once_and_no_secret_is_told(house: TestOffice) -> None:
    root = await house.super_admin()

    first = await made(root, "ada", **{"Idempotency-Key": "ada"})
    again = await made(root, "ada", **{"Idempotency-Key": "ada"})
    taken = await made(root, "ada")

    assert (first.status_code, first.json()["status"]) == (201, "active")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    listed = await seen(root, "/api/v1/super-admins?limit=1")
    rest = await seen(root, f"/api/v1/super-admins?limit=1&cursor={listed['next_cursor']}")
    assert [row["username"] for row in (*listed["super_admins"], *rest["super_admins"])] == ["root", "ada"]
    assert (listed["total"], rest["super_admins"][0]) == (2, first.json())
    told = [event for event in await events(house, "super_admin_created") if event["actor_id"]]
    assert [event["changes"] for event in told] == [
        '{"email": {"after": "ada@example.com", "before": null}, "username": {"after": "ada", "before": null}, '
        '"display_name": {"after": "Ada", "before": null}}'
    ]
    assert (await (await house.signed_in("ada")).get("/api/v1/tenants")).status_code == 200


@pytest.mark.rule("TENANT-9")
async def test_a_disabled_super_admin_is_stopped_at_once_and_goes_on_when_enabled(house: TestOffice) -> None:
    root = await house.super_admin()
    ada_id = (await made(root, "ada")).json()["id"]
    ada = await house.signed_in("ada")

    disabled = await switched(root, ada_id, "disable")
    before = await rows_of_everything(house)
    again = await switched(root, ada_id, "disable")

    assert (disabled.status_code, disabled.json()["status"]) == (200, "disabled")
    assert again.json() == disabled.json()
    assert await rows_of_everything(house) == before
    assert (await ada.get("/api/v1/tenants")).status_code == 403
    assert (
        await house.visitor().post("/api/v1/session", json={"name": "ada", "password": PASSWORD})
    ).status_code == 403

    assert (await switched(root, ada_id, "enable")).json()["status"] == "active"
    assert (await ada.get("/api/v1/tenants")).status_code == 200
    told = [*await events(house, "super_admin_disabled"), *await events(house, "super_admin_enabled")]
    assert [(event["note"], event["changes"]) for event in told] == [
        ("on leave", '{"status": {"after": "disabled", "before": "active"}}'),
        ("on leave", '{"status": {"after": "active", "before": "disabled"}}'),
    ]


@pytest.mark.rule("TENANT-9")
async def test_nobody_disables_oneself_and_nobody_unknown_is_disabled(house: TestOffice) -> None:
    root = await house.super_admin()
    (own,) = (await seen(root, "/api/v1/super-admins"))["super_admins"]
    before = await rows_of_everything(house)

    oneself = await switched(root, own["id"], "disable")
    nobody = await switched(root, f"adm_{1:032x}", "disable")

    assert (oneself.status_code, oneself.json()["code"]) == (403, "not_to_oneself")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "super_admin_unknown")
    assert await rows_of_everything(house) == before


@pytest.mark.rule("TENANT-9")
async def test_the_last_super_admin_is_not_disabled_not_even_by_bursar_itself(house: TestOffice) -> None:
    root = await house.super_admin()
    (own,) = (await seen(root, "/api/v1/super-admins"))["super_admins"]
    identity = parse_public_id("platform_admin", own["id"], field="id")

    with pytest.raises(Refusal) as refused:
        await disable_super_admin(house.desk, Asked(SYSTEM), identity, note=None)

    assert refused.value.code == "last_super_admin"
    assert (await root.get("/api/v1/tenants")).status_code == 200


@pytest.mark.rule("TENANT-9")
async def test_of_two_super_admins_who_disable_each_other_one_remains(house: TestOffice) -> None:
    root = await house.super_admin()
    ada_id = (await made(root, "ada")).json()["id"]
    ada = await house.signed_in("ada")
    root_id = (await seen(root, "/api/v1/super-admins"))["super_admins"][0]["id"]

    answers = await asyncio.gather(switched(root, ada_id, "disable"), switched(ada, root_id, "disable"))

    done, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert done.status_code == 200
    # Whoever comes second is disabled by then, or finds itself the last one that is not.
    assert refused.json()["code"] in {"member_disabled", "last_super_admin"}
    rest = await asyncio.gather(root.get("/api/v1/super-admins"), ada.get("/api/v1/super-admins"))
    assert sorted(answer.status_code for answer in rest) == [200, 403]
