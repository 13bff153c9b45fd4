"""Credits over HTTP: in, out, set aside, spent; and everything the API refuses on the way."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.support.offices import Place, TestOffice


async def funded(house: TestOffice, amount: str = "500.00") -> tuple[Place, httpx.AsyncClient]:
    """A tenant with credits in its pool, and its tenant admin signed in."""
    place = await house.tenant(per_cycle="0")
    await house.granted(place, amount)
    return place, await house.signed_in("acme-admin")


async def allocated(client: httpx.AsyncClient, place: Place, amount: str, **headers: str) -> httpx.Response:
    return await client.post(
        "/api/v1/allocations",
        json={"member_id": place.member_id, "amount": amount, "note": "for June"},
        headers=headers,
    )


async def see(client: httpx.AsyncClient, path: str) -> Any:
    response = await client.get(f"/api/v1/{path}")
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_grant_an_allocation_and_a_settled_hold_end_in_the_right_places(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root = await house.super_admin()
    admin = await house.signed_in("acme-admin")
    member = await house.signed_in("acme-member")

    grant = await root.post(f"/api/v1/tenants/{place.tenant_id}/grants", json={"amount": "500", "note": "welcome"})
    allocation = await allocated(admin, place, "120.50")
    hold = await member.post("/api/v1/holds", json={"amount": "20"})
    while_held = await see(admin, f"members/{place.member_id}")
    settled = await member.post(f"/api/v1/holds/{hold.json()['id']}/settle", json={"cost": "7.123456"})

    assert grant.status_code == 201
    assert (grant.json()["kind"], grant.json()["target_after"]) == ("grant", "500.00")
    assert allocation.status_code == 201
    assert (allocation.json()["source_after"], allocation.json()["target_after"]) == ("379.50", "120.50")
    assert hold.status_code == 201
    assert (while_held["held"], while_held["remaining"]) == ("20.00", "100.50")
    assert settled.status_code == 200
    assert (settled.json()["state"], settled.json()["charged"], settled.json()["overrun"]) == (
        "settled", "7.123456", "0.00",
    )  # fmt: skip
    after = await see(admin, f"members/{place.member_id}")
    assert (after["held"], after["remaining"], after["consumed"], after["used"]) == (
        "0.00", "113.376544", "7.123456", "7.123456",
    )  # fmt: skip
    assert await see(admin, "pool") == {
        "balance": "379.50",
        "held": "0.00",
        "granted": "500.00",
        "purchased": "500.00",
        "utilized": "7.123456",
        "available": "492.876544",
        "assigned": "120.50",
        "pool_used": "0.00",
        "unassigned": "379.50",
        "can_allocate": True,
        "cannot_allocate_because": None,
        "can_reclaim": True,
        "cannot_reclaim_because": None,
    }
    assert (await see(member, "session"))["remaining"] == "113.376544"


async def test_a_reclaim_returns_what_is_not_held_and_no_more(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place, "50")
    await admin.post("/api/v1/holds", json={"member_id": place.member_id, "amount": "20"})

    too_much = await admin.post("/api/v1/reclaims", json={"member_id": place.member_id, "amount": "30.01"})
    rest = await admin.post("/api/v1/reclaims", json={"member_id": place.member_id, "amount": "30"})

    assert too_much.status_code == 409
    assert too_much.json()["code"] == "insufficient_balance"
    assert too_much.json()["facts"]["available"] == "30.00"
    assert rest.status_code == 201
    assert (await see(admin, "pool"))["balance"] == "480.00"


async def test_a_group_receives_and_gives_back(house: TestOffice) -> None:
    place, admin = await funded(house)

    given = await admin.post("/api/v1/allocations", json={"group_id": place.group_id, "amount": "40"})
    taken = await admin.post("/api/v1/reclaims", json={"group_id": place.group_id, "amount": "15"})

    assert (given.status_code, taken.status_code) == (201, 201)
    (group,) = (await see(admin, "groups"))["groups"]
    assert (group["name"], group["available"], group["extra"], group["member_count"]) == (
        "Default",
        "25.00",
        "25.00",
        2,
    )


async def test_an_allocation_above_the_pool_moves_nothing_and_says_exactly_why(house: TestOffice) -> None:
    place, admin = await funded(house, "10")

    response = await allocated(admin, place, "10.01")

    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "insufficient_pool"
    assert problem["fields"][0]["field"] == "amount"
    assert {name: problem["facts"][name] for name in ("scope", "id", "available", "held", "asked")} == {
        "scope": "tenant", "id": place.tenant_id, "available": "10.00", "held": "0.00", "asked": "10.01",
    }  # fmt: skip
    assert (await see(admin, "pool"))["balance"] == "10.00"


async def test_nobody_allocates_to_oneself_or_to_a_tenant_admin(house: TestOffice) -> None:
    place, admin = await funded(house)

    response = await admin.post("/api/v1/allocations", json={"member_id": place.admin_id, "amount": "1"})

    assert response.status_code in (403, 409)
    assert response.json()["code"] in ("recipient_is_actor", "recipient_spends_pool")


NOT_DECIMAL: tuple[object, ...] = (
    1, 1.5, True, None, [], {}, "", "1e3", "NaN", "Infinity", "+1", " 1", "1,50", ".5", "1.", "01", "\u0661",
    "1" * 5000, "{sentence}",
)  # fmt: skip
NOT_AMOUNTS: dict[str, tuple[object, ...]] = {
    "amount_not_decimal": NOT_DECIMAL,
    "amount_too_small": ("-0", "-1", "0", "0.00", "-0.00"),
    "amount_too_fine": ("0.001", "1.234", "0.0000001"),
    "amount_too_large": ("1000000001",),
}

BOUNDS = {
    "amount_not_decimal": [],
    "amount_too_small": ["0.01"],
    "amount_too_fine": ["2"],
    "amount_too_large": ["1000000000.00"],
}
"""What the refusal says would have been right."""


async def test_what_is_not_an_amount_is_refused_by_name_and_moves_nothing(house: TestOffice) -> None:
    place, admin = await funded(house)

    for code, amount in [(code, amount) for code, amounts in NOT_AMOUNTS.items() for amount in amounts]:
        response = await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": amount})

        problem = response.json()
        assert (amount, response.status_code, problem["code"]) == (amount, 422, code)
        assert [field["field"] for field in problem["fields"]] == ["amount"]
        assert list(problem["facts"].values()) == BOUNDS[code]
    assert (await see(admin, "pool"))["balance"] == "500.00"


async def test_the_same_key_moves_once_and_gets_the_first_answer_again(house: TestOffice) -> None:
    place, admin = await funded(house)

    first = await allocated(admin, place, "10", **{"idempotency-key": "june-1"})
    again = await allocated(admin, place, "10", **{"idempotency-key": "june-1"})
    other = await allocated(admin, place, "11", **{"idempotency-key": "june-1"})
    malformed = await allocated(admin, place, "11", **{"idempotency-key": "x" * 201})

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert (malformed.status_code, malformed.json()["code"]) == (422, "key_malformed")
    assert (await see(admin, "pool"))["balance"] == "490.00"


async def test_a_repeated_move_leaves_one_event(house: TestOffice) -> None:
    place, admin = await funded(house)
    for _ in range(3):
        await allocated(admin, place, "10", **{"idempotency-key": "june-1"})

    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id.hex}}}'")
        rows = await connection.fetch("select actor_id, note, detail from events where kind = 'allocation'")

    assert [(row["actor_id"], row["note"], row["detail"]) for row in rows] == [
        (place.admin.member_id, "for June", '{"amount": "10.00"}')
    ]


async def test_a_hold_with_a_key_is_opened_once(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place, "50")
    member = await house.signed_in("acme-member")

    responses = await asyncio.gather(
        *(member.post("/api/v1/holds", json={"amount": "5"}, headers={"idempotency-key": "call-7"}) for _ in range(8))
    )
    other = await member.post("/api/v1/holds", json={"amount": "6"}, headers={"idempotency-key": "call-7"})

    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 1
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert (await see(admin, f"members/{place.member_id}"))["held"] == "5.00"


async def test_a_hold_beyond_what_is_left_is_refused_with_402(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place, "5")
    member = await house.signed_in("acme-member")

    response = await member.post("/api/v1/holds", json={"amount": "5.000001"})

    assert response.status_code == 402
    problem = response.json()
    assert problem["code"] == "insufficient_quota"
    assert problem["may_retry"] is True
    assert (problem["facts"]["available"], problem["facts"]["asked"]) == ("5.00", "5.000001")


async def test_racing_holds_never_exceed_what_is_left(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place, "10")
    member = await house.signed_in("acme-member")

    responses = await asyncio.gather(*(member.post("/api/v1/holds", json={"amount": "1"}) for _ in range(40)))

    codes = [response.status_code for response in responses]
    assert (codes.count(201), codes.count(402)) == (10, 30)


async def test_a_hold_ends_once(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place, "50")
    member = await house.signed_in("acme-member")
    hold_id = (await member.post("/api/v1/holds", json={"amount": "5"})).json()["id"]

    extended = await member.post(f"/api/v1/holds/{hold_id}/extend", json={"seconds": 7200})
    voided = await member.post(f"/api/v1/holds/{hold_id}/void")
    again = await member.post(f"/api/v1/holds/{hold_id}/void")
    late = await member.post(f"/api/v1/holds/{hold_id}/settle", json={"cost": "1"})
    shown = await see(member, f"holds/{hold_id}")

    assert extended.status_code == 200
    assert (voided.status_code, voided.json()["state"]) == (200, "voided")
    assert again.json() == voided.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (late.status_code, late.json()["code"]) == (409, "hold_voided")
    assert (shown["state"], shown["charged"], shown["overrun"]) == ("voided", "0.00", "0.00")


async def test_a_settlement_above_its_hold_may_leave_a_debt(house: TestOffice) -> None:
    place, admin = await funded(house)
    await allocated(admin, place, "12")
    member = await house.signed_in("acme-member")
    hold_id = (await member.post("/api/v1/holds", json={"amount": "12"})).json()["id"]

    settled = await member.post(f"/api/v1/holds/{hold_id}/settle", json={"cost": "17"})

    assert (settled.json()["charged"], settled.json()["overrun"]) == ("17.00", "5.00")
    assert (await see(member, "session"))["remaining"] == "-5.00"


async def test_a_reset_renews_the_cycle_once(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    admin = await house.signed_in("acme-admin")
    before = await see(admin, "cycle")

    first = await admin.post("/api/v1/cycle/reset", json={"epoch": before["epoch"]})
    again = await admin.post("/api/v1/cycle/reset", json={"epoch": before["epoch"]})
    ahead = await admin.post("/api/v1/cycle/reset", json={"epoch": 99})

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["epoch"] == again.json()["epoch"] == before["epoch"] + 1
    assert (ahead.status_code, ahead.json()["code"]) == (409, "cycle_changed")
    assert (await see(admin, "cycle"))["undistributed"] == "1000.00"
    assert place.tenant_id


async def test_transactions_show_both_sides_newest_first_page_by_page(house: TestOffice) -> None:
    place, admin = await funded(house)
    for amount in ("1", "2", "3"):
        await allocated(admin, place, amount)

    first = await see(admin, "transactions?limit=3")
    second = await see(admin, f"transactions?limit=3&cursor={first['next_cursor']}")
    mine = await see(admin, f"members/{place.member_id}/transactions")

    assert [row["amount"] for row in first["transactions"]] == ["-3.00", "-2.00", "-1.00"]
    assert [row["kind"] for row in second["transactions"]] == ["grant"]
    assert second["next_cursor"] is None
    newest = first["transactions"][0]
    assert (newest["label"], newest["tag"], newest["note"], newest["operator"]["name"]) == (
        "Allocation", "blue", "for June", "Acme Admin",
    )  # fmt: skip
    assert (newest["before"], newest["after"]) == ("497.00", "494.00")
    assert newest["related"]["id"] == place.member_id
    assert [(row["amount"], row["after"]) for row in mine["transactions"]] == [
        ("3.00", "6.00"), ("2.00", "3.00"), ("1.00", "1.00"),
    ]  # fmt: skip
