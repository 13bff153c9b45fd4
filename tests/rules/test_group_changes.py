"""docs/rules/groups.md, example by example, over HTTP: groups renamed, shared and deleted."""

from __future__ import annotations

import asyncio

import pytest

from bursar.db.transaction import reading
from bursar.domain.ids import public_id
from tests.support.budgeting import asked_for, done, made_group, made_member, put, row
from tests.support.events import events_of
from tests.support.offices import TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import seen


@pytest.mark.rule("GROUP-6")
async def test_a_group_is_renamed_to_what_no_other_is_called_and_default_keeps_its_name(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research")
    await made_group(admin, "Design")

    async def renamed(name: str, identity: str = group_id) -> tuple[int, str]:
        answer = await admin.patch(f"/api/v1/groups/{identity}", json={"name": name})
        return answer.status_code, answer.json().get("code") or answer.json()["name"]

    assert await renamed("Forschung") == (200, "Forschung")
    assert await renamed("FORSCHUNG") == (200, "FORSCHUNG")
    before = await rows_of_everything(house)
    assert await renamed("FORSCHUNG") == (200, "FORSCHUNG")
    assert await renamed("design") == (409, "name_taken")
    assert await renamed("Everybody", place.group_id) == (409, "group_is_default")
    assert await renamed("Nowhere", f"grp_{7:032x}") == (404, "group_unknown")
    assert await renamed("") == (422, "invalid_input")
    assert await rows_of_everything(house) == before
    assert [event.changes for event in await events_of(house, place, "group_renamed")] == [
        {"name": ("Research", "Forschung")}, {"name": ("Forschung", "FORSCHUNG")},
    ]  # fmt: skip


@pytest.mark.rule("GROUP-6")
async def test_of_those_who_give_one_name_at_once_one_has_it(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    groups = [await made_group(admin, f"Group {number}") for number in range(4)]

    answers = await asyncio.gather(
        *(admin.patch(f"/api/v1/groups/{group_id}", json={"name": "Research"}) for group_id in groups),
        *(admin.post("/api/v1/groups", json={"name": "research"}) for _ in range(2)),
    )

    refused = [answer.json()["code"] for answer in answers if answer.status_code >= 400]
    assert refused == ["name_taken"] * 5
    names = [group["name"].lower() for group in (await seen(admin, "/api/v1/groups"))["groups"]]
    assert names.count("research") == 1


@pytest.mark.rule("GROUP-3")
async def test_switching_the_shared_budget_to_what_it_is_is_not_told(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    path = f"groups/{place.group_id}/shared"
    await done(admin, path, is_shared=False)
    assert await events_of(house, place, "group_shared") == []

    await done(admin, path, is_shared=True)
    await done(admin, path, is_shared=True)

    assert await row(admin, f"groups/{place.group_id}", "is_shared") == [True]
    assert [event.changes for event in await events_of(house, place, "group_shared")] == [{"is_shared": ("off", "on")}]


@pytest.mark.rule("GROUP-2", "GROUP-7")
async def test_a_deleted_group_gives_back_what_it_had_and_its_name_and_is_told_of_by_it(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place = await house.tenant(per_cycle="100")
    await house.granted(place, "50")
    admin, root = await house.signed_in("acme-admin"), await house.super_admin()
    group_id = await made_group(admin, "Research", monthly="60")
    await done(admin, f"groups/{group_id}/extra", extra="20", seen="0")
    factor = f"/api/v1/tenants/{place.tenant_id}/groups/{group_id}/price-factor"
    assert (await root.put(factor, json={"price_factor": "1.5"})).status_code == 200
    key = {"Idempotency-Key": "once"}

    gone = await admin.delete(f"/api/v1/groups/{group_id}", headers=key)
    again = await admin.delete(f"/api/v1/groups/{group_id}", headers=key)
    anew = await admin.delete(f"/api/v1/groups/{group_id}")
    namesake = await admin.post("/api/v1/groups", json={"name": "research"})

    assert gone.json() == {"id": group_id, "name": "Research", "returned": "20.00", "monthly": "60.00"}
    assert (again.content, again.headers["Idempotent-Replayed"]) == (gone.content, "true")
    assert (anew.status_code, anew.json()["code"]) == (404, "group_unknown")
    assert (namesake.status_code, namesake.json()["auto_approve"]) == (201, "0.00")
    assert (await seen(admin, "/api/v1/pool"))["balance"] == "50.00"
    assert (await seen(admin, "/api/v1/cycle"))["undistributed"] == "100.00"
    assert [group["name"] for group in (await seen(admin, "/api/v1/groups"))["groups"]] == ["Default", "research"]
    assert (await seen(admin, "/api/v1/price-factors"))["groups"] == []
    (told,) = await events_of(house, place, "group_deleted")
    assert (told.detail["returned"], told.detail["monthly"]) == ("20.00", "60.00")
    assert told.detail["price_factor"] == "1.50"
    logged = (await seen(admin, "/api/v1/audit?kind=group_extra_set"))["events"]
    assert [event["object"]["name"] for event in logged] == ["Research"]
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("GROUP-2", "GROUP-7", "GROUP-8")
async def test_only_an_empty_group_is_deleted_never_default_and_open_requests_stay_open(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research")
    member_id, gone_id = [await made_member(admin, name, group_id) for name in ("ada", "bob")]
    assert (await admin.delete(f"/api/v1/members/{gone_id}")).status_code == 200
    await asked_for(house, place, member_id, group_id, "5", epoch=1, is_approved=False)

    async def deleted(identity: str) -> tuple[int, str | None]:
        answer = await admin.delete(f"/api/v1/groups/{identity}")
        return answer.status_code, answer.json().get("code")

    before = await rows_of_everything(house)
    assert await deleted(group_id) == (409, "group_not_empty")
    assert await deleted(place.group_id) == (409, "group_is_default")
    assert await deleted(f"grp_{7:032x}") == (404, "group_unknown")
    assert await rows_of_everything(house) == before

    await done(admin, f"members/{member_id}/group", group_id=place.group_id)
    assert await deleted(group_id) == (200, None)
    async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
        open_requests = await transaction.fetch(
            "select status from credit_requests where tenant_id = $1", place.tenant.tenant_id
        )
        group_of_gone = await transaction.fetchval(
            "select group_id from members where tenant_id = $1 and status = 'deleted'", place.tenant.tenant_id
        )
    # Who was deleted in the group goes on naming it.
    assert public_id("group", group_of_gone) == group_id
    assert [request["status"] for request in open_requests] == ["pending"]
    assert await row(admin, f"members/{member_id}", "group_id") == [place.group_id]


@pytest.mark.rule("GROUP-7", "GROUP-4")
async def test_a_deleted_group_is_unknown_to_every_route(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research")
    assert (await admin.delete(f"/api/v1/groups/{group_id}")).status_code == 200

    answers = [
        await admin.get(f"/api/v1/groups/{group_id}"),
        await admin.patch(f"/api/v1/groups/{group_id}", json={"name": "Again"}),
        await put(admin, f"groups/{group_id}/shared", is_shared=True),
        await put(admin, f"groups/{group_id}/monthly", monthly="1", seen="0"),
        await put(admin, f"groups/{group_id}/extra", extra="1", seen="0"),
        await put(admin, f"groups/{group_id}/auto-approve", auto_approve="1", seen="0"),
        await put(admin, f"members/{place.member_id}/group", group_id=group_id),
        await admin.post("/api/v1/allocations", json={"group_id": group_id, "amount": "1"}),
        await admin.post("/api/v1/members", json={"username": "ada", "password": "long enough", "group_id": group_id}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "group_unknown")] * 9


@pytest.mark.rule("GROUP-4")
async def test_another_tenants_group_is_unknown_to_every_route(house: TestOffice) -> None:
    await house.tenant("Acme")
    elsewhere = await house.tenant("Globex")
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)
    group_id = elsewhere.group_id

    answers = [
        await admin.get(f"/api/v1/groups/{group_id}"),
        await admin.patch(f"/api/v1/groups/{group_id}", json={"name": "Ours"}),
        await admin.delete(f"/api/v1/groups/{group_id}"),
        await put(admin, f"groups/{group_id}/shared", is_shared=True),
        await put(admin, f"groups/{group_id}/monthly", monthly="1", seen="0"),
        await put(admin, f"groups/{group_id}/extra", extra="1", seen="0"),
        await put(admin, f"groups/{group_id}/auto-approve", auto_approve="1", seen="0"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "group_unknown")] * 7
    assert await rows_of_everything(house) == before


@pytest.mark.rule("GROUP-2")
async def test_a_group_that_is_deleted_while_people_are_moved_into_it_strands_nobody(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    group_id = await made_group(admin, "Research")
    members = [await made_member(admin, f"member-{number}", place.group_id) for number in range(4)]

    answers = await asyncio.gather(
        *(put(admin, f"members/{member_id}/group", group_id=group_id) for member_id in members[:2]),
        admin.delete(f"/api/v1/groups/{group_id}"),
        *(put(admin, f"members/{member_id}/group", group_id=group_id) for member_id in members[2:]),
    )

    was_deleted = answers[2].status_code == 200
    assert answers[2].json().get("code") == (None if was_deleted else "group_not_empty")
    groups = {group["id"] for group in (await seen(admin, "/api/v1/groups"))["groups"]}
    assert (group_id in groups) is not was_deleted
    for member_id in members:
        assert (await row(admin, f"members/{member_id}", "group_id"))[0] in groups
    await check_books(fresh_database, place.tenant.tenant_id)
