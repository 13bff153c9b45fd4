"""An application that meters: a tenant whose member has credits, and a key that spends on behalf of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from tests.support.keys import made_key, model_client
from tests.support.offices import Place, TestOffice


@dataclass(frozen=True)
class Meter:
    """A tenant whose member has credits, and an application with a key that meters for others."""

    house: TestOffice
    place: Place
    admin: httpx.AsyncClient
    application: httpx.AsyncClient
    secret: str

    async def post(self, path: str, *, key: str | None = None, **body: Any) -> httpx.Response:
        """Asked by the application, about the member."""
        headers = {} if key is None else {"idempotency-key": key}
        return await self.application.post(
            f"/api/v1{path}", json={"member_id": self.place.member_id, **body}, headers=headers
        )

    async def settle(self, hold: httpx.Response, **body: Any) -> httpx.Response:
        """Settled by the application."""
        assert hold.status_code == 201, hold.text
        return await self.application.post(f"/api/v1/holds/{hold.json()['id']}/settle", json=body)

    async def left(self) -> str:
        """What the member can spend."""
        answer = await self.application.get("/api/v1/spendable", params={"member_id": self.place.member_id})
        assert answer.status_code == 200, answer.text
        spendable: str = answer.json()["spendable"]
        return spendable

    async def factor(self, factor: str) -> None:
        """The tenant admin takes so many credits for a dollar."""
        answer = await self.admin.patch("/api/v1/settings", json={"credit_factor": factor})
        assert answer.status_code == 200, answer.text

    async def usage(self) -> list[dict[str, Any]]:
        """The rows of usage, oldest first."""
        connection = await asyncpg.connect(self.house.admin_url)
        try:
            await connection.execute("set search_path = bursar; set row_security = off")
            return [dict(row) for row in await connection.fetch("select * from calls order by batch_number, call_id")]
        finally:
            await connection.close()


async def metering(house: TestOffice, amount: str = "10") -> Meter:
    """A member with so many credits, and the key of a tenant admin."""
    place = await house.tenant()
    await house.granted(place, "1000")
    admin = await house.signed_in("acme-admin")
    given = await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": amount})
    assert given.status_code == 201, given.text
    key = await made_key(admin, "management", name="Reports")
    return Meter(house, place, admin, model_client(house, key["secret"]), key["secret"])
