"""The audit log over HTTP: pages, filters, names, the file. Examples of its rules: tests/rules/test_audit.py."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from bursar.actions.desk import Asked
from bursar.actions.groups import create_group
from bursar.api import audit
from bursar.api.csv_answers import BYTE_ORDER_MARK
from bursar.domain.events import EVENTS
from bursar.domain.ids import public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role, Scope
from bursar.outside.identity import new_uuid
from tests.support.offices import Place, TestOffice


async def listed(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """The events of one page."""
    response = await client.get("/api/v1/audit", params=query)
    assert response.status_code == 200, response.text
    events: list[dict[str, Any]] = response.json()["events"]
    return events


def codes(events: list[dict[str, Any]]) -> list[str]:
    return [event["action"]["code"] for event in events]


async def busy(house: TestOffice) -> tuple[Place, httpx.AsyncClient]:
    """A tenant in which some things were done, and its tenant admin."""
    place = await house.tenant()
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    await admin.post("/api/v1/groups", json={"name": "Research"})
    handed = {"member_id": place.member_id, "amount": "30", "note": "100%_sure, for the launch"}
    await admin.post("/api/v1/allocations", json=handed, headers={"x-request-id": "launch-1"})
    await admin.post("/api/v1/reclaims", json={"member_id": place.member_id, "amount": "10", "note": "too much"})
    return place, admin


async def test_an_event_says_who_did_what_to_what_when_and_from_where(house: TestOffice) -> None:
    place, admin = await busy(house)

    (event,) = await listed(admin, kind="allocation")

    assert event["id"].startswith("evt_")
    assert event["time"].endswith("Z")
    assert {name: event[name] for name in event if name not in ("id", "time")} == {
        "actor": {
            "id": place.admin_id, "kind": "member", "name": "Acme Admin", "label": "Acme Admin (Tenant admin)",
        },
        "via": None,
        "action": {"code": "allocation", "label": "Allocation"},
        "object": {"kind": "member", "id": place.member_id, "name": "Acme Member"},
        "note": "100%_sure, for the launch",
        "detail": {"amount": "30.00"},
        "changes": [{"field": "balance", "before": "0.00", "after": "30.00"}],
        "address": "127.0.0.1",
        "request_id": "launch-1",
    }  # fmt: skip


async def test_what_a_super_admin_did_stands_in_the_tenants_log_under_the_super_admins_name(house: TestOffice) -> None:
    place, admin = await busy(house)
    root = await house.super_admin()
    await root.post(f"/api/v1/tenants/{place.tenant_id}/grants", json={"amount": "5"})

    event = (await listed(admin, kind="grant"))[0]

    assert (event["actor"]["kind"], event["actor"]["label"]) == ("platform_admin", "Root (Super admin)")
    assert event["actor"]["id"].startswith("adm_")
    assert event["object"] == {"kind": "tenant", "id": place.tenant_id, "name": "Acme Robotics"}
    assert event["changes"] == [{"field": "pool", "before": "80.00", "after": "85.00"}]


async def test_what_a_program_did_by_a_key_names_the_key_and_its_owner(house: TestOffice) -> None:
    place, admin = await busy(house)
    tenant_id, key_id = place.tenant.tenant_id, new_uuid()
    connection = await asyncpg.connect(house.admin_url)
    await connection.execute(
        """
        insert into bursar.api_keys
            (tenant_id, key_id, member_id, kind, name, prefix, status, scopes, created_at, created_by)
        values ($1, $2, $3, 'management', 'Nightly import', 'bk_1', 'active', '{}', now(), $3)
        """,
        tenant_id,
        key_id,
        place.admin.member_id,
    )
    await connection.close()
    owner = Actor(Role.TENANT_ADMIN, place.admin.member_id, tenant_id, "Acme Admin", frozenset({Scope.GROUPS_WRITE}))

    await create_group(house.desk, Asked(owner, key_id=key_id), tenant_id, "Imported")

    event = (await listed(admin))[0]
    assert event["via"] == {"id": public_id("api_key", key_id), "name": "Nightly import"}
    assert event["actor"]["label"] == "Acme Admin (Tenant admin)"
    row = next(csv.DictReader(io.StringIO((await admin.get("/api/v1/audit.csv")).content.decode("utf-8-sig"))))
    assert (row["key"], row["actor_id"]) == ("Nightly import", place.admin_id)


@pytest.mark.rule("AUDIT-4")
async def test_pages_go_back_in_time_without_gap_or_repeat_also_while_more_is_done(house: TestOffice) -> None:
    _, admin = await busy(house)
    whole = await listed(admin, limit=200)
    seen: list[dict[str, Any]] = []
    cursor = None

    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/api/v1/audit", params=query)).json()
        seen += page["events"]
        await admin.post("/api/v1/groups", json={"name": f"Group {len(seen)}"})
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == whole
    assert codes(whole)[:4] == ["reclaim", "allocation", "group_created", "signed_in"]
    assert [event["time"] for event in whole] == sorted((event["time"] for event in whole), reverse=True)


@pytest.mark.rule("AUDIT-4")
async def test_the_log_is_narrowed_by_what_is_asked_and_all_of_it_must_hold(house: TestOffice) -> None:
    place, admin = await busy(house)
    root_id = (await listed(admin, kind="grant"))[0]["actor"]["id"]

    assert codes(await listed(admin, kind=["reclaim", "group_created", "reclaim"])) == ["reclaim", "group_created"]
    assert codes(await listed(admin, actor_id=root_id)) == ["grant", "member_created", "tenant_created"]
    about = await listed(admin, subject_id=place.member_id)
    assert codes(about) == ["reclaim", "allocation", "member_created"]
    assert codes(await listed(admin, subject_kind="group")) == ["group_created"]
    assert codes(await listed(admin, note="MUCH")) == ["reclaim"]
    assert codes(await listed(admin, note="%_s")) == ["allocation"]
    assert codes(await listed(admin, note="%")) == ["allocation"]
    assert codes(await listed(admin, request_id="launch-1")) == ["allocation"]
    assert codes(await listed(admin, subject_id=place.member_id, kind="reclaim", note="much")) == ["reclaim"]
    assert await listed(admin, subject_id=place.member_id, kind="grant") == []
    assert await listed(admin, actor_id=root_id, request_id="launch-1") == []


@pytest.mark.rule("AUDIT-4")
async def test_a_span_of_time_takes_what_happened_from_its_beginning_and_before_its_end(house: TestOffice) -> None:
    _, admin = await busy(house)
    house.clock.turn(timedelta(hours=3))
    admin = await house.signed_in("acme-admin")
    await admin.post("/api/v1/groups", json={"name": "Later"})
    latest = (await listed(admin, kind="group_created"))[0]
    earlier = await listed(admin, to=latest["time"])
    boundary = earlier[0]["time"]

    assert latest["id"] not in [event["id"] for event in earlier]
    assert await listed(admin, **{"from": latest["time"], "kind": "group_created"}) == [latest]
    assert await listed(admin, **{"from": boundary, "to": latest["time"]}) == earlier[:1]
    assert await listed(admin, **{"from": latest["time"], "to": boundary}) == []
    assert await listed(admin, to="0001-01-01T00:00:00Z") == []
    assert len(await listed(admin, **{"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"})) > 5


async def test_a_filter_that_cannot_be_is_refused_with_its_name(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    tried = {
        "kind": "nonsense",
        "actor_id": f"grp_{1:032x}",
        "subject_id": "nobody",
        "subject_kind": "no such thing",
        "from": "2026-03-01T00:00:00",
        "to": "1772323200",
        "note": "a\0b",
        "request_id": "no such id",
        "cursor": "bm9uc2Vuc2U",
        "limit": "0",
    }

    for name, value in tried.items():
        for path in ("audit", "audit.csv") if name not in ("cursor", "limit") else ("audit",):
            response = await admin.get(f"/api/v1/{path}", params={name: value})
            assert (response.status_code, response.json()["fields"][0]["field"]) == (422, name), response.text


async def test_the_choices_of_the_filter_are_the_catalogue(house: TestOffice) -> None:
    await house.tenant()

    for client in (await house.signed_in("acme-admin"), await house.super_admin()):
        kinds = (await client.get("/api/v1/audit/kinds")).json()["kinds"]
        assert [kind["code"] for kind in kinds] == list(EVENTS)


async def test_the_platforms_log_is_its_own_and_the_super_admins_alone(house: TestOffice) -> None:
    place, admin = await busy(house)
    root = await house.super_admin()

    seen = (await root.get("/api/v1/platform/audit", params={"kind": "super_admin_created"})).json()["events"]
    page = (await root.get("/api/v1/platform/audit", params={"limit": 1})).json()
    rest = (await root.get("/api/v1/platform/audit", params={"cursor": page["next_cursor"]})).json()["events"]

    assert [event["object"]["name"] for event in seen] == ["Root", "Operator"]
    assert seen[0]["actor"] == {"id": None, "kind": "system", "name": "Bursar", "label": "Bursar"}
    assert {"field": "username", "before": None, "after": "root"} in seen[0]["changes"]
    assert [*page["events"], *rest] == (await root.get("/api/v1/platform/audit")).json()["events"]
    assert (await admin.get("/api/v1/platform/audit")).status_code == 403
    assert (await admin.get("/api/v1/platform/audit.csv")).status_code == 403
    named = await root.get("/api/v1/audit", params={"tenant_id": place.tenant_id})
    nowhere = await root.get("/api/v1/audit.csv", params={"tenant_id": f"ten_{7:032x}"})
    assert codes(named.json()["events"])[0] == "reclaim"
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "tenant_unknown")


async def test_codes_are_named_by_their_last_letters_on_both_sides_and_a_batch_by_its_note(house: TestOffice) -> None:
    await house.tenant()
    admin, root = await house.signed_in("acme-admin"), await house.super_admin()
    wanted = {"count": 1, "value": "25", "note": "For the fair"}
    code = (await root.post("/api/v1/redemption-codes", json=wanted)).json()["codes"][0]
    redeemed = await admin.post("/api/v1/redemptions", json={"code": code["code"]})
    assert redeemed.status_code == 201

    (event,) = await listed(admin, kind="redemption")
    issued = (await root.get("/api/v1/platform/audit", params={"kind": "codes_issued"})).json()["events"][0]

    assert event["object"] == {"kind": "code", "id": code["id"], "name": f"…{code['code'][-4:]}"}
    assert event["changes"] == [{"field": "pool", "before": "0.00", "after": "25.00"}]
    assert (issued["object"]["kind"], issued["object"]["name"]) == ("code_batch", "For the fair")


async def test_another_tenants_log_is_unknown(house: TestOffice) -> None:
    await house.tenant("Acme")
    globex = await house.tenant("Globex")
    admin = await house.signed_in("acme-admin")

    response = await admin.get("/api/v1/audit", params={"tenant_id": globex.tenant_id})

    assert (response.status_code, response.json()["code"]) == (404, "tenant_unknown")
    assert await listed(admin, subject_id=globex.member_id) == []
    assert await listed(admin, actor_id=globex.admin_id) == []


@pytest.mark.rule("AUDIT-6")
async def test_the_file_holds_what_the_pages_show_however_many_it_is_read_in(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = await busy(house)
    monkeypatch.setattr(audit, "FILE_PAGE_SIZE", 2)

    response = await admin.get("/api/v1/audit.csv")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    today = house.clock.now().date().isoformat()
    assert response.headers["content-disposition"] == f'attachment; filename="audit-acme-robotics-{today}.csv"'
    assert response.text.startswith(BYTE_ORDER_MARK)
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), strict=True))
    events = await listed(admin)
    assert [row["id"] for row in rows] == [event["id"] for event in events]
    (row,) = [row for row in rows if row["action_code"] == "allocation"]
    assert (row["actor"], row["note"]) == ("Acme Admin (Tenant admin)", "100%_sure, for the launch")
    assert row["changes"] == '{"balance": {"before": "0.00", "after": "30.00"}}'


@pytest.mark.rule("AUDIT-6")
async def test_the_file_is_narrowed_like_the_pages_and_may_have_no_rows(house: TestOffice) -> None:
    _, admin = await busy(house)

    some = await admin.get("/api/v1/audit.csv", params={"kind": "reclaim"})
    none = await admin.get("/api/v1/audit.csv", params={"kind": "member_deleted"})

    assert (some.text.count("\r\n"), none.text.count("\r\n")) == (2, 1)
