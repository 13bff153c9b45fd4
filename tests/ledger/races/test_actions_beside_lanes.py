"""Actions post in transactions of their own, beside lanes that post for the same tenants: nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from bursar import ledger
from bursar.db.engine import POSTING_LOCK_TIMEOUT_MILLISECONDS, Database
from bursar.db.transaction import writing
from tests.support.acknowledged import Acknowledged
from tests.support.people import insert_event
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy, hold, open_tenancy, real_time, transfer, whole_credits

LATENESS_SECONDS_MAX: Final = 3 * POSTING_LOCK_TIMEOUT_MILLISECONDS / 1000


async def test_actions_and_lanes_on_one_tenant_neither_deadlock_nor_lose_anything(
    fresh_database: FreshDatabase, database: Database
) -> None:
    tenancies = [await open_tenancy(database, members=2, pool=1000, balance=50) for _ in range(3)]
    connections = await Database.open(fresh_database.app_url, application_name="bursar tests", size=12)
    lanes = ledger.Lanes(database, real_time, posters=2, tenants_per_round=8)
    await lanes.open()
    acknowledged = Acknowledged()

    async def act(tenancy: Tenancy, number: int) -> None:
        command = transfer(tenancy, ("allocation", "reclaim")[number % 2], 1, tenancy.member_ids[number // 2 % 2])
        async with writing(connections, tenancy.tenant_id) as tx:
            (outcome,) = await ledger.post(tx, tenancy.tenant_id, [command], real_time)
            # As an action does, which writes rows of its own after it has posted.
            await insert_event(tx, tenancy.tenant_id, "test")
        acknowledged.note(tenancy.tenant_id, command, outcome)
        outcome.unwrap()

    async def call(tenancy: Tenancy, number: int) -> None:
        opening = hold(tenancy, 1, tenancy.member_ids[number % 2])
        settling = ledger.SettleHold(actor_id=tenancy.actor_id, hold_id=opening.hold_id, cost=whole_credits(1))
        for command in (opening, settling):
            outcome = await lanes.submit(tenancy.tenant_id, command)
            acknowledged.note(tenancy.tenant_id, command, outcome)
            outcome.unwrap()

    async with asyncio.timeout(60):
        await asyncio.gather(
            *(act(tenancy, number) for number in range(40) for tenancy in tenancies),
            *(call(tenancy, number) for number in range(40) for tenancy in tenancies),
        )
    await lanes.close()
    await connections.close()

    assert acknowledged.kinds == {"Transferred": 120, "Held": 120, "HoldClosed": 120}
    acknowledged.check(fresh_database.admin_url)
    for tenancy in tenancies:
        await check_books(fresh_database, tenancy.tenant_id)


async def test_a_tenant_whose_books_an_action_keeps_locked_delays_itself_and_hardly_the_others(
    database: Database, fresh_database: FreshDatabase
) -> None:
    locked, other = [await open_tenancy(database, members=1, pool=0, balance=10) for _ in range(2)]
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=8)
    await lanes.open()
    loop = asyncio.get_running_loop()

    async with writing(database, locked.tenant_id) as tx:
        await ledger.post(tx, locked.tenant_id, [hold(locked, 1)], real_time)
        kept_waiting = [asyncio.create_task(lanes.submit(locked.tenant_id, hold(locked, 1))) for _ in range(20)]
        began = loop.time()
        for _ in range(3):
            (await lanes.submit(other.tenant_id, hold(other, 1))).unwrap()
        took_seconds = loop.time() - began
        assert not any(task.done() for task in kept_waiting)

    outcomes = await asyncio.gather(*kept_waiting)
    await lanes.close()

    assert took_seconds < 3 * LATENESS_SECONDS_MAX
    assert [outcome.refusal is None for outcome in outcomes] == [True] * 9 + [False] * 11
    await check_books(fresh_database, locked.tenant_id)


async def test_a_posting_connection_carries_its_bounds(database: Database) -> None:
    connection: asyncpg.Connection[asyncpg.Record] = await database.connect_posting()

    bounds = {
        name: await connection.fetchval(f"show {name}")
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    }
    await connection.close()

    assert bounds == {
        "lock_timeout": "1s",
        "statement_timeout": "10s",
        "idle_in_transaction_session_timeout": "5s",
    }


async def test_commands_that_had_to_wait_for_the_lock_keep_their_order(database: Database) -> None:
    tenancy = await open_tenancy(database, members=1, pool=0, balance=3)
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=8)
    await lanes.open()
    (await lanes.submit(tenancy.tenant_id, hold(tenancy, 1))).unwrap()

    async with writing(database, tenancy.tenant_id) as tx:
        await tx.execute(
            "select from ledger_control where tenant_id = $1 for no key update",
            tenancy.tenant_id,
        )
        waiting = [asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1))) for _ in range(6)]
        # Long enough for one wait to end in vain, too short for two: the commands are put back once.
        await asyncio.sleep(1.5 * POSTING_LOCK_TIMEOUT_MILLISECONDS / 1000)

    outcomes = await asyncio.gather(*waiting)
    await lanes.close()

    assert [outcome.refusal is None for outcome in outcomes] == [True] * 2 + [False] * 4
