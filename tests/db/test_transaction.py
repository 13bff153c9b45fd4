"""Where transactions begin and end, and which collisions are worth another attempt."""

import asyncio
import contextlib
from uuid import UUID

import asyncpg
import pytest

from bursar.db import transaction
from bursar.db.engine import Database
from bursar.db.transaction import ATTEMPTS_MAX, NotCommitted, Transaction, reading, reading_several, retrying, writing
from tests.support.people import insert_group, insert_tenant
from tests.support.postgres import FreshDatabase


@pytest.fixture
async def acme(database: Database) -> UUID:
    return await insert_tenant(database, "Acme")


async def group_names(database: Database, tenant_id: UUID) -> list[str]:
    async with reading(database, tenant_id) as tx:
        rows = await tx.fetch("select name from groups where tenant_id = $1 order by name", tenant_id)
    return [row["name"] for row in rows]


async def rename_tenant(tx: Transaction, tenant_id: UUID, name: str) -> None:
    await tx.execute("update tenants set name = $2 where tenant_id = $1", tenant_id, name)


async def test_a_block_that_ends_well_is_committed(database: Database, acme: UUID) -> None:
    async with writing(database, acme) as tx:
        await insert_group(tx, acme, "Sales")

    assert await group_names(database, acme) == ["Sales"]


async def test_a_look_at_several_tenants_sees_their_rows_and_no_others(database: Database, acme: UUID) -> None:
    globex, initech = await insert_tenant(database, "Globex"), await insert_tenant(database, "Initech")

    async with reading_several(database, [acme, globex]) as tx:
        several = await tx.fetch("select name from tenants where tenant_id = any($1)", [acme, globex, initech])
    async with reading_several(database, []) as tx:
        none = await tx.fetch("select name from tenants where tenant_id = any($1)", [acme, globex, initech])

    assert (sorted(row["name"] for row in several), none) == (["Acme", "Globex"], [])


async def test_a_block_that_raises_leaves_no_trace(database: Database, acme: UUID) -> None:
    async def change_of_mind() -> None:
        async with writing(database, acme) as tx:
            await insert_group(tx, acme, "Sales")
            raise LookupError

    with pytest.raises(LookupError):
        await change_of_mind()

    assert await group_names(database, acme) == []


async def test_a_block_that_swallows_a_failed_statement_does_not_pass_for_committed(
    database: Database, acme: UUID
) -> None:
    async def swallow() -> None:
        async with writing(database, acme) as tx:
            await insert_group(tx, acme, "Sales")
            with contextlib.suppress(asyncpg.UniqueViolationError):
                await insert_group(tx, acme, "SALES")

    with pytest.raises(NotCommitted):
        await swallow()

    assert await group_names(database, acme) == []


async def test_a_block_that_is_cancelled_leaves_no_trace_and_gives_its_connection_back(
    database: Database, fresh_database: FreshDatabase, acme: UUID
) -> None:
    narrow = await Database.open(fresh_database.app_url, application_name="one connection", size=1)

    async def wait_inside() -> None:
        async with writing(narrow, acme) as tx:
            await insert_group(tx, acme, "Sales")
            await tx.execute("select pg_sleep(60)")

    waiting = asyncio.create_task(wait_inside())
    # A cancellation that overtakes its statement on the way to the server would find nothing to cancel.
    while not await database.pool.fetchval(
        """
        select exists (
            select from pg_stat_activity
            where application_name = 'one connection' and state = 'active' and query = 'select pg_sleep(60)'
        )
        """
    ):
        assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await group_names(narrow, acme) == []
    await narrow.close()


async def test_reading_can_change_nothing(database: Database, acme: UUID) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with reading(database, acme) as tx:
            await rename_tenant(tx, acme, "Globex")


async def test_reading_sees_one_moment_throughout(database: Database, acme: UUID) -> None:
    async with reading(database, acme) as tx:
        before = await tx.fetchval("select name from tenants where tenant_id = $1", acme)
        async with writing(database, acme) as other:
            await rename_tenant(other, acme, "Globex")
        after = await tx.fetchval("select name from tenants where tenant_id = $1", acme)

    assert (before, after) == ("Acme", "Acme")


async def test_a_serialization_failure_is_tried_again_from_the_start(database: Database, acme: UUID) -> None:
    attempts = 0

    async def number_a_member() -> int:
        nonlocal attempts
        attempts += 1
        async with writing(database, acme) as tx:
            # The transaction's first statement may still choose: here, to be refused where it would be overtaken.
            await tx.execute("set transaction isolation level repeatable read")
            number: int = await tx.fetchval("select next_member_number from tenants where tenant_id = $1", acme)
            if attempts == 1:
                async with writing(database, acme) as overtaking:
                    await overtaking.execute("update tenants set next_member_number = 7 where tenant_id = $1", acme)
            await tx.execute("update tenants set next_member_number = $2 + 1 where tenant_id = $1", acme, number)
        return number

    assert await retrying(number_a_member) == 7
    assert attempts == 2


async def test_a_deadlock_is_tried_again_and_both_writers_succeed(database: Database, acme: UUID) -> None:
    async with writing(database, acme) as tx:
        groups = [await insert_group(tx, acme, name) for name in ("Research", "Sales")]
    both_hold_one = asyncio.Barrier(2)
    attempts = {"up": 0, "down": 0}

    async def rename_in_order(direction: str, order: list[UUID]) -> None:
        attempts[direction] += 1
        async with writing(database, acme) as tx:
            for position, group_id in enumerate(order):
                await tx.execute(
                    "update groups set name = name || $3 where tenant_id = $1 and group_id = $2",
                    acme,
                    group_id,
                    f" {direction}",
                )
                if position == 0 and attempts[direction] == 1:
                    await both_hold_one.wait()

    await asyncio.gather(
        retrying(lambda: rename_in_order("up", groups)),
        retrying(lambda: rename_in_order("down", groups[::-1])),
    )

    for name in await group_names(database, acme):
        assert sorted(name.split()[1:]) == ["down", "up"]
    assert sorted(attempts.values()) == [1, 2]


async def test_a_lock_that_is_not_to_be_had_is_given_up_after_the_last_attempt(
    database: Database, acme: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "LOCK_TIMEOUT_MILLISECONDS", 1)
    monkeypatch.setattr(transaction, "FIRST_PAUSE_SECONDS", 0)
    attempts = 0

    async def rename() -> None:
        nonlocal attempts
        attempts += 1
        async with writing(database, acme) as tx:
            await rename_tenant(tx, acme, "Globex")

    async with writing(database, acme) as holder:
        await rename_tenant(holder, acme, "Initech")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await retrying(rename)

    assert attempts == ATTEMPTS_MAX


async def test_any_other_failure_is_not_tried_again(database: Database, acme: UUID) -> None:
    attempts = 0

    async def add_twice() -> None:
        nonlocal attempts
        attempts += 1
        async with writing(database, acme) as tx:
            await insert_group(tx, acme, "Sales")
            await insert_group(tx, acme, "sales")

    with pytest.raises(asyncpg.UniqueViolationError):
        await retrying(add_twice)

    assert attempts == 1


async def test_a_transaction_is_short_of_patience_and_leaves_that_to_itself(database: Database, acme: UUID) -> None:
    async with writing(database, acme) as tx:
        settings = await tx.fetchrow(
            """
            select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
                   current_setting('idle_in_transaction_session_timeout') as idle,
                   current_setting('transaction_isolation') as isolation
            """
        )
    async with database.pool.acquire() as connection:
        afterwards = await connection.fetchval("select current_setting('lock_timeout')")

    assert dict(settings or {}) == {"lock": "3s", "statement": "10s", "idle": "15s", "isolation": "read committed"}
    assert afterwards == "0"


async def test_posting_connections_plan_for_full_tables(database: Database) -> None:
    connection = await database.connect_posting()
    rows = await connection.fetch(
        """
        select name, setting from pg_settings
        where name in ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit', 'plan_cache_mode')
        """
    )
    await connection.close()

    assert {row["name"]: row["setting"] for row in rows} == {
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
    }
