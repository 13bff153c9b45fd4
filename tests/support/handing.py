"""Credits handed out and taken back over HTTP, and what is seen of them, as tests of several pages do it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.offices import PASSWORD, Place, TestOffice


async def funded(house: TestOffice, amount: str = "100") -> tuple[Place, httpx.AsyncClient]:
    """A tenant with credits in its pool and none per cycle, and its tenant admin signed in."""
    place = await house.tenant(per_cycle="0")
    if amount != "0":
        await house.granted(place, amount)
    return place, await house.signed_in("acme-admin")


async def see(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def pool(client: httpx.AsyncClient) -> str:
    """What is in the pool."""
    return str((await see(client, "pool"))["balance"])


async def of_member(client: httpx.AsyncClient, member_id: str, figure: str = "balance") -> str:
    """One figure of a member."""
    return str((await see(client, f"members/{member_id}"))[figure])


async def allocated(client: httpx.AsyncClient, member_id: str, amount: Any, **more: Any) -> httpx.Response:
    return await client.post("/api/v1/allocations", json={"member_id": member_id, "amount": amount, **more})


async def reclaimed(client: httpx.AsyncClient, member_id: str, amount: Any, **more: Any) -> httpx.Response:
    return await client.post("/api/v1/reclaims", json={"member_id": member_id, "amount": amount, **more})


async def reversed_(client: httpx.AsyncClient, movement: httpx.Response, **more: Any) -> httpx.Response:
    """The answer to taking back what another answer told of."""
    return await client.post(f"/api/v1/transactions/{movement.json()['id']}/reversal", json=more)


async def set_to(client: httpx.AsyncClient, member_id: str, remaining: Any, seen: Any, **more: Any) -> httpx.Response:
    body = {"remaining": remaining, "seen": seen, **more}
    return await client.put(f"/api/v1/members/{member_id}/remaining", json=body)


async def joined(client: httpx.AsyncClient, username: str, **draft: Any) -> httpx.Response:
    """The answer to making somebody a member."""
    body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD, **draft}
    return await client.post("/api/v1/members", json=body)


async def used(client: httpx.AsyncClient, cost: str, *, held: str | None = None) -> None:
    """A call of whoever asks, that cost so much and was held at so much or the same."""
    hold = await client.post("/api/v1/holds", json={"amount": held or cost})
    assert hold.status_code == 201, hold.text
    settled = await client.post(f"/api/v1/holds/{hold.json()['id']}/settle", json={"cost": cost})
    assert settled.status_code == 200, settled.text


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "done")
