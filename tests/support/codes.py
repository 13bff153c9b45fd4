"""Redemption codes over HTTP, as tests of their rules ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from bursar.domain.codes import CHANCE_BITS, written_code
from bursar.ledger import verify
from bursar.outside.secrets import new_number
from tests.support.offices import Place, TestOffice

CODES = "/api/v1/redemption-codes"
REDEMPTIONS = "/api/v1/redemptions"


async def issued(root: httpx.AsyncClient, count: int = 1, value: str = "25", **more: Any) -> dict[str, Any]:
    response = await root.post(CODES, json={"count": count, "value": value, **more})
    assert response.status_code == 201, response.text
    batch: dict[str, Any] = response.json()
    return batch


async def one_code(root: httpx.AsyncClient, **more: Any) -> str:
    (code,) = (await issued(root, **more))["codes"]
    return str(code["code"])


async def redeemed(client: httpx.AsyncClient, code: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(REDEMPTIONS, json={"code": code}, headers=headers)


async def pool_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/api/v1/pool")).json()["balance"])


async def listed(root: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await root.get(CODES, params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def check_books(house: TestOffice, *places: Place) -> None:
    for place in places:
        report = await verify(house.desk.tenants, place.tenant.tenant_id)
        assert report.is_green, str(report)


def codes_of(answers: Sequence[httpx.Response]) -> list[str]:
    return sorted(answer.json().get("code", "redeemed") for answer in answers)


def a_guess() -> str:
    """A code that is written as it should be and that nobody issued."""
    return written_code(new_number(bits=CHANCE_BITS))
