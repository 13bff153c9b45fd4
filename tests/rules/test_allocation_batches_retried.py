"""docs/rules/allocation_batches.md, example by example: trying again what failed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bursar.db.transaction import Transaction, writing
from bursar.store.allocation_batch_rows import list_members_of_batch, sum_failed_rows, update_failed_rows_waiting
from bursar.store.member_search import MemberFilter, list_member_ids
from tests.support.batches import (
    PREFIX,
    balances_of,
    batched,
    check_green,
    disable,
    enable,
    ordered,
    retried,
    rows_of,
    team,
    times_given,
)
from tests.support.offices import TestOffice


@pytest.mark.rule("BATCH-9")
async def test_a_retry_tries_only_those_who_failed_with_the_same_amount_and_note(house: TestOffice) -> None:
    place, admin, members = await team(house, 3)
    await disable(admin, members[1])
    batch = (await batched(admin, member_ids=members, amount="4", note="Kickoff")).json()
    again = (await retried(admin, batch["id"])).json()
    await enable(admin, members[1])

    done = await retried(admin, batch["id"])

    assert (again["given"], again["failed"], again["id"]) == (2, 1, batch["id"])
    assert done.status_code == 202, done.text
    assert (done.json()["id"], done.json()["given"], done.json()["failed"]) == (batch["id"], 3, 0)
    assert (done.json()["retried_by"]["name"], done.json()["given_total"]) == ("Acme Admin", "12.00")
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["4.00"] * 3
    newest = (await admin.get(f"{PREFIX}/transactions")).json()["transactions"][0]
    assert (newest["amount"], newest["note"]) == ("-4.00", "Kickoff")
    nothing = await retried(admin, batch["id"])
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_failed")
    await check_green(house, place)


@pytest.mark.rule("BATCH-9")
async def test_whoever_was_given_is_not_charged_again_whoever_is_named(house: TestOffice) -> None:
    place, admin, members = await team(house, 4)
    await disable(admin, members[1])
    await disable(admin, members[2])
    batch_id = (await batched(admin, member_ids=members, amount="4")).json()["id"]
    await enable(admin, members[1])
    await enable(admin, members[2])

    given = await retried(admin, batch_id, member_ids=[members[0], members[3]])
    stranger = await retried(admin, batch_id, member_ids=[members[1], place.member_id])
    mixed = await retried(admin, batch_id, member_ids=[members[0], members[1]])

    assert (given.status_code, given.json()["code"]) == (409, "nothing_failed")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "member_unknown")
    assert (mixed.json()["given"], mixed.json()["failed"]) == (3, 1)
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["4.00", "4.00", "0.00", "4.00"]
    assert (await times_given(house, place))[members[0]] == 1
    assert (await rows_of(admin, batch_id, state="failed"))[0]["member_id"] == members[2]


@pytest.mark.rule("BATCH-9")
async def test_a_batch_under_way_is_not_retried_and_one_of_another_tenant_is_unknown(house: TestOffice) -> None:
    place, admin, members = await team(house, 201, pool="500")
    await house.tenant("Globex")
    other = await house.signed_in("globex-admin")
    batch_id = await ordered(house, place, members)

    early = await retried(admin, batch_id)

    assert (early.status_code, early.json()["code"]) == (409, "batch_running")
    for answer in (
        await retried(other, batch_id),
        await other.get(f"{PREFIX}/allocation-batches/{batch_id}"),
        await other.get(f"{PREFIX}/allocation-batches/{batch_id}/rows"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "batch_unknown")
    assert (await other.get(f"{PREFIX}/allocation-batches")).json()["batches"] == []


@pytest.mark.rule("BATCH-9")
async def test_who_retries_does_not_allocate_to_oneself(house: TestOffice) -> None:
    place, admin, members = await team(house, 1)
    deputy_member = await house.admin(place)
    deputy_id = f"mem_{deputy_member.member_id.hex}"
    await disable(admin, deputy_id)
    batch_id = (await batched(admin, member_ids=[*members, deputy_id], amount="1")).json()["id"]
    await enable(admin, deputy_id)
    deputy = await house.signed_in("acme-deputy")

    batch = (await retried(deputy, batch_id)).json()

    assert (batch["given"], batch["failed"]) == (1, 1)
    assert (await rows_of(deputy, batch_id, state="failed"))[0]["code"] == "recipient_is_actor"
    assert (await retried(admin, batch_id)).json()["given"] == 2


@pytest.mark.rule("BATCH-7", "BATCH-9")
async def test_calls_do_not_wait_while_the_rows_of_a_retry_are_written(house: TestOffice) -> None:
    place, admin, members = await team(house, 2)
    await disable(admin, members[0])
    batch_id = (await batched(admin, member_ids=members, amount="1")).json()["id"]
    await enable(admin, members[0])
    tenant_id = place.tenant.tenant_id
    async with writing(house.desk.tenants, tenant_id) as holding:
        # The one row that failed is held, so that the retry stays where it writes to it.
        await holding.execute(
            "select from allocation_batch_rows where tenant_id = $1 and state = 'failed' for update", tenant_id
        )
        own = await holding.fetchval("select pg_backend_pid()")
        retrying = asyncio.create_task(retried(admin, batch_id))
        async with asyncio.timeout(20):
            while not await is_waited_for(house, own):
                pass

        hold = await admin.post(f"{PREFIX}/holds", json={"member_id": place.admin_id, "amount": "1"}, timeout=2)

        assert hold.status_code == 201, hold.text
    assert (await retrying).json()["given"] == 2
    await check_green(house, place)


@pytest.mark.rule("BATCH-9")
async def test_two_who_retry_at_once_have_each_row_tried_once(house: TestOffice) -> None:
    place, admin, members = await team(house, 20)
    for member in members[:10]:
        await disable(admin, member)
    batch_id = (await batched(admin, member_ids=members, amount="1")).json()["id"]
    for member in members[:10]:
        await enable(admin, member)

    answers = await asyncio.gather(*(retried(admin, batch_id) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert await times_given(house, place) == dict.fromkeys(members, 1)
    await check_green(house, place)


async def is_waited_for(house: TestOffice, pid: int) -> bool:
    """Whether some process of the server waits for what this one holds."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        return bool(
            await connection.fetchval(
                "select exists (select from pg_stat_activity where $1 = any(pg_blocking_pids(pid)))", pid
            )
        )
    finally:
        await connection.close()


class Explained:
    """A transaction that has each statement explained instead of running it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.plans: list[str] = []

    async def execute(self, statement: str, *arguments: object) -> None:
        rows = await self._transaction.fetch(f"explain {statement}", *arguments)
        self.plans.append("\n".join(row[0] for row in rows))
        raise LookupError

    fetchrow = fetchval = execute


@pytest.mark.rule("BATCH-2", "BATCH-9")
async def test_whoever_is_named_is_looked_up_in_a_hash_table(house: TestOffice) -> None:
    place, _, members = await team(house, 200, pool="200")
    tenant_id = place.tenant.tenant_id
    batch_id = UUID(hex=(await ordered(house, place, members))[-32:])
    ids = [UUID(hex=member[4:]) for member in members]
    receiving = MemberFilter(can_receive_from=place.admin.member_id)

    async with writing(house.desk.tenants, tenant_id) as transaction:
        explained: Any = Explained(transaction)
        for statement in (
            list_members_of_batch(explained, tenant_id, batch_id, ids),
            sum_failed_rows(explained, tenant_id, batch_id, ids),
            update_failed_rows_waiting(explained, tenant_id, batch_id, ids),
            list_member_ids(explained, tenant_id, receiving, except_ids=ids, limit=200),
        ):
            with suppress(LookupError):
                await statement

    # A hundred thousand of them against as many rows: one by one, that is more than any statement may take.
    assert ["hashed SubPlan" in plan for plan in explained.plans] == [True] * 4
