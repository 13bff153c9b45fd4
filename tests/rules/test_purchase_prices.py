"""docs/rules/purchases.md, example by example: what credits cost, and what an order comes to."""

from __future__ import annotations

from typing import Any

import pytest

from bursar.domain.credits import AMOUNT_MAX_MICRO, Credits, parse_typed
from bursar.domain.currencies import PRICE_WHOLE_MAX, parse_price, total_of
from tests.support.offices import TestOffice
from tests.support.purchases import PLATFORM_SETTINGS, PURCHASES, TERMS, ask_for, looked_at, ordered, selling
from tests.support.rows import rows_of_everything


@pytest.mark.rule("PURCHASE-1")
async def test_nothing_is_for_sale_until_the_platform_sets_a_price(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    refused = await ask_for(admin, "100")

    assert await looked_at(root, PLATFORM_SETTINGS) == {
        "currency": "USD", "credit_price": "0.00", "sells_credits": False, "purchase_min": "0.01",
        "purchase_max": None, "payment_instructions": None, "unpriced_models": "refuse",
    }  # fmt: skip
    assert (await looked_at(admin, TERMS))["sells_credits"] is False
    assert (refused.status_code, refused.json()["code"]) == (409, "purchases_closed")
    assert await rows_of_everything(house) == before
    await selling(root)
    assert (await ask_for(admin, "100")).status_code == 201


@pytest.mark.rule("PURCHASE-1")
async def test_settings_are_changed_as_named_and_told_in_the_platforms_audit_log(house: TestOffice) -> None:
    root = await house.super_admin()

    first = await root.patch(
        PLATFORM_SETTINGS,
        json={"currency": "EUR", "credit_price": "0.012345678", "purchase_min": "10", "purchase_max": "5000"},
    )
    second = await root.patch(PLATFORM_SETTINGS, json={"purchase_max": None, "payment_instructions": " Two\r\nlines "})
    same = await root.patch(PLATFORM_SETTINGS, json={"credit_price": "0.012345678"})

    assert first.status_code == 200, first.text
    assert second.json() == same.json() == {
        "currency": "EUR", "credit_price": "0.012345678", "sells_credits": True, "purchase_min": "10.00",
        "purchase_max": None, "payment_instructions": "Two\nlines", "unpriced_models": "refuse",
    }  # fmt: skip
    log = (await looked_at(root, "/api/v1/platform/audit", kind="platform_settings_changed"))["events"]
    told = [{change["field"]: (change["before"], change["after"]) for change in event["changes"]} for event in log]
    assert told == [
        {"purchase_max": ("5000.00", None), "payment_instructions": (None, "Two\nlines")},
        {
            "currency": ("USD", "EUR"),
            "credit_price": ("0.00", "0.012345678"),
            "purchase_min": ("0.01", "10.00"),
            "purchase_max": (None, "5000.00"),
        },
    ]


@pytest.mark.rule("PURCHASE-1")
@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"credit_price": "0.0123456789"}, "credit_price", "invalid_input"),
        ({"credit_price": "1000000"}, "credit_price", "invalid_input"),
        ({"credit_price": "-1"}, "credit_price", "invalid_input"),
        ({"credit_price": "1e3"}, "credit_price", "invalid_input"),
        ({"credit_price": 0.01}, "credit_price", "invalid_input"),
        ({"currency": "USD"}, "credit_price", "invalid_input"),
        ({"currency": "eur", "credit_price": "1"}, "currency", "invalid_input"),
        ({"currency": "CLF", "credit_price": "1"}, "currency", "invalid_input"),
        ({"purchase_min": "0"}, "purchase_min", "amount_too_small"),
        ({"purchase_min": "0.001"}, "purchase_min", "amount_too_fine"),
        ({"purchase_min": "1000000000.01"}, "purchase_min", "amount_too_large"),
        ({"purchase_max": "9.99"}, "purchase_max", "invalid_input"),
        ({"payment_instructions": "a\tb"}, "payment_instructions", "invalid_input"),
        ({"payment_instructions": "x" * 2001}, "payment_instructions", "invalid_input"),
        ({"colour": "red"}, "colour", "invalid_input"),
    ],
)
async def test_settings_that_cannot_be_are_refused_with_their_field(
    house: TestOffice, change: dict[str, Any], field: str, code: str
) -> None:
    root = await house.super_admin()
    await selling(root, purchase_min="10")
    before = await rows_of_everything(house)

    refused = await root.patch(PLATFORM_SETTINGS, json=change)

    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, field), refused.text
    assert refused.json()["fields"][0]["code"] == code
    assert await rows_of_everything(house) == before


@pytest.mark.rule("PURCHASE-2")
@pytest.mark.parametrize(
    ("amount", "price", "currency", "total"),
    [
        ("1000", "0.01", "EUR", "10.00"),
        ("0.01", "0.000000001", "EUR", "0.01"),
        ("333.33", "0.01", "USD", "3.34"),
        ("100", "0.0333", "USD", "3.33"),
        ("100.01", "0.0333", "USD", "3.34"),
        ("1000", "1.5", "JPY", "1500"),
        ("0.01", "1.5", "JPY", "1"),
        ("1001", "1.5", "KRW", "1502"),
        ("1000", "0.003", "KWD", "3.000"),
        ("1000.01", "0.003", "KWD", "3.001"),
        ("0.34", "0.003", "TND", "0.002"),
        ("1000000000", "999999", "BHD", "999999000000000.000"),
    ],
)
def test_a_total_is_rounded_up_to_the_smallest_coin(amount: str, price: str, currency: str, total: str) -> None:
    credit_price = parse_price(price, currency, field="price")

    assert str(total_of(parse_typed(amount, field="amount"), credit_price)) == total


@pytest.mark.rule("PURCHASE-2")
async def test_the_dearest_order_there_can_be_is_kept_exactly(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root, str(PRICE_WHOLE_MAX), "BHD")

    order = await ordered(admin, str(Credits(AMOUNT_MAX_MICRO)))

    assert (order["total"], order["currency"]) == ("999999000000000.000", "BHD")
    assert await looked_at(admin, f"{PURCHASES}/{order['id']}") == order
