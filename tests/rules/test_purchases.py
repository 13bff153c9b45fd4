"""docs/rules/purchases.md, example by example, over HTTP: what is ordered, and who may do what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bursar.domain.roles import Role
from tests.support.calls.scenes import fresh_member
from tests.support.offices import TestOffice
from tests.support.purchases import (
    HOW_TO_PAY,
    PLATFORM_PURCHASES,
    PLATFORM_SETTINGS,
    PURCHASES,
    TERMS,
    ask_for,
    ended,
    looked_at,
    ordered,
    selling,
)
from tests.support.rows import rows_of_everything


@pytest.mark.rule("PURCHASE-3")
async def test_an_order_says_how_to_pay_and_moves_nothing(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    before = await looked_at(admin, "/api/v1/pool")

    order = await ordered(admin, "1250.50", note="For the summer", seen_price="0.010", seen_currency="EUR")

    assert {name: order[name] for name in order if name not in ("id", "ordered_at")} == {
        "number": 1, "status": "pending", "amount": "1250.50", "credit_price": "0.01", "currency": "EUR",
        "total": "12.51", "provider": "invoice", "instructions": HOW_TO_PAY, "payment_link": None,
        "note": "For the summer", "ordered_by": "Acme Admin", "decided_by": None, "decided_at": None,
        "decision_note": None, "transfer_id": None,
    }  # fmt: skip
    assert await looked_at(admin, "/api/v1/pool") == before
    (event,) = (await looked_at(admin, "/api/v1/audit", kind="purchase_ordered"))["events"]
    assert (event["object"]["id"], event["object"]["name"], event["note"]) == (
        order["id"], "Order 1", "For the summer",
    )  # fmt: skip


@pytest.mark.rule("PURCHASE-3")
async def test_an_order_keeps_price_and_instructions_as_they_were(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order = await ordered(admin)

    await selling(root, "5", "JPY", payment_instructions="Elsewhere")
    await root.patch(PLATFORM_SETTINGS, json={"credit_price": "0", "purchase_min": "5000"})
    kept = await looked_at(admin, f"{PURCHASES}/{order['id']}")
    paid = await ended(root, order, "confirm", place.tenant_id)

    assert kept == order
    assert paid.status_code == 200, paid.text
    assert (paid.json()["total"], paid.json()["currency"], paid.json()["amount"]) == ("10.00", "EUR", "1000.00")


@pytest.mark.rule("PURCHASE-3")
@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"amount": "5", "seen_price": "0.02"}, 409, "figure_changed", "seen_price"),
        ({"amount": "5", "seen_price": "0.01", "seen_currency": "USD"}, 409, "figure_changed", "seen_currency"),
        ({"amount": "9.99", "seen_price": "0.01"}, 422, "purchase_too_small", "amount"),
        ({"amount": "500.01"}, 422, "purchase_too_large", "amount"),
        ({"amount": "0"}, 422, "amount_too_small", "amount"),
        ({"amount": "10.001"}, 422, "amount_too_fine", "amount"),
        ({"amount": 10}, 422, "amount_not_decimal", "amount"),
        ({"amount": "10", "note": "x" * 201}, 422, "invalid_input", "note"),
        ({"amount": "10", "seen_price": "cheap"}, 422, "invalid_input", "seen_price"),
        ({"amount": "10", "tenant": "other"}, 422, "invalid_input", "tenant"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_with_its_field_and_takes_no_number(
    house: TestOffice, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root, purchase_min="10", purchase_max="500")
    before = await rows_of_everything(house)

    refused = await admin.post(PURCHASES, json=body)

    problem = refused.json()
    assert (refused.status_code, problem["fields"][0]["code"], problem["fields"][0]["field"]) == (status, code, field)
    assert await rows_of_everything(house) == before
    assert (await ordered(admin, "10"))["number"] == 1
    assert (await ordered(admin, "500"))["number"] == 2


@pytest.mark.rule("PURCHASE-3")
async def test_a_price_that_changed_meanwhile_is_told_with_the_present_one(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root, "0.01")
    seen = (await looked_at(admin, TERMS))["credit_price"]
    await selling(root, "0.015")

    refused = await ask_for(admin, "100", seen_price=seen)
    again = await ask_for(admin, "100", seen_price=(await looked_at(admin, TERMS))["credit_price"])

    assert (refused.status_code, refused.json()["code"]) == (409, "figure_changed")
    assert refused.json()["facts"] == {"present": "0.015", "seen": "0.01"}
    assert (again.status_code, again.json()["total"]) == (201, "1.50")


@pytest.mark.rule("PURCHASE-4")
async def test_orders_made_at_once_are_numbered_without_a_gap_and_stop_at_twenty(house: TestOffice) -> None:
    await house.tenant("Acme")
    await house.tenant("Globex")
    root = await house.super_admin()
    admin, other = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    await selling(root)

    answers = await asyncio.gather(*(ask_for(admin, "10") for _ in range(24)))
    elsewhere = await ordered(other)

    made = [answer.json() for answer in answers if answer.status_code == 201]
    refused = {(answer.status_code, answer.json()["code"]) for answer in answers if answer.status_code != 201}
    assert sorted(order["number"] for order in made) == list(range(1, 21))
    assert refused == {(409, "too_many_purchases")}
    assert elsewhere["number"] == 1
    assert (await ended(admin, made[0], "withdraw", None)).status_code == 200
    assert (await ordered(admin))["number"] == 21
    assert (await ask_for(admin, "10")).status_code == 409


@pytest.mark.rule("PURCHASE-4")
async def test_an_order_sent_again_is_the_first_one(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)

    twins = await asyncio.gather(*(ask_for(admin, "10", key="once") for _ in range(5)))
    assert (await ended(root, twins[0].json(), "confirm", place.tenant_id)).status_code == 200
    await selling(root, "7", "JPY")
    late = await ask_for(admin, "10", key="once")
    reused = await ask_for(admin, "11", key="once")

    assert {(twin.status_code, twin.content) for twin in (*twins, late)} == {(201, twins[0].content)}
    assert late.headers["Idempotent-Replayed"] == "true"
    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")
    assert (await looked_at(admin, PURCHASES))["total"] == 1


@pytest.mark.rule("PURCHASE-9")
async def test_only_the_tenant_admin_buys_and_admins_see_what_was_bought(house: TestOffice) -> None:
    place = await house.tenant()
    await house.admin(place)
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    clerk, member = await house.signed_in("acme-deputy"), await house.signed_in("acme-member")
    await selling(root)
    order = await ordered(admin)

    for client in (clerk, member):
        for refused in (
            await ask_for(client, "10"),
            await ended(client, order, "withdraw", None),
            await ended(client, order, "confirm", None),
            await ended(client, order, "cancel", None),
            await client.get(PLATFORM_PURCHASES),
            await client.patch(PLATFORM_SETTINGS, json={"credit_price": "0.001"}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    for refused in (
        await ended(admin, order, "confirm", None),
        await ended(admin, order, "cancel", None),
        await admin.get(PLATFORM_SETTINGS),
        await root.post(PURCHASES, params={"tenant_id": place.tenant_id}, json={"amount": "10"}),
        await ended(root, order, "withdraw", place.tenant_id),
        await member.get(PURCHASES),
        await member.get(TERMS),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")

    assert (await looked_at(clerk, PURCHASES))["purchases"] == [order]
    assert (await looked_at(clerk, f"{PURCHASES}/{order['id']}")) == order
    assert (await looked_at(clerk, TERMS)) == {
        "sells_credits": True, "currency": "EUR", "currency_digits": 2, "credit_price": "0.01",
        "purchase_min": "0.01", "purchase_max": None,
    }  # fmt: skip


@pytest.mark.rule("PURCHASE-9")
async def test_another_tenants_order_is_unknown(house: TestOffice) -> None:
    place, globex = await house.tenant("Acme"), await house.tenant("Globex")
    root = await house.super_admin()
    admin, other = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    await selling(root)
    order = await ordered(admin)
    before = await rows_of_everything(house)

    answers = [
        await other.get(f"{PURCHASES}/{order['id']}"),
        await ended(other, order, "withdraw", None),
        await ended(root, order, "confirm", globex.tenant_id),
        await ended(root, order, "cancel", globex.tenant_id),
    ]
    nowhere = await ended(root, order, "confirm", f"ten_{1:032x}")
    unnamed = await ended(root, order, "confirm", None)

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "purchase_unknown")}
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "tenant_unknown")
    assert (unnamed.status_code, unnamed.json()["fields"][0]["field"]) == (422, "tenant_id")
    assert (await looked_at(other, PURCHASES))["purchases"] == []
    assert await rows_of_everything(house) == before
    assert (await ended(root, order, "confirm", place.tenant_id)).status_code == 200


@pytest.mark.rule("PURCHASE-9")
async def test_the_platform_sees_the_orders_of_all_page_by_page_and_by_status(house: TestOffice) -> None:
    acme, globex = await house.tenant("Acme"), await house.tenant("Globex")
    root = await house.super_admin()
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    await selling(root)
    made = [await ordered(client, f"{number}0") for number, client in enumerate((ours, theirs, ours, theirs, ours), 1)]
    await ended(root, made[0], "confirm", acme.tenant_id, note="Paid")
    await ended(theirs, made[1], "withdraw", None)

    pages, cursor = [], None
    while True:
        page = await looked_at(root, PLATFORM_PURCHASES, limit=2, **({} if cursor is None else {"cursor": cursor}))
        pages.append(page)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    waiting = await looked_at(root, PLATFORM_PURCHASES, status="pending")

    assert [len(page["purchases"]) for page in pages] == [2, 2, 1]
    assert {page["total"] for page in pages} == {5}
    rows = [row for page in pages for row in page["purchases"]]
    assert [row["id"] for row in rows] == [order["id"] for order in reversed(made)]
    assert [(row["tenant_name"], row["number"], row["status"], row["decided_by"]) for row in rows] == [
        ("Acme", 3, "pending", None),
        ("Globex", 2, "pending", None),
        ("Acme", 2, "pending", None),
        ("Globex", 1, "cancelled", "Globex Admin"),
        ("Acme", 1, "paid", "Root"),
    ]
    assert {row["tenant_id"] for row in rows} == {acme.tenant_id, globex.tenant_id}
    assert (waiting["total"], [row["id"] for row in waiting["purchases"]]) == (3, [row["id"] for row in rows[:3]])


@pytest.mark.rule("PURCHASE-9")
async def test_a_tenant_sees_its_own_orders_page_by_page_and_no_super_admins_name(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    made = [await ordered(admin, f"{number}0") for number in range(1, 4)]
    await ended(root, made[0], "confirm", place.tenant_id)

    first = await looked_at(admin, PURCHASES, limit=2)
    rest = await looked_at(admin, PURCHASES, limit=2, cursor=first["next_cursor"])
    paid = await looked_at(admin, PURCHASES, status="paid")
    forged = await admin.get(PURCHASES, params={"cursor": "WyJhIl0"})

    assert [order["number"] for order in (*first["purchases"], *rest["purchases"])] == [3, 2, 1]
    assert (first["total"], rest["next_cursor"]) == (3, None)
    assert [(order["number"], order["decided_by"]) for order in paid["purchases"]] == [(1, "Super admin")]
    assert (forged.status_code, forged.json()["fields"][0]["field"]) == (422, "cursor")


@pytest.mark.rule("PURCHASE-9")
async def test_orders_of_somebody_who_was_deleted_stay_under_a_number(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    await ordered(admin)
    await fresh_member(house, place, Role.TENANT_ADMIN)  # the last one cannot be removed
    gone = await root.delete(f"/api/v1/members/{place.admin_id}", params={"tenant_id": place.tenant_id})
    assert gone.status_code == 200, gone.text

    (row,) = (await looked_at(root, PLATFORM_PURCHASES))["purchases"]
    (own,) = (await looked_at(root, PURCHASES, tenant_id=place.tenant_id))["purchases"]

    assert row["ordered_by"] == own["ordered_by"] == f"Deleted member #{place.admin.number}"
