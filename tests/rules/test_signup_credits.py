"""docs/rules/allocations.md, what it says of signup credits, example by example, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.support.codes import check_books
from tests.support.events import events_of
from tests.support.handing import funded, joined, of_member, pool, see
from tests.support.inviting import accepted, invited, token_in
from tests.support.offices import Place, TestOffice, person
from tests.support.rows import rows_of_everything


async def welcoming(house: TestOffice, amount: str, *, pool_of: str = "100") -> tuple[Place, httpx.AsyncClient]:
    """A tenant that gives this much to who joins."""
    place, admin = await funded(house, pool_of)
    changed = await admin.patch("/api/v1/settings", json={"signup_credits": amount})
    assert changed.status_code == 200, changed.text
    return place, admin


@pytest.mark.rule("ALLOC-8", "MEMBER-6")
async def test_who_is_created_with_a_password_starts_with_the_signup_credits_out_of_the_pool(house: TestOffice) -> None:
    place, admin = await welcoming(house, "25")

    made = (await joined(admin, "ada")).json()
    deputy = (await joined(admin, "boss", role="admin")).json()

    assert (made["balance"], made["remaining"], deputy["balance"], await pool(admin)) == (
        "25.00",
        "25.00",
        "25.00",
        "50.00",
    )
    newest, before = (await see(admin, "transactions"))["transactions"][:2]
    assert (newest["kind"], newest["label"], newest["amount"], newest["operator"]["name"]) == (
        "signup_credits", "Signup credits", "-25.00", "Bursar",
    )  # fmt: skip
    assert before["related"]["name"] == made["display_name"]
    told = await events_of(house, place, "signup_credits")
    assert [(event.subject, event.detail, event.changes) for event in told] == [
        (member["id"], {"amount": "25.00"}, {"balance": ("0.00", "25.00")}) for member in (made, deputy)
    ]
    await check_books(house, place)


@pytest.mark.rule("ALLOC-8")
async def test_who_accepts_an_invitation_starts_with_the_signup_credits_once(house: TestOffice) -> None:
    place, admin = await welcoming(house, "25")
    token = token_in(await invited(admin))

    first = await accepted(house.visitor(), token, "once")
    again = await accepted(house.visitor(), token, "once")

    assert (first.status_code, again.status_code) == (201, 201)
    eve = (await see(admin, "members", search="eve"))["members"][0]
    assert (eve["remaining"], await pool(admin)) == ("25.00", "75.00")
    assert len(await events_of(house, place, "signup_credits")) == 1
    await check_books(house, place)


@pytest.mark.rule("ALLOC-8")
async def test_a_tenant_admin_and_a_service_account_are_given_none_and_0_is_none(house: TestOffice) -> None:
    place, admin = await welcoming(house, "25")
    root = await house.super_admin()
    body = {"username": "second", "password": person("second").password, "role": "tenant_admin"}

    second = await root.post("/api/v1/members", json=body, params={"tenant_id": place.tenant_id})
    robot = await admin.post("/api/v1/members", json={"username": "robot", "is_service_account": True})
    await admin.patch("/api/v1/settings", json={"signup_credits": "0"})
    nobody = await joined(admin, "ada")

    assert [answer.status_code for answer in (second, robot, nobody)] == [201] * 3
    assert [answer.json()["balance"] for answer in (second, robot, nobody)] == ["0.00"] * 3
    assert await pool(admin) == "100.00"
    assert await events_of(house, place, "signup_credits", "signup_credits_missed") == []


@pytest.mark.rule("ALLOC-9")
async def test_where_the_pool_is_too_small_who_joins_starts_with_nothing_and_it_is_told(house: TestOffice) -> None:
    place, admin = await welcoming(house, "25", pool_of="24.99")

    made = await joined(admin, "ada")

    assert (made.status_code, made.json()["balance"], await pool(admin)) == (201, "0.00", "24.99")
    assert await of_member(admin, made.json()["id"], "remaining") == "0.00"
    (told,) = await events_of(house, place, "signup_credits_missed")
    assert (told.subject, told.detail) == (made.json()["id"], {"amount": "25.00", "available": "24.99"})
    assert await events_of(house, place, "signup_credits") == []
    await check_books(house, place)


@pytest.mark.rule("ALLOC-8")
async def test_who_cannot_join_takes_nothing_out_of_the_pool(house: TestOffice) -> None:
    _, admin = await welcoming(house, "25")
    await joined(admin, "ada")
    before = await rows_of_everything(house)

    taken = await joined(admin, "ada")

    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert await rows_of_everything(house) == before
