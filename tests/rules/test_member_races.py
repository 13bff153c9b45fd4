"""docs/rules/members.md where two act at once: whatever comes first, the books are right and nothing is half done."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.offices import PASSWORD, Place, TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books

ROUNDS = 6


async def with_people(house: TestOffice, *, balance: str) -> tuple[Place, httpx.AsyncClient, list[str]]:
    """A tenant with credits, its tenant admin signed in, and a member for each round with a balance."""
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "1000")
    admin = await house.signed_in("acme-admin")
    ids = []
    for number in range(ROUNDS):
        made = await admin.post("/api/v1/members", json={"username": f"m{number}", "password": PASSWORD})
        ids.append(str(made.json()["id"]))
        given = await admin.post("/api/v1/allocations", json={"member_id": ids[-1], "amount": balance})
        assert given.status_code == 201
    return place, admin, ids


async def held(admin: httpx.AsyncClient, member_id: str, amount: str) -> str:
    answer = await admin.post("/api/v1/holds", json={"member_id": member_id, "amount": amount})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def pool_of(admin: httpx.AsyncClient) -> Any:
    return (await admin.get("/api/v1/pool")).json()


@pytest.mark.rule("MEMBER-12")
async def test_of_two_deletions_at_once_one_is_done(house: TestOffice, fresh_database: FreshDatabase) -> None:
    place, admin, ids = await with_people(house, balance="10")

    for member_id in ids:
        answers = await asyncio.gather(*(admin.delete(f"/api/v1/members/{member_id}") for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404]

    assert (await pool_of(admin))["balance"] == "1000.00"
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-12")
async def test_a_deletion_beside_a_settlement_charges_the_call_and_returns_the_rest(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin, ids = await with_people(house, balance="10")
    holds = [await held(admin, member_id, "4") for member_id in ids]

    for member_id, hold_id in zip(ids, holds, strict=True):
        answers = await asyncio.gather(
            admin.delete(f"/api/v1/members/{member_id}"),
            admin.post(f"/api/v1/holds/{hold_id}/settle", json={"cost": "3"}),
        )
        assert [answer.status_code for answer in answers] == [200, 200]

    pool = await pool_of(admin)
    assert (pool["balance"], pool["utilized"], pool["held"]) == ("982.00", "18.00", "0.00")
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-12")
async def test_a_deletion_beside_a_new_call_lets_the_call_in_whole_or_not_at_all(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin, ids = await with_people(house, balance="10")

    for member_id in ids:
        deletion, call = await asyncio.gather(
            admin.delete(f"/api/v1/members/{member_id}"),
            admin.post("/api/v1/holds", json={"member_id": member_id, "amount": "4"}),
        )
        assert deletion.status_code == 200
        if call.status_code == 201:
            assert (deletion.json()["returned"], deletion.json()["held"]) == ("6.00", "4.00")
            assert (await admin.post(f"/api/v1/holds/{call.json()['id']}/void")).status_code == 200
        else:
            assert call.json()["code"] == "member_deleted"
            assert (deletion.json()["returned"], deletion.json()["held"]) == ("10.00", "0.00")

    assert (await pool_of(admin))["balance"] == "1000.00"
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-11")
async def test_an_allocation_beside_a_disabling_arrives_or_is_refused(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin, ids = await with_people(house, balance="10")

    for member_id in ids:
        disabling, *allocations = await asyncio.gather(
            admin.post(f"/api/v1/members/{member_id}/disable"),
            *(admin.post("/api/v1/allocations", json={"member_id": member_id, "amount": "1"}) for _ in range(4)),
        )
        arrived = [answer.status_code for answer in allocations].count(201)
        refused = [answer.json()["code"] for answer in allocations if answer.status_code != 201]
        assert disabling.json()["status"] == "disabled"
        assert set(refused) <= {"member_disabled"}
        member = (await admin.get(f"/api/v1/members/{member_id}")).json()
        assert (member["balance"], member["status"]) == (f"{10 + arrived}.00", "disabled")

    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-12", "MEMBER-14", "MEMBER-7")
async def test_everything_at_once_ends_in_a_state_that_one_order_explains(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin, ids = await with_people(house, balance="10")
    group = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]

    for number, member_id in enumerate(ids):
        path = f"/api/v1/members/{member_id}"
        answers = await asyncio.gather(
            admin.patch(path, json={"username": f"renamed-{number}"}),
            admin.put(f"{path}/group", json={"group_id": group}),
            admin.put(f"{path}/role", json={"role": "admin"}),
            admin.post(f"{path}/disable"),
            admin.post("/api/v1/members", json={"username": f"renamed-{number}", "password": PASSWORD}),
            admin.delete(path),
        )
        assert all(answer.status_code in (200, 201, 404, 409) for answer in answers), [a.text for a in answers]
        assert answers[-1].status_code == 200

    listed = (await admin.get("/api/v1/members")).json()["members"]
    async with house.desk.platform.pool.acquire() as connection:
        rows = await connection.fetch(
            "select name from sign_in_names where tenant_id is not null and kind = 'username'"
        )
    assert {row["name"] for row in rows} == {member["username"] for member in listed}
    assert not {member["id"] for member in listed} & set(ids)
    assert (await pool_of(admin))["balance"] == "1000.00"
    await check_books(fresh_database, place.tenant.tenant_id)
