"""A tenant whose credits moved in every way that its lists can tell of, and the lists as tests read them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from bursar.db.transaction import writing
from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id, public_id
from bursar.ledger import Answer, Command, Reverse, Transfer, post
from bursar.outside.identity import new_uuid
from tests.support.offices import Place, TestOffice

API = "/api/v1"

Seen = dict[str, Any]


@dataclass
class Lists:
    """A tenant with credits in its pool, its tenant admin signed in, and the member's client."""

    house: TestOffice
    place: Place
    admin: httpx.AsyncClient
    member: httpx.AsyncClient

    @property
    def tenant_id(self) -> UUID:
        return self.place.tenant.tenant_id

    async def moved(self, path: str, amount: str, note: str | None = None, **to: str) -> str:
        """The id of an allocation or reclaim, of the member unless somebody else is named."""
        body = {**(to or {"member_id": self.place.member_id}), "amount": amount, "note": note}
        response = await self.admin.post(f"{API}/{path}", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def spent(self, client: httpx.AsyncClient, cost: str) -> str:
        """The id of the hold of a call that cost so much."""
        hold = (await client.post(f"{API}/holds", json={"amount": cost})).json()
        settled = await client.post(f"{API}/holds/{hold['id']}/settle", json={"cost": cost})
        assert settled.status_code == 200, settled.text
        return str(hold["id"])

    async def posted(self, commands: list[Command]) -> list[Answer]:
        """What the books answer to commands in one transaction."""
        async with writing(self.house.desk.tenants, self.tenant_id) as transaction:
            outcomes = await post(transaction, self.tenant_id, commands, self.house.clock.of_ledger)
        return [outcome.unwrap() for outcome in outcomes]

    async def reversed(self, transfer_id: str) -> str:
        """The id of the transfer that took this one back."""
        reversal_id, taken_back = new_uuid(), parse_public_id("transfer", transfer_id, field="x")
        await self.posted(
            [Reverse(actor_id=self.place.admin.member_id, transfer_id=reversal_id, reverses_id=taken_back)]
        )
        return public_id("transfer", reversal_id)

    async def allocated_often(self, times: int) -> None:
        """So many allocations of one credit, as one batch."""
        await self.posted(
            [
                Transfer(
                    actor_id=self.place.admin.member_id,
                    transfer_id=new_uuid(),
                    kind="allocation",
                    amount=Credits(1_000_000),
                    member_id=self.place.member.member_id,
                    note=f"Number {number}",
                )
                for number in range(times)
            ]
        )

    async def of_pool(self, **asked: Any) -> list[Seen]:
        """The pool's list, page by page."""
        return await all_pages(self.admin, "transactions", **asked)

    async def of_member(self, **asked: Any) -> list[Seen]:
        """The member's own list, as the member sees it."""
        return await all_pages(self.member, "own-transactions", **asked)


async def lists(house: TestOffice, *, pool: str = "500", per_cycle: str = "0") -> Lists:
    """A tenant with so much in its pool."""
    place = await house.tenant(per_cycle=per_cycle)
    await house.granted(place, pool)
    return Lists(house, place, await house.signed_in("acme-admin"), await house.signed_in("acme-member"))


async def all_pages(client: httpx.AsyncClient, path: str, **asked: Any) -> list[Seen]:
    """All rows of a list, newest first."""
    rows: list[Seen] = []
    cursor = None
    while True:
        query = {**asked, **({"cursor": cursor} if cursor else {})}
        response = await client.get(f"{API}/{path}", params=query)
        assert response.status_code == 200, response.text
        page = response.json()
        assert len(page["transactions"]) <= int(asked.get("limit", 50))
        rows += page["transactions"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


async def file_rows(client: httpx.AsyncClient, path: str, **asked: Any) -> list[dict[str, str]]:
    """The rows of a list as its file has them."""
    response = await client.get(f"{API}/{path}", params=asked)
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), strict=True))
