"""What lanes promise their callers apart from posting: nobody waits for ever, nothing piles up."""

from __future__ import annotations

import asyncio
import gc

import pytest
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.ledger.posting import lanes as module
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy, hold, open_tenancy, real_time, transfer


@pytest.fixture
async def tenancy(database: Database) -> Tenancy:
    """A member with credits enough."""
    return await open_tenancy(database, members=1, pool=1000, balance=1000)


def _lanes(database: Database) -> ledger.Lanes:
    return ledger.Lanes(database, real_time, posters=2, tenants_per_round=8)


async def test_a_cancelled_callers_command_is_posted_all_the_same_and_found_by_asking_again(
    database: Database, fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    lanes = _lanes(database)
    call = hold(tenancy, 1)
    caller = asyncio.create_task(lanes.submit(tenancy.tenant_id, call))
    neighbour = asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1)))
    await asyncio.sleep(0)
    caller.cancel()
    await lanes.open()

    (await neighbour).unwrap()
    again = await lanes.submit(tenancy.tenant_id, call)
    await lanes.close()

    assert caller.cancelled()
    assert again.replayed
    await check_books(fresh_database, tenancy.tenant_id)


async def test_a_hold_waited_for_by_two_callers_is_one_hold_and_one_may_leave(
    database: Database, fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    lanes = _lanes(database)
    call = hold(tenancy, 1)
    leaving, staying, third = [asyncio.create_task(lanes.submit(tenancy.tenant_id, call)) for _ in range(3)]
    await asyncio.sleep(0)
    leaving.cancel()
    await lanes.open()

    outcomes = await asyncio.gather(staying, third)
    await lanes.close()

    assert outcomes[0] == outcomes[1]
    await check_books(fresh_database, tenancy.tenant_id)


async def test_what_was_submitted_before_closing_is_posted_and_what_comes_later_is_told(
    database: Database, fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    lanes = _lanes(database)
    await lanes.open()
    in_time = [asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1))) for _ in range(50)]
    await asyncio.sleep(0)

    await lanes.close()
    assert not lanes.is_posting
    with pytest.raises(ledger.LedgerUnavailable):
        await lanes.submit(tenancy.tenant_id, hold(tenancy, 1))

    assert all(outcome.refusal is None for outcome in await asyncio.gather(*in_time))
    await check_books(fresh_database, tenancy.tenant_id)


async def test_lanes_that_are_closed_before_they_were_opened_leave_nobody_waiting(
    database: Database, tenancy: Tenancy
) -> None:
    lanes = _lanes(database)
    waiting = asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1)))
    await asyncio.sleep(0)

    await lanes.close()

    with pytest.raises(ledger.LedgerUnavailable):
        await asyncio.wait_for(waiting, 5)


async def test_a_poster_that_is_cancelled_leaves_nobody_waiting(database: Database, tenancy: Tenancy) -> None:
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=8)
    await lanes.open()
    (poster,) = [task for task in asyncio.all_tasks() if task.get_name() == "ledger poster"]
    waiting = [asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1))) for _ in range(3)]
    # One step for the callers to submit, one for the poster to take; it is connecting then.
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    poster.cancel()

    async with asyncio.timeout(5):
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, ledger.LedgerUnavailable) for result in results)
    assert not lanes.is_posting
    await lanes.close()


async def test_a_tenant_that_is_done_leaves_no_lane_behind(database: Database, tenancy: Tenancy) -> None:
    lanes = _lanes(database)
    await lanes.open()

    await asyncio.gather(*(lanes.submit(uuid7(), hold(tenancy, 1)) for _ in range(300)))
    gc.collect()
    left = [thing for thing in gc.get_objects() if isinstance(thing, module._Lane)]
    await lanes.close()

    assert left == []


async def test_a_lane_has_an_end(database: Database, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMANDS_WAITING_MAX", 10)
    lanes = _lanes(database)
    waiting = [asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1))) for _ in range(12)]
    await asyncio.sleep(0)
    await lanes.open()

    results = await asyncio.gather(*waiting, return_exceptions=True)
    await lanes.close()

    assert [isinstance(result, ledger.LedgerUnavailable) for result in results] == [False] * 10 + [True] * 2


async def test_a_tenant_with_a_long_queue_lets_the_others_have_their_turn(
    database: Database, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMANDS_PER_ROUND_MAX", 5)
    quiet = await open_tenancy(database, members=1, pool=0, balance=10)
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=8)
    order: list[str] = []

    async def submit(name: str, of: Tenancy) -> None:
        (await lanes.submit(of.tenant_id, transfer(of, "reclaim", 1, of.member_id))).unwrap()
        order.append(name)

    busy = [asyncio.create_task(submit("busy", tenancy)) for _ in range(50)]
    late = asyncio.create_task(submit("quiet", quiet))
    await asyncio.sleep(0)
    await lanes.open()
    await asyncio.gather(*busy, late)
    await lanes.close()

    # After the busy tenant's first round, not after its tenth.
    assert order.index("quiet") <= 10
