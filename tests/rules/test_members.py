"""docs/rules/members.md, example by example: what an account needs, and making one. Changing one: test_member_*.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bursar.domain.people import NewPerson, check_job_title, check_new_person
from bursar.domain.refusals import Refusal
from tests.support.events import events_of
from tests.support.offices import PASSWORD as THEIR_PASSWORD
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything

PERSON = NewPerson(username="ada.l", display_name="Ada Lovelace", email="ada@example.com", password="12345678")

USERNAME = "A username has 1 to 64 letters, digits, points, dashes or underscores, and starts with a letter or digit."
NAME = "A name has 1 to 120 printable characters, without blanks around it."
EMAIL = "This is not an email address."
PASSWORD = "A password has 8 to 200 characters."


def refusal_of(person: NewPerson) -> Refusal:
    with pytest.raises(Refusal) as caught:
        check_new_person(person)
    return caught.value


@pytest.mark.rule("MEMBER-1")
@pytest.mark.parametrize(
    "person",
    [
        PERSON,
        replace(PERSON, email=None),
        replace(PERSON, username="a" * 64, display_name="\u00c9" * 120, password="p" * 200),
        replace(PERSON, username="7-of_9"),
    ],
)
def test_a_person_has_a_username_a_shown_name_a_password_and_perhaps_an_address(person: NewPerson) -> None:
    check_new_person(person)


@pytest.mark.rule("MEMBER-1")
@pytest.mark.parametrize(
    ("person", "field", "detail"),
    [
        *((replace(PERSON, username=bad), "username", USERNAME)
          for bad in ("", ".ada", "a b", "ada@example.com", "a" * 65, "\u00e4da", "ada\n")),
        *((replace(PERSON, display_name=bad), "display_name", NAME)
          for bad in ("", " Ada", "Ada ", "A" * 121, "A\nB", "A\u200bB", "A\u202eB")),
        *((replace(PERSON, email=bad), "email", EMAIL)
          for bad in ("", "ada", "ada@", "@example.com", "a b@example.com", "ada@example", "a@b@example.com")),
        *((replace(PERSON, password=bad), "password", PASSWORD) for bad in (None, "", "1234567", "p" * 201)),
        # Where two could apply, the order decides.
        (NewPerson("", "", "", ""), "username", USERNAME),
        (NewPerson("ada", "", "", ""), "display_name", NAME),
        (NewPerson("ada", "Ada", "", ""), "email", EMAIL),
    ],
)  # fmt: skip
def test_what_cannot_be_an_account_is_refused_with_its_field(person: NewPerson, field: str, detail: str) -> None:
    assert refusal_of(person) == Refusal("invalid_input", detail, field=field)


@pytest.mark.rule("MEMBER-1")
def test_a_job_title_is_a_line_of_text_that_screens_show() -> None:
    check_job_title("Vice President, Planning & Strategy")

    for bad in ("", " Planner", "P" * 121, "Plan\nner"):
        with pytest.raises(Refusal) as caught:
            check_job_title(bad)
        assert (caught.value.code, caught.value.field) == ("invalid_input", "job_title")


async def created(client: httpx.AsyncClient, username: str, **more: Any) -> httpx.Response:
    body = {"username": username, "password": THEIR_PASSWORD, **more}
    return await client.post("/api/v1/members", json={name: value for name, value in body.items() if value is not ...})


@pytest.mark.rule("MEMBER-1")
async def test_what_cannot_be_an_account_is_refused_over_http_and_leaves_nothing(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    refused = {
        "username": [await created(admin, ""), await created(admin, "a b"), await created(admin, ...)],  # type: ignore[arg-type]
        "password": [await created(admin, "a", password=bad) for bad in (..., None, "", "1234567")],
        "email": [await created(admin, "a", email="nobody")],
        "job_title": [await created(admin, "a", job_title="A\tB")],
    }

    for field, answers in refused.items():
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
            assert [fault["field"] for fault in answer.json()["fields"]] == [field]
    assert await rows_of_everything(house) == before
    assert (await created(admin, "a", password="12345678")).status_code == 201


@pytest.mark.rule("MEMBER-2")
async def test_whoever_is_given_no_display_name_is_shown_by_their_username(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    answers = [
        await created(admin, "absent"),
        await created(admin, "blank", display_name="  "),
        await created(admin, "null", display_name=None),
        await created(admin, "named", display_name=" Ada Lovelace "),
    ]

    assert [answer.json()["display_name"] for answer in answers] == ["absent", "blank", "null", "Ada Lovelace"]


@pytest.mark.rule("MEMBER-3")
async def test_a_name_is_one_persons_on_the_whole_platform_in_any_spelling(house: TestOffice) -> None:
    await house.tenant()
    await house.tenant("Globex")
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    assert (await created(ours, "ada", email="ada@example.com")).status_code == 201
    before = await rows_of_everything(house)

    taken = {
        "username": [await created(ours, "ada"), await created(theirs, "ADA")],
        "email": [await created(theirs, "eve", email="Ada@Example.com")],
    }

    for field, answers in taken.items():
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
            assert answer.json()["fields"][0]["field"] == field
    assert await rows_of_everything(house) == before


@pytest.mark.rule("MEMBER-3")
async def test_of_many_who_want_one_name_at_once_one_gets_it(house: TestOffice) -> None:
    await house.tenant()
    await house.tenant("Globex")
    clients = [await house.signed_in("acme-admin"), await house.signed_in("globex-admin")]

    answers = await asyncio.gather(*(created(client, "ada") for client in clients * 4))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


@pytest.mark.rule("MEMBER-4")
async def test_a_service_account_has_no_password_and_nobody_signs_in_as_it(house: TestOffice) -> None:
    place = await house.tenant()
    admin, root = await house.signed_in("acme-admin"), await house.super_admin()

    made = await created(admin, "robot", password=..., is_service_account=True, email="robot@example.com")
    with_password = await created(admin, "robot-2", is_service_account=True)
    running = await root.post(
        "/api/v1/members",
        params={"tenant_id": place.tenant_id},
        json={"username": "robot-3", "is_service_account": True, "role": "tenant_admin"},
    )

    assert (made.status_code, made.json()["is_service_account"]) == (201, True)
    for answer, field in ((with_password, "password"), (running, "role")):
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)
    for name in ("robot", "robot@example.com"):
        for password in (THEIR_PASSWORD, "None", "null"):
            tried = await house.visitor().post("/api/v1/session", json={"name": name, "password": password})
            assert (tried.status_code, tried.json()["code"]) == (401, "sign_in_failed")


@pytest.mark.rule("MEMBER-5")
async def test_who_creates_whom(house: TestOffice) -> None:
    place = await house.tenant()
    tenant_admin, root = await house.signed_in("acme-admin"), await house.super_admin()
    assert (await created(tenant_admin, "deputy", role="admin")).status_code == 201
    clients = {"t": tenant_admin, "a": await house.signed_in("deputy"), "m": await house.signed_in("acme-member")}

    statuses = {
        f"{who}-{role}": (await created(client, f"{who}-{role}", role=role)).status_code
        for who, client in clients.items()
        for role in ("member", "admin", "tenant_admin")
    }
    by_root = [
        await root.post(
            "/api/v1/members",
            params={"tenant_id": place.tenant_id},
            json={"username": f"r-{role}", "password": THEIR_PASSWORD, "role": role},
        )
        for role in ("member", "admin", "tenant_admin")
    ]

    assert statuses == {
        "t-member": 201, "t-admin": 201, "t-tenant_admin": 403,
        "a-member": 201, "a-admin": 201, "a-tenant_admin": 403,
        "m-member": 403, "m-admin": 403, "m-tenant_admin": 403,
    }  # fmt: skip
    assert [answer.status_code for answer in by_root] == [403, 403, 201]
    assert (by_root[2].json()["role_label"], by_root[2].json()["remaining"]) == ("Tenant admin", None)
    everybody = (await tenant_admin.get("/api/v1/members")).json()
    assert everybody["total"] == 8


@pytest.mark.rule("MEMBER-6")
async def test_a_new_member_is_active_numbered_in_default_and_has_nothing(house: TestOffice) -> None:
    place = await house.tenant()
    await house.tenant("Globex")
    admin = await house.signed_in("acme-admin")
    group = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]

    first = await created(admin, "ada", email="ada@example.com", job_title="Planner")
    second = await created(admin, "ben", group_id=group)
    nowhere = await created(admin, "cleo", group_id=f"grp_{7:032x}")

    shape = first.json()
    assert {name: shape[name] for name in ("number", "status", "role", "role_label", "group_id", "job_title")} == {
        "number": 3, "status": "active", "role": "member", "role_label": "Member", "group_id": place.group_id,
        "job_title": "Planner",
    }  # fmt: skip
    assert {shape[name] for name in ("monthly", "extra", "used", "remaining", "held", "consumed")} == {"0.00"}
    assert (second.json()["number"], second.json()["group_id"]) == (4, group)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "group_unknown")
    assert (await admin.get(f"/api/v1/members/{shape['id']}")).json() == shape
    told = (await events_of(house, place, "member_created"))[-2]
    assert (told.subject, told.changes) == (
        shape["id"],
        {
            "username": (None, "ada"), "display_name": (None, "ada"), "email": (None, "ada@example.com"),
            "role": (None, "member"), "status": (None, "active"), "group_id": (None, place.group_id),
            "job_title": (None, "Planner"),
        },
    )  # fmt: skip


@pytest.mark.rule("MEMBER-6", "ONCE-1")
async def test_a_creation_that_is_repeated_is_answered_as_at_first(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    key = {"Idempotency-Key": "one"}
    body = {"username": "ada", "password": THEIR_PASSWORD}
    first = await admin.post("/api/v1/members", json=body, headers=key)
    await admin.post("/api/v1/allocations", json={"member_id": first.json()["id"], "amount": "5"})

    again = await admin.post("/api/v1/members", json=body, headers=key)

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.rule("MEMBER-13")
async def test_a_name_whose_letters_are_long_when_folded_is_a_name_like_others(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    person = {"username": "sallallahu", "display_name": "\ufdfa" * 120, "password": "long enough"}

    added = await admin.post("/api/v1/members", json=person)

    assert added.status_code == 201, added.text
    assert (await admin.get("/api/v1/members", params={"search": "sallallahu"})).json()["total"] == 1
