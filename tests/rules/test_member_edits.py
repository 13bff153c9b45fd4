"""docs/rules/members.md, example by example: changing names and passwords."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.events import events_of
from tests.support.offices import PASSWORD, TestOffice
from tests.support.rows import rows_of_everything

NEW_PASSWORD = "another horse battery"


async def edited(client: httpx.AsyncClient, member_id: str, **changes: Any) -> httpx.Response:
    return await client.patch(f"/api/v1/members/{member_id}", json=changes)


async def may_sign_in(house: TestOffice, name: str, password: str = PASSWORD) -> bool:
    answer = await house.visitor().post("/api/v1/session", json={"name": name, "password": password})
    return answer.status_code == 200


@pytest.mark.rule("MEMBER-7")
async def test_an_edit_changes_what_it_names_and_tells_before_and_after(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = (await admin.get(f"/api/v1/members/{place.member_id}")).json()

    answer = await edited(admin, place.member_id, display_name="Ada Lovelace", job_title="Planner", email=None)

    assert answer.status_code == 200
    assert answer.json() == before | {"display_name": "Ada Lovelace", "job_title": "Planner", "email": None}
    assert (await admin.get(f"/api/v1/members/{place.member_id}")).json() == answer.json()
    (told,) = await events_of(house, place, "member_changed")
    assert told.changes == {
        "display_name": ("Acme Member", "Ada Lovelace"),
        "job_title": (None, "Planner"),
        "email": ("acme-member@example.com", None),
    }
    removed = await edited(admin, place.member_id, display_name="", job_title="")
    assert (removed.json()["display_name"], removed.json()["job_title"]) == ("acme-member", None)


@pytest.mark.rule("MEMBER-7")
async def test_what_is_the_same_already_leaves_no_event(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    answers = [
        await edited(admin, place.member_id),
        await edited(admin, place.member_id, username="acme-member", email="acme-member@example.com"),
        await edited(admin, place.member_id, username=None, password=None),
        await edited(admin, place.member_id, password=""),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert await rows_of_everything(house) == before
    assert await may_sign_in(house, "acme-member")


@pytest.mark.rule("MEMBER-3", "MEMBER-7")
async def test_a_new_username_and_address_sign_in_and_the_old_ones_are_free(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")

    answer = await edited(admin, place.member_id, username="Ada", email="ada@example.com")

    assert answer.status_code == 200
    assert [await may_sign_in(house, name) for name in ("ada", "ada@example.com")] == [True, True]
    assert not await may_sign_in(house, "acme-member")
    body = {"username": "acme-member", "email": "acme-member@example.com", "password": PASSWORD}
    assert (await admin.post("/api/v1/members", json=body)).status_code == 201
    # Another spelling of one's own name is no other name.
    assert (await edited(admin, place.member_id, username="ADA")).json()["username"] == "ADA"
    assert await may_sign_in(house, "ada")


@pytest.mark.rule("MEMBER-3", "MEMBER-7")
async def test_a_name_of_somebody_else_is_refused_and_nothing_of_the_edit_stays(house: TestOffice) -> None:
    place = await house.tenant()
    await house.tenant("Globex")
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    answers = {
        "username": await edited(
            admin, place.member_id, username="Globex-Member", display_name="X", password="12345678"
        ),
        "email": await edited(admin, place.member_id, username="free", email="globex-admin@example.com"),
    }

    for field, answer in answers.items():
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
        assert answer.json()["fields"][0]["field"] == field
    assert await rows_of_everything(house) == before


@pytest.mark.rule("MEMBER-3", "MEMBER-7")
async def test_of_two_who_take_one_name_or_each_others_at_once_nobody_gets_half_of_it(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    made = await admin.post("/api/v1/members", json={"username": "ben", "password": PASSWORD})
    ids = {"acme-member": place.member_id, "ben": made.json()["id"]}

    same = await asyncio.gather(*(edited(admin, member_id, username="ada") for member_id in ids.values()))
    crossed = await asyncio.gather(
        edited(admin, place.member_id, username="left"),
        edited(admin, place.member_id, username="right", job_title="Planner"),
        edited(admin, place.member_id, email="one@example.com"),
    )

    assert sorted(answer.status_code for answer in same) == [200, 409]
    assert {answer.status_code for answer in crossed} == {200}
    listed = (await admin.get("/api/v1/members")).json()["members"]
    names = {member["username"].lower() for member in listed} | {m["email"].lower() for m in listed if m["email"]}
    async with house.desk.platform.pool.acquire() as connection:
        kept = {
            row["name"] for row in await connection.fetch("select name from sign_in_names where tenant_id is not null")
        }
    assert kept == names


@pytest.mark.rule("MEMBER-7", "MEMBER-1")
async def test_what_cannot_be_used_is_refused_with_its_field(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    for field, bad in (
        ("username", "a b"), ("username", ""), ("display_name", "A\nB"), ("email", "nobody"), ("job_title", "x" * 121),
        ("password", "1234567"), ("status", "active"), ("role", "admin"),
    ):  # fmt: skip
        answer = await edited(admin, place.member_id, **{field: bad})
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field), answer.text
    assert await rows_of_everything(house) == before


@pytest.mark.rule("MEMBER-7")
async def test_an_admin_edits_members_and_other_admins_and_neither_oneself_nor_who_is_above(house: TestOffice) -> None:
    place = await house.tenant()
    tenant_admin, root = await house.signed_in("acme-admin"), await house.super_admin()
    for name in ("deputy", "second"):
        body = {"username": name, "password": PASSWORD, "role": "admin"}
        assert (await tenant_admin.post("/api/v1/members", json=body)).status_code == 201
    listed = (await tenant_admin.get("/api/v1/members")).json()["members"]
    ids = {member["username"]: member["id"] for member in listed}
    deputy = await house.signed_in("deputy")
    query = {"tenant_id": place.tenant_id}

    answers = [
        (await edited(deputy, ids[name], job_title="X")) for name in ("acme-member", "second", "deputy", "acme-admin")
    ]
    by_root = [
        await root.patch(f"/api/v1/members/{ids[name]}", json={"job_title": "X"}, params=query)
        for name in ("acme-admin", "acme-member")
    ]

    assert [(answer.status_code, answer.json().get("code")) for answer in answers] == [
        (200, None), (200, None), (403, "not_to_oneself"), (403, "not_permitted"),
    ]  # fmt: skip
    assert [answer.status_code for answer in by_root] == [200, 403]


@pytest.mark.rule("MEMBER-8")
async def test_a_password_that_is_reset_ends_all_sign_ins_and_is_told_without_a_value(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    sessions = [await house.signed_in("acme-member"), await house.signed_in("acme-member@example.com")]

    short = await edited(admin, place.member_id, password="1234567")
    assert [(await client.get("/api/v1/session")).status_code for client in sessions] == [200, 200]
    reset = await edited(admin, place.member_id, password=NEW_PASSWORD)

    assert (short.status_code, reset.status_code) == (422, 200)
    assert [(await client.get("/api/v1/session")).status_code for client in sessions] == [401, 401]
    assert await may_sign_in(house, "acme-member", NEW_PASSWORD)
    assert not await may_sign_in(house, "acme-member")
    assert (await admin.get("/api/v1/session")).status_code == 200
    (told,) = await events_of(house, place, "password_reset", "member_changed")
    assert (told.kind, told.detail, told.changes) == ("password_reset", {"sign_ins_ended": "2"}, {})


@pytest.mark.rule("MEMBER-4", "MEMBER-8")
async def test_a_service_account_gets_no_password_by_an_edit(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    made = await admin.post("/api/v1/members", json={"username": "robot", "is_service_account": True})

    answer = await edited(admin, made.json()["id"], password=NEW_PASSWORD, display_name="Robot")

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "password")
    assert (await admin.get(f"/api/v1/members/{made.json()['id']}")).json()["display_name"] == "robot"


@pytest.mark.rule("MEMBER-7", "ONCE-1")
async def test_an_edit_that_is_repeated_is_answered_as_at_first(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    key = {"Idempotency-Key": "one"}
    body = {"display_name": "Ada", "password": NEW_PASSWORD}
    path = f"/api/v1/members/{place.member_id}"
    first = await admin.patch(path, json=body, headers=key)
    await edited(admin, place.member_id, display_name="Eve")

    again = await admin.patch(path, json=body, headers=key)

    assert again.content == first.content
    assert (await admin.get(path)).json()["display_name"] == "Eve"
    assert len(await events_of(house, place, "password_reset")) == 1
