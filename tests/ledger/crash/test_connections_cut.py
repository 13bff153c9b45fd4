"""Connections lost while a round commits, and databases that stay away: what was answered is there, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest

from bursar import ledger
from bursar.db.engine import POSTING_LOCK_TIMEOUT_MILLISECONDS, Database
from tests.support.acknowledged import Acknowledged
from tests.support.cutting_proxy import Cut, CuttingProxy, cutting_proxy
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy, hold, open_tenancy, real_time, transfer, whole_credits


@pytest.fixture
async def proxy(fresh_database: FreshDatabase) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of this test's database."""
    async with cutting_proxy(fresh_database.app_url) as proxy:
        yield proxy


@pytest.fixture
async def proxied(proxy: CuttingProxy) -> AsyncIterator[Database]:
    """This test's database through the proxy."""
    opened = await Database.open(proxy.url, application_name="bursar tests", size=2)
    yield opened
    await proxy.shut()
    opened.pool.terminate()


@pytest.fixture
async def tenancy(database: Database) -> Tenancy:
    """A member with credits enough."""
    return await open_tenancy(database, members=1, pool=100, balance=1000)


@pytest.fixture
async def lanes(proxied: Database) -> AsyncIterator[ledger.Lanes]:
    """Lanes that reach the database through the proxy."""
    lanes = ledger.Lanes(proxied, real_time, posters=1, tenants_per_round=8)
    await lanes.open()
    yield lanes
    async with asyncio.timeout(30):
        await lanes.close()


@pytest.mark.parametrize("cut", Cut)
async def test_a_command_whose_commit_was_cut_off_is_answered_and_there_once(
    fresh_database: FreshDatabase, proxy: CuttingProxy, lanes: ledger.Lanes, tenancy: Tenancy, cut: Cut
) -> None:
    acknowledged = Acknowledged()
    opening = hold(tenancy, 1)
    acknowledged.note(tenancy.tenant_id, opening, await lanes.submit(tenancy.tenant_id, opening))

    for number in range(4):
        # Without a key, so that posting it twice would move it twice.
        commands: list[ledger.Command] = [
            transfer(tenancy, "allocation", 1, tenancy.member_id),
            hold(tenancy, 1),
            ledger.ExtendHold(actor_id=None, hold_id=opening.hold_id, seconds=1000 + number),
        ]
        proxy.cut = cut
        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(*(lanes.submit(tenancy.tenant_id, command) for command in commands))
        for command, outcome in zip(commands, outcomes, strict=True):
            assert outcome.refusal is None
            # It is the same attempt that is finished, not a second one that finds the first.
            assert not outcome.replayed
            acknowledged.note(tenancy.tenant_id, command, outcome)

    assert proxy.cuts == 4
    assert acknowledged.kinds == {"Held": 5, "Transferred": 4, "HoldExtended": 4}
    acknowledged.check(fresh_database.admin_url)
    await check_books(fresh_database, tenancy.tenant_id)


async def test_commits_cut_off_at_random_lose_nothing_and_double_nothing(
    fresh_database: FreshDatabase, proxy: CuttingProxy, lanes: ledger.Lanes, tenancy: Tenancy, is_long: bool, seed: int
) -> None:
    random = Random(seed)
    acknowledged = Acknowledged()
    cuts = 200 if is_long else 6

    async def client() -> None:
        while proxy.cuts < cuts:
            opening = hold(tenancy, 1)
            allocation = transfer(tenancy, "allocation", 1, tenancy.member_id)
            settlement = ledger.SettleHold(actor_id=None, hold_id=opening.hold_id, cost=whole_credits(1))
            for command in (opening, allocation, settlement):
                outcome = await lanes.submit(tenancy.tenant_id, command)
                acknowledged.note(tenancy.tenant_id, command, outcome)

    async def cutter() -> None:
        while proxy.cuts < cuts:
            proxy.cut = random.choice(list(Cut))
            await asyncio.sleep(random.random() * 0.2)

    async with asyncio.timeout(600 if is_long else 60):
        await asyncio.gather(cutter(), *(client() for _ in range(16)))

    assert acknowledged.kinds["HoldClosed"] > 0
    acknowledged.check(fresh_database.admin_url)
    await check_books(fresh_database, tenancy.tenant_id)


async def test_a_doubt_outlives_a_lock_that_somebody_else_holds_meanwhile(
    fresh_database: FreshDatabase, proxy: CuttingProxy, lanes: ledger.Lanes, tenancy: Tenancy
) -> None:
    await lanes.submit(tenancy.tenant_id, hold(tenancy, 1))
    allocation = transfer(tenancy, "allocation", 1, tenancy.member_id)

    proxy.cut = Cut.AFTER
    submitted = asyncio.create_task(lanes.submit(tenancy.tenant_id, allocation))
    await proxy.wait_for_cut()
    connection = await psycopg.AsyncConnection.connect(fresh_database.admin_url)
    await connection.execute(
        "select from bursar.ledger_control where tenant_id = %s for no key update", [tenancy.tenant_id]
    )
    # Longer than the poster waits for a lock, so that its first look for the batch fails.
    await asyncio.sleep(1.5 * POSTING_LOCK_TIMEOUT_MILLISECONDS / 1000)
    assert not submitted.done()
    await connection.close()
    outcome = await asyncio.wait_for(submitted, 30)

    acknowledged = Acknowledged()
    acknowledged.note(tenancy.tenant_id, allocation, outcome)
    acknowledged.check(fresh_database.admin_url)
    await check_books(fresh_database, tenancy.tenant_id)


async def test_a_poster_does_not_take_the_batch_of_another_process_for_its_own(
    fresh_database: FreshDatabase, database: Database, proxy: CuttingProxy, proxied: Database, tenancy: Tenancy
) -> None:
    # One moment for both, as when both waited for one lock: then two holds of one size leave the same chain.
    moment = datetime.now(UTC) + timedelta(hours=1)
    mine = ledger.Lanes(proxied, lambda _: moment, posters=1, tenants_per_round=8)
    theirs = ledger.Lanes(database, lambda _: moment, posters=1, tenants_per_round=8)
    await mine.open()
    await theirs.open()
    (await mine.submit(tenancy.tenant_id, hold(tenancy, 1))).unwrap()
    my_hold, their_hold = hold(tenancy, 1), hold(tenancy, 1)

    proxy.cut = Cut.BEFORE
    submitted = asyncio.create_task(mine.submit(tenancy.tenant_id, my_hold))
    await proxy.wait_for_cut()
    await proxy.shut()
    (await theirs.submit(tenancy.tenant_id, their_hold)).unwrap()
    await proxy.listen()
    (await submitted).unwrap()
    await mine.close()
    await theirs.close()

    with psycopg.connect(fresh_database.admin_url) as connection:
        rows = connection.execute(
            "select hold_id from bursar.ledger_holds where hold_id = any(%s)", [[my_hold.hold_id, their_hold.hold_id]]
        ).fetchall()
    assert {hold_id for (hold_id,) in rows} == {my_hold.hold_id, their_hold.hold_id}
    await check_books(fresh_database, tenancy.tenant_id)


async def test_a_database_that_stays_away_is_said_to_be_and_posting_goes_on_when_it_is_back(
    fresh_database: FreshDatabase, proxy: CuttingProxy, lanes: ledger.Lanes, tenancy: Tenancy
) -> None:
    await lanes.submit(tenancy.tenant_id, hold(tenancy, 1))
    missing = [transfer(tenancy, "allocation", 1, tenancy.member_id) for _ in range(20)]

    await proxy.shut()
    async with asyncio.timeout(30):
        faults = await asyncio.gather(
            *(lanes.submit(tenancy.tenant_id, command) for command in missing), return_exceptions=True
        )
    assert lanes.is_posting
    await proxy.listen()
    (await lanes.submit(tenancy.tenant_id, missing[0])).unwrap()

    assert [type(fault) for fault in faults] == [ledger.LedgerUnavailable] * len(missing)
    with psycopg.connect(fresh_database.admin_url) as connection:
        posted = connection.execute(
            "select transfer_id from bursar.ledger_journal where amount_micro = 1000000"
        ).fetchall()
    assert posted == [(missing[0].transfer_id,)]
    await check_books(fresh_database, tenancy.tenant_id)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
async def test_a_database_lost_for_good_during_a_commit_leaves_an_unknown_outcome_that_asking_again_settles(
    fresh_database: FreshDatabase, proxy: CuttingProxy, lanes: ledger.Lanes, tenancy: Tenancy, cut: Cut
) -> None:
    await lanes.submit(tenancy.tenant_id, hold(tenancy, 1))
    allocation = transfer(tenancy, "allocation", 1, tenancy.member_id, key="only once")

    proxy.cut = cut
    submitted = asyncio.create_task(lanes.submit(tenancy.tenant_id, allocation))
    await proxy.wait_for_cut()
    await proxy.shut()
    with pytest.raises(ledger.OutcomeUnknown):
        await asyncio.wait_for(submitted, 30)
    await proxy.listen()
    again = await lanes.submit(tenancy.tenant_id, allocation)

    again.unwrap()
    assert again.replayed == (cut is Cut.AFTER)
    await check_books(fresh_database, tenancy.tenant_id)


async def test_closing_while_the_database_is_away_keeps_nobody_waiting(
    proxy: CuttingProxy, proxied: Database, tenancy: Tenancy
) -> None:
    lanes = ledger.Lanes(proxied, real_time, posters=1, tenants_per_round=1)
    await lanes.open()
    await proxy.shut()
    waiting = [asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1))) for _ in range(2500)]
    await asyncio.sleep(0)

    async with asyncio.timeout(15):
        await lanes.close()
        faults = await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(fault) for fault in faults} == {ledger.LedgerUnavailable}
    with pytest.raises(ledger.LedgerUnavailable):
        await lanes.submit(tenancy.tenant_id, hold(tenancy, 1))
