"""What may be done once is done once, however many ask for it at the same moment."""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
import pytest
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from tests.support.posters import posters
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy, hold, open_tenancy, post, transfer, whole_credits

HOUR: Final = 3600


@pytest.fixture
async def tenancy(database: Database) -> Tenancy:
    """Two members with ten credits each, and a cycle with an allowance."""
    tenancy = await open_tenancy(database, members=2, pool=100, balance=10)
    await post(
        database,
        tenancy,
        ledger.SetPerCycle(actor_id=tenancy.actor_id, transfer_id=uuid7(), per_cycle=whole_credits(20)),
        ledger.SetGroupMonthly(
            actor_id=tenancy.actor_id, transfer_id=uuid7(), group_id=tenancy.group_id, monthly=whole_credits(20)
        ),
        ledger.SetMemberMonthly(
            actor_id=tenancy.actor_id, transfer_id=uuid7(), member_id=tenancy.member_id, monthly=whole_credits(5)
        ),
    )
    return tenancy


async def test_a_reset_sent_by_two_processes_at_once_happens_once(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    async with posters(fresh_database.app_url, 2) as children:
        outcomes = await asyncio.gather(
            *(
                child.submit(
                    tenancy.tenant_id, ledger.ResetCycle(actor_id=tenancy.actor_id, transfer_id=uuid7(), epoch=1)
                )
                for _ in range(10)
                for child in children
            )
        )

    assert {outcome.unwrap().epoch for outcome in outcomes} == {2}  # type: ignore[union-attr]
    issues = _journal(fresh_database, tenancy, "cycle_issue")
    assert issues == [20_000_000]
    await check_books(fresh_database, tenancy.tenant_id)


async def test_a_due_cycle_ends_once_whoever_posts_first(fresh_database: FreshDatabase, tenancy: Tenancy) -> None:
    async with posters(fresh_database.app_url, 2) as children:
        for child in children:
            await child.turn(seconds=32 * 24 * HOUR)
        outcomes = await asyncio.gather(
            *(
                child.submit(tenancy.tenant_id, ledger.EndDueCycle(actor_id=None))
                for _ in range(10)
                for child in children
            )
        )

    (epoch,) = {outcome.unwrap().epoch for outcome in outcomes}  # type: ignore[union-attr]
    assert epoch in (2, 3)
    assert _journal(fresh_database, tenancy, "cycle_issue") == [(epoch - 1) * 20_000_000]
    await check_books(fresh_database, tenancy.tenant_id)


@pytest.mark.parametrize("kind", ["redemption", "allocation"])
async def test_one_key_used_by_two_processes_moves_once(
    fresh_database: FreshDatabase, tenancy: Tenancy, kind: str
) -> None:
    member_id = tenancy.member_id if kind == "allocation" else None

    async with posters(fresh_database.app_url, 2) as children:
        # A transfer id of its own for each, as when a person presses the button twice.
        outcomes = await asyncio.gather(
            *(
                child.submit(tenancy.tenant_id, transfer(tenancy, kind, 7, member_id, key="the same"))
                for _ in range(10)
                for child in children
            )
        )
        for child in children:
            outcomes += await child.post(tenancy.tenant_id, transfer(tenancy, kind, 7, member_id, key="the same"))

    assert len({outcome.unwrap() for outcome in outcomes}) == 1
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    moved = [micro for micro in _journal(fresh_database, tenancy, kind) if micro == 7_000_000]
    assert moved == [7_000_000]
    await check_books(fresh_database, tenancy.tenant_id)


async def test_of_a_settlement_and_an_expiry_one_wins_and_the_other_is_told(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    calls = [hold(tenancy, 1, member_id, seconds=60) for member_id in tenancy.member_ids for _ in range(8)]

    async with posters(fresh_database.app_url, 2) as (gateway, sweeper):
        for outcome in await asyncio.gather(*(gateway.submit(tenancy.tenant_id, call) for call in calls)):
            outcome.unwrap()
        await gateway.turn(seconds=HOUR)
        await sweeper.turn(seconds=HOUR)
        ends = await asyncio.gather(
            *(
                asyncio.gather(
                    gateway.submit(
                        tenancy.tenant_id,
                        ledger.SettleHold(actor_id=tenancy.actor_id, hold_id=call.hold_id, cost=whole_credits(1)),
                    ),
                    sweeper.submit(tenancy.tenant_id, ledger.ExpireHold(actor_id=None, hold_id=call.hold_id)),
                )
                for call in calls
            )
        )

    for settlement, expiry in ends:
        settled, expired = settlement.unwrap(), expiry.unwrap()
        assert isinstance(settled, ledger.HoldClosed)
        assert isinstance(expired, ledger.HoldClosed)
        if expiry.replayed:
            assert settled.state == "settled"
            assert expired == settled
        else:
            # The true cost of what was delivered is charged even when the sweeper was first.
            assert (expired.state, settled.state) == ("expired", "settled_late")
        assert settled.charged_micro == 1_000_000
    assert sum(_journal(fresh_database, tenancy, "usage")) == len(calls) * 1_000_000
    await check_books(fresh_database, tenancy.tenant_id)


async def test_a_reset_a_reclaim_and_settlements_at_once_leave_nothing_behind(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    tenant_id = tenancy.tenant_id
    calls = [hold(tenancy, 1) for _ in range(12)]  # five of allowance, seven of balance

    async with posters(fresh_database.app_url, 2) as (first, second):
        for outcome in await asyncio.gather(*(first.submit(tenant_id, call) for call in calls)):
            outcome.unwrap()
        settled, reclaims, resets = await asyncio.gather(
            asyncio.gather(
                *(
                    child.submit(
                        tenant_id,
                        ledger.SettleHold(actor_id=tenancy.actor_id, hold_id=call.hold_id, cost=whole_credits(1)),
                    )
                    for call, child in zip(calls, [first, second] * 6, strict=True)
                )
            ),
            asyncio.gather(
                *(
                    child.submit(tenant_id, transfer(tenancy, "reclaim", 2, tenancy.member_id))
                    for child in (first, second)
                )
            ),
            asyncio.gather(
                *(
                    child.submit(tenant_id, ledger.ResetCycle(actor_id=tenancy.actor_id, transfer_id=uuid7(), epoch=1))
                    for child in (first, second)
                )
            ),
        )

    assert all(outcome.unwrap().state == "settled" for outcome in settled)  # type: ignore[union-attr]
    assert {outcome.unwrap().epoch for outcome in resets} == {2}  # type: ignore[union-attr]
    # Three of the ten credits of balance were never held: one reclaim of two finds them, the other does not.
    assert sorted(outcome.refusal.code if outcome.refusal else "done" for outcome in reclaims) == [
        "done",
        "insufficient_balance",
    ]
    await check_books(fresh_database, tenant_id)


async def test_a_transfer_that_twenty_clients_reverse_is_reversed_once(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    allocation = transfer(tenancy, "allocation", 3, tenancy.member_id)

    async with posters(fresh_database.app_url, 2) as children:
        (await children[0].submit(tenancy.tenant_id, allocation)).unwrap()
        outcomes = await asyncio.gather(
            *(
                children[number % 2].submit(
                    tenancy.tenant_id,
                    ledger.Reverse(
                        actor_id=tenancy.actor_id,
                        transfer_id=uuid7(),
                        reverses_id=allocation.transfer_id,
                        key=f"reversal {number}",
                    ),
                )
                for number in range(20)
            )
        )

    codes = sorted(outcome.refusal.code if outcome.refusal else "done" for outcome in outcomes)
    assert codes == ["already_reversed"] * 19 + ["done"]
    assert _journal(fresh_database, tenancy, "allocation_reversal") == [3_000_000]
    await check_books(fresh_database, tenancy.tenant_id)


def _journal(fresh_database: FreshDatabase, tenancy: Tenancy, kind: str) -> list[int]:
    """The amounts of all journal lines of a kind."""
    with psycopg.connect(fresh_database.admin_url) as connection:
        rows = connection.execute(
            "select amount_micro from bursar.ledger_journal where tenant_id = %s and kind = %s",
            [tenancy.tenant_id, kind],
        ).fetchall()
    return [micro for (micro,) in rows]
