"""Groups with budgets and members in them, put in place over HTTP as an admin would."""

from __future__ import annotations

from typing import Any

import httpx

from bursar.db.transaction import writing
from bursar.domain.credits import ZERO, Credits, parse_level
from bursar.domain.ids import parse_public_id
from bursar.ledger import Transfer, post
from bursar.outside.identity import new_uuid
from tests.support.offices import PASSWORD, Place, TestOffice
from tests.support.tenant_asking import seen

PREFIX = "/api/v1"


async def made_group(admin: httpx.AsyncClient, name: str, *, monthly: str = "0") -> str:
    """A new group with this budget; its id."""
    made = await admin.post(f"{PREFIX}/groups", json={"name": name})
    assert made.status_code == 201, made.text
    group_id: str = made.json()["id"]
    if monthly != "0":
        await done(admin, f"groups/{group_id}/monthly", monthly=monthly, seen="0")
    return group_id


async def made_member(admin: httpx.AsyncClient, username: str, group_id: str, *, monthly: str = "0") -> str:
    """A new member of the group with this allowance; the id. The password is everybody's."""
    body = {"username": username, "password": PASSWORD, "group_id": group_id, "display_name": username.title()}
    made = await admin.post(f"{PREFIX}/members", json=body)
    assert made.status_code == 201, made.text
    member_id: str = made.json()["id"]
    if monthly != "0":
        await done(admin, f"members/{member_id}/monthly", monthly=monthly, seen="0")
    return member_id


async def put(client: httpx.AsyncClient, path: str, *, key: str | None = None, **body: Any) -> httpx.Response:
    """The answer to setting something, asked under an idempotency key if there is one."""
    headers = None if key is None else {"Idempotency-Key": key}
    return await client.put(f"{PREFIX}/{path}", json=body, headers=headers)


async def done(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """What setting something that is to succeed answered."""
    answer = await put(client, path, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def row(client: httpx.AsyncClient, path: str, *columns: str) -> list[Any]:
    """These columns of a group or a member."""
    found = await seen(client, f"{PREFIX}/{path}")
    return [found[column] for column in columns]


async def called(client: httpx.AsyncClient, *, cost: str, hold: str | None = None) -> None:
    """A call of whoever has signed in, which held what it may cost, and cost this."""
    held = await client.post(f"{PREFIX}/holds", json={"amount": hold or cost})
    assert held.status_code == 201, held.text
    settled = await client.post(f"{PREFIX}/holds/{held.json()['id']}/settle", json={"cost": cost})
    assert settled.status_code == 200, settled.text


async def topped_up(house: TestOffice, place: Place, member_id: str, amount: str) -> None:
    """More allowance for a member in this cycle only, as an approved request gives it."""
    command = Transfer(
        actor_id=place.admin.member_id,
        transfer_id=new_uuid(),
        kind="cycle_top_up",
        amount=parse_level(amount, field="x"),
        member_id=parse_public_id("member", member_id, field="x"),
    )
    tenant_id = place.tenant.tenant_id
    async with writing(house.desk.tenants, tenant_id) as transaction:
        (outcome,) = await post(transaction, tenant_id, [command], house.clock.of_ledger)
        outcome.unwrap()


async def asked_for(
    house: TestOffice, place: Place, member_id: str, group_id: str, amount: str, *, epoch: int, is_approved: bool
) -> None:
    """A credit request in the books of requests: approved automatically out of the group's allowance, or open."""
    micro = parse_level(amount, field="x").micro
    tenant_id = place.tenant.tenant_id
    async with writing(house.desk.tenants, tenant_id) as transaction:
        await transaction.execute(
            """
            insert into credit_requests
                (tenant_id, request_id, member_id, group_id, amount_micro, reason, status, submitted_at, epoch,
                 approved_micro, of_allowance_micro, of_balance_micro, of_pool_micro, decided_at)
            values ($1, $2, $3, $4, $5, 'A reason', $6, $7, $8, $9, $9, $10, $10, $11)
            """,
            tenant_id,
            new_uuid(),
            parse_public_id("member", member_id, field="x"),
            parse_public_id("group", group_id, field="x"),
            micro,
            "auto_approved" if is_approved else "pending",
            house.clock.now(),
            epoch,
            micro if is_approved else None,
            ZERO.micro if is_approved else None,
            house.clock.now() if is_approved else None,
        )


def credits_of(text: str) -> Credits:
    """An amount out of an answer."""
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.removeprefix("-").partition(".")
    return Credits(sign * int(whole + fraction.ljust(6, "0")))
