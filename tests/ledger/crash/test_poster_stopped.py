"""A poster that dies or stops while it holds a tenant's lock: others wait for it, but not for long."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

import psycopg
import pytest

from bursar.db.engine import POSTING_IDLE_TIMEOUT_MILLISECONDS, POSTING_LOCK_TIMEOUT_MILLISECONDS, Database
from tests.support.acknowledged import Acknowledged
from tests.support.posters import ChildDied, posters
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import hold, open_tenancy, transfer

DELAY_SECONDS_MAX: Final = (POSTING_IDLE_TIMEOUT_MILLISECONDS + 2 * POSTING_LOCK_TIMEOUT_MILLISECONDS) / 1000


@pytest.mark.alone
async def test_a_poster_stopped_under_its_lock_delays_others_no_longer_than_the_bound_and_does_no_harm_afterwards(
    fresh_database: FreshDatabase, database: Database
) -> None:
    tenancy = await open_tenancy(database, members=1, pool=100, balance=100)
    tenant_id, acknowledged = tenancy.tenant_id, Acknowledged()
    loop = asyncio.get_running_loop()
    # Without a key, so that posting it twice would move it twice.
    stopped_command = transfer(tenancy, "allocation", 1, tenancy.member_id)

    async with posters(fresh_database.app_url, 2) as (stopped, other):
        for child in (stopped, other):
            (await child.submit(tenant_id, hold(tenancy, 1))).unwrap()
        await stopped.arm(signal.SIGSTOP)
        answer_of_stopped = asyncio.create_task(stopped.submit(tenant_id, stopped_command))
        await stopped.wait_until_stopped()

        began = loop.time()
        commands = [hold(tenancy, 1) for _ in range(10)] + [transfer(tenancy, "allocation", 2, tenancy.member_id)]
        outcomes = await asyncio.gather(*(other.submit(tenant_id, command) for command in commands))
        took_seconds = loop.time() - began
        assert not answer_of_stopped.done()
        stopped.send(signal.SIGCONT)
        outcome_of_stopped = await answer_of_stopped

    # The lock was really held: without that, nobody would have had to wait.
    assert POSTING_LOCK_TIMEOUT_MILLISECONDS / 1000 < took_seconds < DELAY_SECONDS_MAX
    for command, outcome in zip([*commands, stopped_command], [*outcomes, outcome_of_stopped], strict=True):
        assert outcome.refusal is None
        acknowledged.note(tenant_id, command, outcome)
    acknowledged.check(fresh_database.admin_url)
    await check_books(fresh_database, tenant_id)


async def test_a_poster_killed_under_its_lock_delays_nobody_and_leaves_nothing(
    fresh_database: FreshDatabase, database: Database
) -> None:
    tenancy = await open_tenancy(database, members=1, pool=100, balance=100)
    lost = transfer(tenancy, "allocation", 1, tenancy.member_id)

    async with posters(fresh_database.app_url, 2) as (killed, other):
        (await other.submit(tenancy.tenant_id, hold(tenancy, 1))).unwrap()
        await killed.arm(signal.SIGKILL)
        with pytest.raises(ChildDied):
            await killed.submit(tenancy.tenant_id, lost)
        async with asyncio.timeout(DELAY_SECONDS_MAX):
            (await other.submit(tenancy.tenant_id, hold(tenancy, 1))).unwrap()

    with psycopg.connect(fresh_database.admin_url) as connection:
        assert not connection.execute(
            "select from bursar.ledger_journal where transfer_id = %s", [lost.transfer_id]
        ).fetchall()
    await check_books(fresh_database, tenancy.tenant_id)
