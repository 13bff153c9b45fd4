"""Buying credits over HTTP, as tests of its rules ask for it."""

from __future__ import annotations

from typing import Any

import httpx

PURCHASES = "/api/v1/purchases"
PLATFORM_PURCHASES = "/api/v1/platform-purchases"
PLATFORM_SETTINGS = "/api/v1/platform-settings"
TERMS = "/api/v1/purchase-terms"
HOW_TO_PAY = "Acme Bank, account 12 34 56\nReference: the number of your order"


async def selling(root: httpx.AsyncClient, credit_price: str = "0.01", currency: str = "EUR", **more: Any) -> None:
    """From now on credits are for sale."""
    body = {"credit_price": credit_price, "currency": currency, "payment_instructions": HOW_TO_PAY, **more}
    response = await root.patch(PLATFORM_SETTINGS, json=body)
    assert response.status_code == 200, response.text


async def ask_for(client: httpx.AsyncClient, amount: str, *, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(PURCHASES, json={"amount": amount, **more}, headers=headers)


async def ordered(client: httpx.AsyncClient, amount: str = "1000", **more: Any) -> dict[str, Any]:
    """An order that waits to be paid."""
    response = await ask_for(client, amount, **more)
    assert response.status_code == 201, response.text
    order: dict[str, Any] = response.json()
    return order


async def ended(
    client: httpx.AsyncClient, order: dict[str, Any], how: str, tenant_id: str | None, *, key: str | None = None,
    note: str | None = None,
) -> httpx.Response:  # fmt: skip
    """The answer to whoever confirms, cancels or withdraws; only a super admin names the tenant."""
    headers = {} if key is None else {"Idempotency-Key": key}
    query = {} if tenant_id is None else {"tenant_id": tenant_id}
    return await client.post(f"{PURCHASES}/{order['id']}/{how}", params=query, json={"note": note}, headers=headers)


async def looked_at(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    response = await client.get(path, params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer
