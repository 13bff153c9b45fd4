"""Credit requests over HTTP, as tests of their rules ask for them, and groups with a budget and a reserve."""

from __future__ import annotations

from typing import Any

import httpx

from bursar.db.transaction import writing
from bursar.domain.credits import parse_level
from bursar.domain.ids import parse_public_id
from bursar.ledger import Command, SetGroupMonthly, SetMemberMonthly, ShareGroup, post
from bursar.outside.identity import new_uuid
from bursar.store.groups import update_auto_approve
from tests.support.offices import PASSWORD, Place, TestOffice

REQUESTS = "/api/v1/credit-requests"
OWN = "/api/v1/own-credit-requests"


async def asked_for(client: httpx.AsyncClient, amount: str, reason: str = "For the launch") -> httpx.Response:
    return await client.post(REQUESTS, json={"amount": amount, "reason": reason})


async def waiting(client: httpx.AsyncClient, amount: str = "50", reason: str = "For the launch") -> str:
    """The id of a request of this member that waits to be decided."""
    answer = await asked_for(client, amount, reason)
    assert (answer.status_code, answer.json()["status"]) == (201, "pending"), answer.text
    return str(answer.json()["id"])


async def approved(
    client: httpx.AsyncClient, request_id: str, amount: str, source: str = "group", **more: Any
) -> httpx.Response:
    key = more.pop("key", None)
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"amount": amount, "source": source, **more}
    return await client.post(f"{REQUESTS}/{request_id}/approve", json=body, headers=headers)


async def denied(
    client: httpx.AsyncClient, request_id: str, note: str | None = "Not now", key: str | None = None
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(f"{REQUESTS}/{request_id}/deny", json={"note": note}, headers=headers)


async def seen(client: httpx.AsyncClient, path: str = REQUESTS, **query: Any) -> Any:
    """What is shown at this path; a path that does not begin with a slash is below the API's."""
    response = await client.get(path if path.startswith("/") else f"/api/v1/{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def status_of(client: httpx.AsyncClient, request_id: str) -> str:
    return str((await seen(client, f"{REQUESTS}/{request_id}"))["status"])


async def budgeted(
    house: TestOffice, place: Place, *, group_id: str | None = None, monthly: str = "0", reserve: str = "0"
) -> None:
    """Gives a group its budget per cycle and its reserve; Default, if none is named."""
    identity = parse_public_id("group", group_id or place.group_id, field="group_id")
    amount = parse_level(monthly, field="monthly")
    await _posted(
        house, place, SetGroupMonthly(actor_id=None, transfer_id=new_uuid(), group_id=identity, monthly=amount)
    )
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        left = parse_level(reserve, field="reserve")
        await update_auto_approve(transaction, place.tenant.tenant_id, identity, left)


async def with_allowance(house: TestOffice, place: Place, member_id: str, monthly: str) -> None:
    """Gives a member an allowance per cycle."""
    identity, amount = parse_public_id("member", member_id, field="member_id"), parse_level(monthly, field="monthly")
    await _posted(
        house, place, SetMemberMonthly(actor_id=None, transfer_id=new_uuid(), member_id=identity, monthly=amount)
    )


async def shared(house: TestOffice, place: Place) -> None:
    """Lets the members of Default spend the group's own credits as well."""
    await _posted(house, place, ShareGroup(actor_id=None, group_id=place.member.group_id, is_shared=True))


async def colleague(admin: httpx.AsyncClient, username: str, **more: Any) -> dict[str, Any]:
    """Another member of the tenant."""
    body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD, **more}
    made = await admin.post("/api/v1/members", json=body)
    assert made.status_code == 201, made.text
    member: dict[str, Any] = made.json()
    return member


async def given_to_group(admin: httpx.AsyncClient, group_id: str, amount: str) -> None:
    """Pool credits in the group's balance."""
    given = await admin.post("/api/v1/allocations", json={"group_id": group_id, "amount": amount})
    assert given.status_code == 201, given.text


async def _posted(house: TestOffice, place: Place, command: Command) -> None:
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        (outcome,) = await post(transaction, place.tenant.tenant_id, [command], house.desk.clock.of_ledger)
        outcome.unwrap()
