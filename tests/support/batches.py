"""What tests of batches do again and again: many members at once, a batch, its rows, and a process that works on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from bursar.actions.allocation_batches import BatchWanted, start_batch
from bursar.actions.desk import Asked, Desk
from bursar.db.transaction import writing
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from bursar.domain.search import search_text_of
from bursar.ledger import OpenWallet, post_in_bulk, verify
from bursar.outside.identity import new_uuid
from tests.support.offices import Place, TestOffice

PREFIX = "/api/v1"
FIRST_NUMBER = 1_000


async def many_members(house: TestOffice, place: Place, count: int, *, word: str = "user") -> list[str]:
    """The ids of so many new members without a password, called `user1000` and so on: quicker than one by one."""
    tenant_id, group_id = place.tenant.tenant_id, place.member.group_id
    ids = [new_uuid() for _ in range(count)]
    wallets = [OpenWallet(actor_id=None, member_id=one, group_id=group_id) for one in ids]
    async for _, outcome in post_in_bulk(house.desk.tenants, tenant_id, wallets, house.desk.clock.of_ledger):
        outcome.unwrap()
    connection = await asyncpg.connect(house.admin_url)
    try:
        await connection.copy_records_to_table(
            "members",
            schema_name="bursar",
            columns=[
                "tenant_id", "member_id", "number", "username", "display_name", "email", "role", "status", "group_id",
                "created_at", "changed_at", "search_text",
            ],
            records=[_row(place, member_id, word, number) for number, member_id in enumerate(ids, FIRST_NUMBER)],
        )  # fmt: skip
        await connection.copy_records_to_table(
            "sign_in_names",
            schema_name="bursar",
            columns=["name", "tenant_id", "principal_id", "kind"],
            records=[
                (name, place.tenant.tenant_id, member_id, kind)
                for number, member_id in enumerate(ids, FIRST_NUMBER)
                for name, kind in ((f"{word}{number}", "username"), (f"{word}{number}@example.com", "email"))
            ],
        )
    finally:
        await connection.close()
    return [public_id("member", one) for one in ids]


def _row(place: Place, member_id: UUID, word: str, number: int) -> tuple[object, ...]:
    username = f"{word}{number}"
    now, email = datetime.now(UTC), f"{username}@example.com"
    text = search_text_of(username=username, display_name=username, email=email)
    return (
        place.tenant.tenant_id, member_id, number, username, username, email, "member", "active",
        place.member.group_id, now, now, text,
    )  # fmt: skip


def unwatched(desk: Desk) -> Desk:
    """The desk with a bell that no worker hears: what is made at it waits until somebody looks."""
    return replace(desk, batches_waiting=asyncio.Event())


async def ordered(house: TestOffice, place: Place, member_ids: Sequence[str], amount: str = "1") -> str:
    """The id of a batch that its tenant admin made and nobody has begun to work on, however small it is."""
    admin = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, place.tenant.tenant_id, "Admin"))
    members = tuple(UUID(hex=one[4:]) for one in member_ids)
    wanted = BatchWanted(members, Credits(int(amount) * 1_000_000))
    done = await start_batch(unwatched(house.desk), admin, place.tenant.tenant_id, wanted)
    return public_id("allocation_batch", done.answer.batch_id)


async def disable(client: httpx.AsyncClient, member_id: str) -> None:
    """Disables a member."""
    assert (await client.post(f"{PREFIX}/members/{member_id}/disable", json={})).status_code == 200


async def enable(client: httpx.AsyncClient, member_id: str) -> None:
    """Enables a member again."""
    assert (await client.post(f"{PREFIX}/members/{member_id}/enable", json={})).status_code == 200


async def pool_of(client: httpx.AsyncClient) -> str:
    """What is in the pool."""
    pool: str = (await client.get(f"{PREFIX}/pool")).json()["balance"]
    return pool


async def team(house: TestOffice, count: int, *, pool: str = "100") -> tuple[Place, httpx.AsyncClient, list[str]]:
    """A tenant with credits, its tenant admin, and so many members."""
    place = await house.tenant()
    await house.granted(place, pool)
    return place, await house.signed_in("acme-admin"), await many_members(house, place, count)


async def batched(client: httpx.AsyncClient, key: str | None = None, **body: Any) -> httpx.Response:
    """The answer to a batch that is asked for."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(f"{PREFIX}/allocation-batches", json=body, headers=headers)


async def retried(client: httpx.AsyncClient, batch_id: str, **body: Any) -> httpx.Response:
    """The answer to a batch that is tried again."""
    return await client.post(f"{PREFIX}/allocation-batches/{batch_id}/retry", json=body)


async def batch_of(client: httpx.AsyncClient, batch_id: str) -> dict[str, Any]:
    """The batch as it is now."""
    answer = await client.get(f"{PREFIX}/allocation-batches/{batch_id}")
    assert answer.status_code == 200, answer.text
    batch: dict[str, Any] = answer.json()
    return batch


async def rows_of(client: httpx.AsyncClient, batch_id: str, **query: Any) -> list[dict[str, Any]]:
    """All rows of a batch, page by page."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {**query, **({} if cursor is None else {"cursor": cursor})}
        page = (await client.get(f"{PREFIX}/allocation-batches/{batch_id}/rows", params=params)).json()
        rows += page["rows"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


async def balances_of(house: TestOffice, place: Place) -> dict[str, str]:
    """What every member of the tenant has, by id."""
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        rows = await transaction.fetch(
            "select member_id, balance_micro from ledger_wallets where tenant_id = $1", place.tenant.tenant_id
        )
    return {public_id("member", row["member_id"]): str(Credits(row["balance_micro"])) for row in rows}


async def times_given(house: TestOffice, place: Place) -> dict[str, int]:
    """How often each member was allocated anything, by the journal."""
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        rows = await transaction.fetch(
            "select target_id, count(*) as times from ledger_journal where tenant_id = $1 and kind = 'allocation'"
            " group by target_id",
            place.tenant.tenant_id,
        )
    return {public_id("member", row["target_id"]): row["times"] for row in rows}


async def check_green(house: TestOffice, place: Place) -> None:
    """The books of the tenant are whole."""
    report = await verify(house.desk.tenants, place.tenant.tenant_id)
    assert report.is_green, str(report)


async def working_process(house: TestOffice, *, dies_at: int | None) -> asyncio.subprocess.Process:
    """Another process that works off all batches; with `dies_at`, it is killed in the middle of that turn."""
    desk = house.desk
    arguments = [desk.tenants.url, desk.platform.url, "never" if dies_at is None else str(dies_at)]
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.support.batch_child", *arguments)
