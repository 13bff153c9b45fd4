"""People of a story at the API: each asks in plain words, and is answered or refused.

Everything goes over HTTP, as the console and programs do it. What is unexpected fails at once with the whole answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from bursar.domain.ids import parse_public_id
from bursar.ledger import verify
from bursar.outside.identity import new_uuid
from tests.support.offices import PASSWORD, TestOffice

PREFIX = "/api/v1"
PAGE = 100


@dataclass(frozen=True)
class Caller:
    """Somebody with a session, or with a key."""

    client: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """What stands there."""
        return self._answered(await self.client.get(PREFIX + path, params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        """Done, under an idempotency key of its own."""
        return await self._sent("POST", path, body)

    async def put(self, path: str, body: Any) -> Any:
        """Set."""
        return await self._sent("PUT", path, body)

    async def patch(self, path: str, body: Any) -> Any:
        """Changed."""
        return await self._sent("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        """Deleted."""
        return await self._sent("DELETE", path, None)

    async def refused(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What is said to somebody who may not, or cannot: the problem document."""
        response = await self.client.request(method, PREFIX + path, json=body)
        assert 400 <= response.status_code < 500, response.text
        assert response.headers["content-type"] == "application/problem+json", response.text
        problem: dict[str, Any] = response.json()
        return problem

    async def spends(self, cost: str, *, held: str | None = None) -> dict[str, Any]:
        """Makes a call: sets aside what it may cost, and is charged what it did."""
        hold = await self.post("/holds", {"amount": held or cost})
        closed: dict[str, Any] = await self.post(f"/holds/{hold['id']}/settle", {"cost": cost})
        return closed

    async def _sent(self, method: str, path: str, body: Any) -> Any:
        key = {"Idempotency-Key": new_uuid().hex}
        return self._answered(await self.client.request(method, PREFIX + path, json=body, headers=key))

    @staticmethod
    def _answered(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
        if response.headers.get("content-type", "").startswith("application/json"):
            return response.json()
        return response.text


async def signed_in(house: TestOffice, name: str, password: str = PASSWORD) -> Caller:
    """Somebody who signed in at the one address for everybody."""
    return Caller(await house.signed_in(name, password))


async def new_tenant(
    root: Caller, name: str, *, admin: str, credits_per_cycle: str = "0", cadence: str = "calendar_month"
) -> str:
    """An organisation with its tenant admin; its id."""
    created = await root.post(
        "/tenants",
        {
            "name": name,
            "admin": {
                "username": admin, "display_name": admin.title(), "email": f"{admin}@example.com", "password": PASSWORD,
            },
            "cadence": cadence,
            "credits_per_cycle": credits_per_cycle,
            "credit_factor": "100",
        },
    )  # fmt: skip
    tenant_id: str = created["id"]
    return tenant_id


async def new_member(admin: Caller, username: str, **more: Any) -> dict[str, Any]:
    """Somebody added with a password, which is everybody's."""
    draft = {"username": username, "email": f"{username}@example.com", "password": PASSWORD, **more}
    member: dict[str, Any] = await admin.post("/members", draft)
    return member


async def check_books(house: TestOffice, tenant_id: str) -> None:
    """All that `bursar verify` looks at holds."""
    report = await verify(house.desk.tenants, parse_public_id("tenant", tenant_id, field="tenant_id"))
    assert report.is_green, str(report)
