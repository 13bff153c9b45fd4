"""Inviting and accepting over HTTP, as tests of several pages do it."""

from __future__ import annotations

from typing import Any

import httpx

from bursar.db.transaction import writing
from tests.support.offices import PASSWORD, Place, TestOffice

EVE = "eve@example.com"


async def invited(client: httpx.AsyncClient, email: str = EVE, **draft: Any) -> dict[str, Any]:
    """The answer to an invitation that was sent."""
    response = await client.post("/api/v1/invitations", json={"email": email, **draft})
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def token_in(answer: dict[str, Any]) -> str:
    """The token of the link in an answer."""
    site, token = answer["link"].split("/invite#")
    assert site.startswith("http://127.0.0.1:")
    assert len(token) >= 40
    return str(token)


async def accepted(visitor: httpx.AsyncClient, token: str, key: str | None = None, **draft: Any) -> httpx.Response:
    body = {"token": token, "username": "eve", "password": PASSWORD, **draft}
    headers = {} if key is None else {"Idempotency-Key": key}
    return await visitor.post("/api/v1/invitation-acceptance", json=body, headers=headers)


async def looked_up(house: TestOffice, token: str) -> httpx.Response:
    return await house.visitor().post("/api/v1/invitation-look-up", json={"token": token})


async def kinds_of_events(house: TestOffice, place: Place, subject: str) -> list[str]:
    """The kinds of the events about invitations, oldest first."""
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        rows = await transaction.fetch(
            "select kind from events where tenant_id = $1 and subject_kind = $2 order by event_id",
            place.tenant.tenant_id,
            subject,
        )
    return [row["kind"] for row in rows]


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]
