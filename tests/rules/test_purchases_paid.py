"""docs/rules/purchases.md, example by example: how orders end, whoever says so and however many at once."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from bursar.db.transaction import writing
from bursar.domain.credits import AMOUNT_MAX_MICRO, TOTAL_MAX_MICRO, Credits, parse_typed
from bursar.ledger import Transfer, post
from bursar.outside.identity import new_uuid
from tests.support.codes import check_books, pool_of
from tests.support.losses import planted_loss, taken_out
from tests.support.offices import TestOffice
from tests.support.purchases import PURCHASES, ended, looked_at, ordered, selling
from tests.support.rows import rows_of_everything


@pytest.mark.rule("PURCHASE-6")
async def test_a_paid_order_brings_its_credits_to_the_pool_and_to_nobody(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "1250.50")
    pool, member = await looked_at(admin, "/api/v1/pool"), await looked_at(admin, f"/api/v1/members/{place.member_id}")

    paid = await ended(root, order_made, "confirm", place.tenant_id, note="Statement 7")
    again = await ended(root, order_made, "confirm", place.tenant_id)

    assert paid.status_code == 200, paid.text
    assert (paid.json()["status"], paid.json()["decision_note"]) == ("paid", "Statement 7")
    assert (again.status_code, again.json()["code"]) == (409, "purchase_decided")
    assert again.json()["facts"] == {"status": "paid"}
    after = await looked_at(admin, "/api/v1/pool")
    gained = {name for name in pool if after[name] != pool[name]}
    assert gained == {"balance", "purchased", "available", "unassigned"}
    assert {micro_of(after[name]) - micro_of(pool[name]) for name in gained} == {1_250_500_000}
    assert await looked_at(admin, f"/api/v1/members/{place.member_id}") == member
    newest = (await looked_at(admin, "/api/v1/transactions"))["transactions"][0]
    assert (newest["id"], newest["kind"], newest["label"]) == (paid.json()["transfer_id"], "purchase", "Purchase")
    assert (newest["before"], newest["after"], newest["note"]) == ("100.00", "1350.50", "Order 1")
    assert newest["operator"]["name"] == "Super admin"
    await check_books(house, place)


def micro_of(text: str) -> int:
    """An amount of an answer, in micro-credits."""
    return parse_typed(text, field="amount").micro


@pytest.mark.rule("PURCHASE-6", "PURCHASE-7")
async def test_what_happened_to_an_order_is_in_the_tenants_audit_log_with_its_figures(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    paid, cancelled = await ordered(admin), await ordered(admin, "50")
    await ended(root, paid, "confirm", place.tenant_id, note="Statement 7")
    await ended(root, cancelled, "cancel", place.tenant_id, note="Never paid")

    events = {
        kind: (await looked_at(admin, "/api/v1/audit", kind=kind))["events"][0]
        for kind in ("purchase_paid", "purchase_cancelled")
    }

    told = {
        kind: (
            event["note"],
            event["object"]["id"],
            {change["field"]: (change["before"], change["after"]) for change in event["changes"]},
        )
        for kind, event in events.items()
    }
    assert told == {
        "purchase_paid": (
            "Statement 7", paid["id"], {"pool": ("0.00", "1000.00"), "status": ("pending", "paid")},
        ),
        "purchase_cancelled": ("Never paid", cancelled["id"], {"status": ("pending", "cancelled")}),
    }  # fmt: skip
    facts = events["purchase_paid"]["detail"]
    assert facts == {"number": "1", "amount": "1000.00", "credit_price": "0.01", "currency": "EUR", "total": "10.00"}


@pytest.mark.rule("PURCHASE-6")
async def test_of_many_who_confirm_at_once_one_does_and_the_pool_has_it_once(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    for round_number in range(1, 4):
        order_made = await ordered(admin, "40")

        answers = await asyncio.gather(*(ended(root, order_made, "confirm", place.tenant_id) for _ in range(20)))

        assert outcomes(answers) == {"paid": 1, "purchase_decided": 19}
        assert await pool_of(admin) == f"{40 * round_number}.00"
    await check_books(house, place)


@pytest.mark.rule("PURCHASE-6")
async def test_a_confirmation_sent_again_gets_the_first_answer(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "40")

    twins = await asyncio.gather(*(ended(root, order_made, "confirm", place.tenant_id, key="once") for _ in range(8)))
    another = await ended(root, order_made, "cancel", place.tenant_id, key="another")

    assert {(twin.status_code, twin.content) for twin in twins} == {(200, twins[0].content)}
    assert Counter(twin.headers.get("Idempotent-Replayed") for twin in twins) == {"true": 7, None: 1}
    assert another.json()["code"] == "purchase_decided"
    assert await pool_of(admin) == "40.00"


@pytest.mark.rule("PURCHASE-6", "PURCHASE-7")
async def test_of_confirming_cancelling_and_withdrawing_at_once_one_counts(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    expected = 0
    for _ in range(5):
        order_made = await ordered(admin, "40")

        answers = await asyncio.gather(
            *(
                ended(client, order_made, how, tenant_id)
                for _ in range(4)
                for client, how, tenant_id in (
                    (root, "confirm", place.tenant_id),
                    (root, "cancel", place.tenant_id),
                    (admin, "withdraw", None),
                )
            )
        )

        found = outcomes(answers)
        assert found["purchase_decided"] == 11
        kept = await looked_at(admin, f"{PURCHASES}/{order_made['id']}")
        assert found[kept["status"]] == 1
        expected += 40 * (kept["status"] == "paid")
        assert (kept["transfer_id"] is not None) == (kept["status"] == "paid")
        assert await pool_of(admin) == f"{expected}.00"
    await check_books(house, place)


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(answer.json().get("code") or answer.json()["status"] for answer in answers)


@pytest.mark.rule("PURCHASE-6")
@pytest.mark.parametrize("table", ["ledger_journal", "purchases", "events", "outbox", "remembered_answers"])
async def test_a_connection_lost_in_the_middle_leaves_the_order_waiting_and_the_pool_as_it_was(
    house: TestOffice, table: str
) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "40")
    before = await rows_of_everything(house)
    await planted_loss(house, table)

    lost = await ended(root, order_made, "confirm", place.tenant_id, key="once")

    assert lost.status_code >= 500
    await taken_out(house, table)
    assert await rows_of_everything(house) == before
    assert (await ended(root, order_made, "confirm", place.tenant_id, key="once")).status_code == 200
    assert await pool_of(admin) == "40.00"
    await check_books(house, place)


@pytest.mark.rule("PURCHASE-6")
async def test_an_order_that_the_pool_cannot_hold_goes_on_waiting(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "1000000000")
    grants = [
        Transfer(actor_id=None, transfer_id=new_uuid(), kind="grant", amount=Credits(AMOUNT_MAX_MICRO))
        for _ in range(TOTAL_MAX_MICRO // AMOUNT_MAX_MICRO)
    ]
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        await post(transaction, place.tenant.tenant_id, grants, house.desk.clock.of_ledger)

    refused = await ended(root, order_made, "confirm", place.tenant_id)

    assert (refused.status_code, refused.json()["code"]) == (409, "total_too_large")
    assert (await looked_at(admin, f"{PURCHASES}/{order_made['id']}"))["status"] == "pending"


@pytest.mark.rule("PURCHASE-6")
async def test_an_order_of_a_suspended_tenant_can_be_confirmed(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "40")
    await root.post(f"/api/v1/tenants/{place.tenant_id}/suspend", json={})

    refused = await ended(admin, order_made, "withdraw", None)
    paid = await ended(root, order_made, "confirm", place.tenant_id)

    assert (refused.status_code, paid.status_code) == (403, 200)


@pytest.mark.rule("PURCHASE-7")
@pytest.mark.parametrize("how", ["cancel", "withdraw"])
async def test_a_cancelled_or_withdrawn_order_never_brings_credits(house: TestOffice, how: str) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "40")
    client, tenant_id = (root, place.tenant_id) if how == "cancel" else (admin, None)

    too_long = await ended(client, order_made, how, tenant_id, note="x" * 201)
    cancelled = await ended(client, order_made, how, tenant_id, note="A mistake")
    afterwards = [
        await ended(root, order_made, "confirm", place.tenant_id),
        await ended(root, order_made, "cancel", place.tenant_id),
        await ended(admin, order_made, "withdraw", None),
    ]

    assert (too_long.status_code, too_long.json()["fields"][0]["field"]) == (422, "note")
    assert cancelled.status_code == 200, cancelled.text
    assert (cancelled.json()["status"], cancelled.json()["decision_note"]) == ("cancelled", "A mistake")
    assert cancelled.json()["decided_by"] == ("Super admin" if how == "cancel" else "Acme Admin")
    assert {(answer.status_code, answer.json()["code"]) for answer in afterwards} == {(409, "purchase_decided")}
    assert await pool_of(admin) == "0.00"


@pytest.mark.rule("PURCHASE-7")
async def test_a_paid_order_is_not_taken_back(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    order_made = await ordered(admin, "40")
    await ended(root, order_made, "confirm", place.tenant_id)
    before = await rows_of_everything(house)

    answers = [
        await ended(root, order_made, "cancel", place.tenant_id),
        await ended(admin, order_made, "withdraw", None),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "purchase_decided")}
    assert await rows_of_everything(house) == before
