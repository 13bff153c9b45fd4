"""docs/rules/tenants.md, example by example, over HTTP: credits that the platform gives, and takes back."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.support.codes import check_books, one_code, redeemed
from tests.support.offices import Place, TestOffice
from tests.support.purchases import ended, looked_at, ordered, selling
from tests.support.rows import rows_of_everything


async def moved(client: httpx.AsyncClient, place: Place, what: str, amount: str, key: str) -> httpx.Response:
    path = f"/api/v1/tenants/{place.tenant_id}/{what}"
    return await client.post(path, json={"amount": amount, "note": "As agreed"}, headers={"Idempotency-Key": key})


@pytest.mark.rule("TENANT-3")
async def test_a_grant_comes_unassigned_into_the_pool_once_however_often_it_is_sent(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    member = await looked_at(admin, f"/api/v1/members/{place.member_id}")

    twins = await asyncio.gather(*(moved(root, place, "grants", "300.50", "once") for _ in range(8)))
    taken = await asyncio.gather(*(moved(root, place, "grant-withdrawals", "100", "back") for _ in range(8)))

    assert {(twin.status_code, twin.content) for twin in twins} == {(201, twins[0].content)}
    assert {(twin.status_code, twin.content) for twin in taken} == {(201, taken[0].content)}
    pool = await looked_at(admin, "/api/v1/pool")
    assert {name: pool[name] for name in ("balance", "granted", "purchased", "unassigned", "assigned")} == {
        "balance": "200.50", "granted": "200.50", "purchased": "200.50", "unassigned": "200.50", "assigned": "0.00",
    }  # fmt: skip
    assert await looked_at(admin, f"/api/v1/members/{place.member_id}") == member
    lines = (await looked_at(admin, "/api/v1/transactions"))["transactions"]
    assert [(line["kind"], line["amount"], line["note"]) for line in lines] == [
        ("grant_withdrawal", "-100.00", "As agreed"), ("grant", "300.50", "As agreed"),
    ]  # fmt: skip
    for kind, change in (("grant", ("0.00", "300.50")), ("grant_withdrawal", ("300.50", "200.50"))):
        (event,) = (await looked_at(admin, "/api/v1/audit", kind=kind))["events"]
        assert [(part["field"], part["before"], part["after"]) for part in event["changes"]] == [("pool", *change)]
    await check_books(house, place)


@pytest.mark.rule("TENANT-5")
async def test_what_was_bought_or_redeemed_is_not_the_platforms_to_take_back(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    await ended(root, await ordered(admin, "40"), "confirm", place.tenant_id)
    assert (await redeemed(admin, await one_code(root, value="25"))).status_code == 201
    await moved(root, place, "grants", "10", "first")
    before = await looked_at(admin, "/api/v1/pool")

    refused = await moved(root, place, "grant-withdrawals", "10.01", "second")

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_grant")
    assert (before["purchased"], before["granted"]) == ("75.00", "10.00")
    assert await looked_at(admin, "/api/v1/pool") == before
    assert (await moved(root, place, "grant-withdrawals", "10", "third")).status_code == 201
    assert (await looked_at(admin, "/api/v1/pool"))["balance"] == "65.00"


@pytest.mark.rule("TENANT-3", "TENANT-5")
async def test_only_the_super_admin_gives_and_takes_back(house: TestOffice) -> None:
    place = await house.tenant()
    await house.admin(place)
    await house.granted(place, "10")
    people = [await house.signed_in(name) for name in ("acme-admin", "acme-deputy", "acme-member")]
    before = await rows_of_everything(house)

    answers = [
        await moved(person, place, what, "1", f"{what}-{number}")
        for number, person in enumerate(people)
        for what in ("grants", "grant-withdrawals")
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_permitted")}
    assert await rows_of_everything(house) == before
