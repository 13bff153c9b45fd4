"""docs/rules/posting.md, on a real PostgreSQL wherever it has a part in the rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from psycopg import sql

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import reading, writing
from bursar.domain.refusals import Refusal
from bursar.ledger import Answer, Held, Lanes, OpenGroup, OpenHold, OpenWallet, PostingFault, Transfer
from bursar.ledger.posting import tables
from tests.support.books import ACTOR, NOON, TestBooks, amount, identity
from tests.support.people import insert_event, insert_tenant
from tests.support.postgres import FreshDatabase
from tests.support.tables_in_memory import rows_of

_GATE = 4_711
"""The advisory lock that every commit of a batch waits for while a test keeps it."""

_BUILD_GATE = sql.SQL("""
create function bursar.wait_at_the_gate() returns trigger language plpgsql as
$$ begin perform pg_advisory_xact_lock({}); return null; end $$;
create constraint trigger gate after insert on bursar.ledger_batches deferrable initially deferred
for each row execute function bursar.wait_at_the_gate();
""").format(_GATE)

_AT_THE_GATE = sql.SQL("select pid from pg_locks where locktype = 'advisory' and objid = {} and not granted").format(
    _GATE
)


def grant(asked: str, *, key: str | None = None) -> Transfer:
    return Transfer(actor_id=ACTOR, key=key, transfer_id=identity(), kind="grant", amount=amount(asked))


async def open_books(database: Database) -> tuple[UUID, UUID]:
    """A tenant with books: its id and that of its group Default."""
    tenant_id, group_id = identity(), identity()
    async with writing(database, tenant_id) as transaction:
        await ledger.open_books(
            transaction, tenant_id, default_group_id=group_id, cadence="calendar_month", time_zone="UTC", now=NOON
        )
    return tenant_id, group_id


async def pool_of(database: Database, tenant_id: UUID) -> int:
    async with reading(database, tenant_id) as transaction:
        micro = await transaction.fetchval("select pool_micro from ledger_control where tenant_id = $1", tenant_id)
    assert isinstance(micro, int)
    return micro


async def batches_of(database: Database, tenant_id: UUID) -> list[int]:
    async with reading(database, tenant_id) as transaction:
        rows = await transaction.fetch(
            "select batch_number from ledger_batches where tenant_id = $1 order by batch_number", tenant_id
        )
    return [row["batch_number"] for row in rows]


@asynccontextmanager
async def opened(database: Database, *, days: int = 0) -> AsyncIterator[Lanes]:
    """Lanes whose clock stands at noon, some days on."""
    lanes = Lanes(database, lambda _: NOON + timedelta(days=days), posters=1, tenants_per_round=64)
    await lanes.open()
    try:
        yield lanes
    finally:
        await lanes.close()


class Gate:
    """Keeps every commit of a batch waiting until it is opened."""

    def __init__(self, admin: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._admin = admin

    def close(self) -> None:
        """From now on, commits wait."""
        self._admin.execute(sql.SQL("select pg_advisory_lock({})").format(_GATE))

    async def reached(self) -> int:
        """Wait until a commit waits here; the process id of its backend."""
        # A lock in the database sends no event.
        while not (rows := self._admin.execute(_AT_THE_GATE).fetchall()):  # noqa: ASYNC110
            await asyncio.sleep(0)
        return int(rows[0][0])

    def open(self) -> None:
        """Let commits through."""
        self._admin.execute(sql.SQL("select pg_advisory_unlock({})").format(_GATE))

    def end_backend(self, pid: int) -> None:
        """End a backend in the middle of its commit."""
        self._admin.execute("select pg_terminate_backend(%s)", (pid,))


@pytest.fixture
def gate(fresh_database: FreshDatabase) -> Iterator[Gate]:
    """A gate at which commits wait, open at first."""
    with psycopg.connect(fresh_database.admin_url, autocommit=True) as admin:
        admin.execute(_BUILD_GATE)
        yield Gate(admin)


@pytest.mark.rule("POSTING-1")
async def test_a_tenant_at_fault_stays_out_of_the_round_and_the_others_go_through(
    database: Database, fresh_database: FreshDatabase
) -> None:
    (sound, _), (broken, _) = await open_books(database), await open_books(database)
    with psycopg.connect(fresh_database.admin_url, autocommit=True) as admin:
        # A cadence that no code knows: the cycle that is due below cannot be ended.
        admin.execute("update bursar.ledger_control set cadence = 'never' where tenant_id = %s", (broken,))

    async with opened(database, days=60) as lanes:
        outcomes = await asyncio.gather(
            lanes.submit(broken, grant("1")),
            lanes.submit(sound, grant("1")),
            lanes.submit(identity(), grant("1")),
            return_exceptions=True,
        )

    fault, posted, unknown = outcomes
    assert isinstance(fault, PostingFault)
    assert isinstance(posted, ledger.Outcome)
    assert posted.refusal is None
    assert isinstance(unknown, ledger.Outcome)
    assert unknown.refusal == Refusal("tenant_unknown", "There is no such tenant.")
    assert (await pool_of(database, broken), await pool_of(database, sound)) == (0, 1_000_000)


@pytest.mark.rule("POSTING-2")
async def test_what_an_action_posts_is_committed_with_its_other_rows_or_not_at_all(database: Database) -> None:
    tenant_id = await insert_tenant(database, "Acme")
    async with writing(database, tenant_id) as transaction:
        await ledger.open_books(
            transaction, tenant_id, default_group_id=identity(), cadence="1_day", time_zone="UTC", now=NOON
        )

    async def action(*, fails: bool) -> None:
        async with writing(database, tenant_id) as transaction:
            (outcome,) = await ledger.post(transaction, tenant_id, [grant("5")], lambda _: NOON)
            assert outcome.refusal is None
            await insert_event(transaction, tenant_id, "credits.granted")
            if fails:
                raise ZeroDivisionError

    async def seen() -> tuple[int, int]:
        async with reading(database, tenant_id) as transaction:
            events = await transaction.fetchval("select count(*) from events where tenant_id = $1", tenant_id)
        return await pool_of(database, tenant_id), int(events or 0)

    with pytest.raises(ZeroDivisionError):
        await action(fails=True)
    assert await seen() == (0, 0)
    await action(fails=False)
    assert await seen() == (5_000_000, 1)


@pytest.mark.rule("POSTING-3")
async def test_nobody_is_answered_before_the_commit_is_confirmed(database: Database, gate: Gate) -> None:
    tenant_id, _ = await open_books(database)
    gate.close()

    async with opened(database) as lanes:
        submitted = asyncio.create_task(lanes.submit(tenant_id, grant("5")))
        await gate.reached()
        assert (submitted.done(), await pool_of(database, tenant_id)) == (False, 0)

        gate.open()
        outcome = await submitted

    assert outcome.refusal is None
    assert await pool_of(database, tenant_id) == 5_000_000


@pytest.mark.rule("POSTING-3")
async def test_commands_that_wait_together_share_a_batch_and_the_same_hold_twice_is_one(database: Database) -> None:
    tenant_id, group_id = await open_books(database)
    member_id = identity()
    hold = OpenHold(actor_id=ACTOR, hold_id=identity(), member_id=member_id, amount=amount("3"), seconds=60)
    give = Transfer(actor_id=ACTOR, transfer_id=identity(), kind="allocation", amount=amount("4"), member_id=member_id)
    opening = OpenWallet(actor_id=ACTOR, member_id=member_id, group_id=group_id)

    async with opened(database) as lanes:
        outcomes = await asyncio.gather(
            *(lanes.submit(tenant_id, command) for command in (opening, grant("5"), give, give, hold, hold))
        )

    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [
        None, None, None, "insufficient_pool", None, None,
    ]  # fmt: skip
    first, second = (outcome.answer for outcome in outcomes[-2:])
    assert isinstance(first, Held)
    assert first is second
    assert await batches_of(database, tenant_id) == [1, 2]


async def posted_once(database: Database, tenant_id: UUID, submitted: asyncio.Task[ledger.Outcome]) -> None:
    outcome = await submitted
    assert isinstance(outcome.answer, Answer)
    assert not outcome.replayed
    assert await pool_of(database, tenant_id) == 5_000_000
    assert await batches_of(database, tenant_id) == [1, 2]


@pytest.mark.rule("POSTING-4")
async def test_a_commit_that_counted_though_its_connection_was_lost_is_answered_and_not_posted_again(
    database: Database, gate: Gate
) -> None:
    tenant_id, _ = await open_books(database)
    gate.close()

    async with opened(database) as lanes:
        submitted = asyncio.create_task(lanes.submit(tenant_id, grant("5")))
        await gate.reached()
        # Our end of the connection goes away; the server, which is still committing, does not notice.
        connection = lanes._posters[0]._session._connection
        assert connection is not None
        connection.terminate()
        gate.open()

        await posted_once(database, tenant_id, submitted)


@pytest.mark.rule("POSTING-4")
async def test_a_commit_that_did_not_count_is_posted_again(database: Database, gate: Gate) -> None:
    tenant_id, _ = await open_books(database)
    gate.close()

    async with opened(database) as lanes:
        submitted = asyncio.create_task(lanes.submit(tenant_id, grant("5")))
        gate.end_backend(await gate.reached())
        gate.open()

        await posted_once(database, tenant_id, submitted)


@pytest.mark.rule("POSTING-5")
def test_time_never_runs_backwards_within_a_tenant() -> None:
    books = TestBooks()
    books.pass_time(hours=2)
    books.do(grant("1"))
    latest = books.now

    books.pass_time(hours=-1)
    books.do(grant("1"))
    assert books.journal[-1].posted_at == books.control.last_posted_at == latest

    books.pass_time(hours=3)
    books.do(grant("1"))
    assert books.journal[-1].posted_at == books.now


@pytest.mark.rule("POSTING-6")
def test_batches_are_numbered_without_gaps_and_one_that_changed_nothing_is_none() -> None:
    books = TestBooks()
    too_much = Transfer(actor_id=ACTOR, transfer_id=identity(), kind="grant_withdrawal", amount=amount("1"))

    books.refused(too_much)
    books.post()
    assert books.control.batch_number == 1

    books.do(grant("1"))
    books.post(Transfer(actor_id=ACTOR, key="k", transfer_id=identity(), kind="grant_withdrawal", amount=amount("2")))
    numbers = [row["batch_number"] for row in rows_of(books.tables, tables.BATCHES, books.tenant_id)]

    # A refusal that is remembered is something to write; its batch has no lines.
    assert numbers == [1, 2, 3]
    assert [line.batch_number for line in books.journal] == [2]


@pytest.mark.rule("POSTING-7")
async def test_a_tenants_books_are_opened_once_all_at_zero(database: Database) -> None:
    tenant_id, group_id = await open_books(database)

    with pytest.raises(asyncpg.UniqueViolationError):
        async with writing(database, tenant_id) as transaction:
            await ledger.open_books(
                transaction, tenant_id, default_group_id=identity(), cadence="1_day", time_zone="UTC", now=NOON
            )

    async with reading(database, tenant_id) as transaction:
        (control,) = await transaction.fetch("select * from ledger_control where tenant_id = $1", tenant_id)
        (group,) = await transaction.fetch("select * from ledger_groups where tenant_id = $1", tenant_id)
    assert not any(value for name, value in control.items() if name.endswith("_micro"))
    assert (control["epoch"], control["epoch_started_at"], control["cadence"]) == (1, NOON, "calendar_month")
    assert control["expired_holds"] == "void"
    assert (group["group_id"], group["is_default"], group["monthly_micro"]) == (group_id, True, 0)


@pytest.mark.rule("POSTING-7")
@pytest.mark.parametrize(
    ("cadence", "time_zone", "code"),
    [("never", "UTC", "cadence_unknown"), ("1_day", "Mars/Olympus", "time_zone_unknown")],
)
def test_books_are_opened_with_a_known_cadence_and_time_zone(cadence: str, time_zone: str, code: str) -> None:
    assert TestBooks(cadence="1_day", time_zone="Europe/Berlin").control.epoch == 1

    with pytest.raises(Refusal) as caught:
        TestBooks(cadence=cadence, time_zone=time_zone)
    assert caught.value.code == code


@pytest.mark.rule("POSTING-8")
async def test_bulk_work_is_cut_into_batches_and_can_be_sent_again(database: Database) -> None:
    tenant_id, _ = await open_books(database)
    commands = [grant("0.01", key=f"row {number}") for number in range(1_100)]

    async def sent() -> list[bool]:
        bulk = ledger.post_in_bulk(database, tenant_id, iter(commands), lambda _: NOON)
        return [outcome.replayed async for _, outcome in bulk]

    opening = OpenGroup(actor_id=ACTOR, group_id=identity())
    async for _, outcome in ledger.post_in_bulk(database, tenant_id, [opening, *commands[:700]], lambda _: NOON):
        assert outcome.refusal is None
    assert await sent() == [True] * 700 + [False] * 400

    assert await pool_of(database, tenant_id) == 11_000_000
    # The opening, 701 in two batches, 1 100 in three, of which the first had nothing to write.
    assert await batches_of(database, tenant_id) == [1, 2, 3, 4, 5]
