"""However many calls race, on however many processes: what can be spent is held once. Invariants I5 and I11."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

import pytest
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import writing
from tests.support.posters import posters
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy, hold, open_tenancy, post, real_time, whole_credits

CALLS: Final = 200
AFFORDABLE: Final = 10


@pytest.fixture(params=["balance", "shared group", "pool"])
async def tenancy(database: Database, request: pytest.FixtureRequest) -> Tenancy:
    """Twenty members who together, or the first of whom alone, can afford ten calls of one credit."""
    if request.param == "balance":
        return await open_tenancy(database, members=1, pool=0, balance=AFFORDABLE)
    tenancy = await open_tenancy(database, members=20, pool=AFFORDABLE, balance=0)
    actor_id, group_id = tenancy.actor_id, tenancy.group_id
    if request.param == "pool":
        for member_id in tenancy.member_ids:
            await post(
                database,
                tenancy,
                ledger.SetSpendsPool(actor_id=actor_id, transfer_id=uuid7(), member_id=member_id, spends_pool=True),
            )
        return tenancy
    # Half of the ten in the group's balance, half in its allowance of this cycle.
    await post(
        database,
        tenancy,
        ledger.ShareGroup(actor_id=actor_id, group_id=group_id, is_shared=True),
        ledger.Transfer(
            actor_id=actor_id,
            transfer_id=uuid7(),
            kind="group_allocation",
            amount=whole_credits(AFFORDABLE // 2),
            group_id=group_id,
        ),
        ledger.SetPerCycle(
            actor_id=actor_id, transfer_id=uuid7(), per_cycle=whole_credits(AFFORDABLE - AFFORDABLE // 2)
        ),
        ledger.SetGroupMonthly(
            actor_id=actor_id,
            transfer_id=uuid7(),
            group_id=group_id,
            monthly=whole_credits(AFFORDABLE - AFFORDABLE // 2),
        ),
    )
    return tenancy


def _calls(tenancy: Tenancy) -> list[ledger.OpenHold]:
    members = tenancy.member_ids
    return [hold(tenancy, 1, members[number % len(members)]) for number in range(CALLS)]


def _count(outcomes: list[ledger.Outcome]) -> Counter[str]:
    return Counter("admitted" if outcome.refusal is None else outcome.refusal.code for outcome in outcomes)


async def test_two_hundred_holds_on_ten_calls_worth_admit_ten_over_two_processes(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    calls = _calls(tenancy)

    async with posters(fresh_database.app_url, 2) as children:
        outcomes = await asyncio.gather(
            *(children[number % 2].submit(tenancy.tenant_id, call) for number, call in enumerate(calls))
        )

    assert _count(outcomes) == {"admitted": AFFORDABLE, "insufficient_quota": CALLS - AFFORDABLE}
    await check_books(fresh_database, tenancy.tenant_id)


async def test_two_hundred_holds_each_sent_three_times_admit_ten_and_answer_each_alike(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    calls = _calls(tenancy)

    async with posters(fresh_database.app_url, 2) as children:
        first, second = children
        triples = await asyncio.gather(
            *(
                asyncio.gather(
                    first.submit(tenancy.tenant_id, call),
                    second.submit(tenancy.tenant_id, call),
                    first.submit(tenancy.tenant_id, call),
                )
                for call in calls
            )
        )
        admitted = [call for call, (answer, _, _) in zip(calls, triples, strict=True) if answer.refusal is None]
        settlements = [
            ledger.SettleHold(actor_id=tenancy.actor_id, hold_id=call.hold_id, cost=whole_credits(1))
            for call in admitted
        ]
        settled = await asyncio.gather(
            *(child.submit(tenancy.tenant_id, command) for command in settlements for child in children)
        )

    # All that could be spent was held when the last one was refused, so what was refused once stayed refused.
    assert len(admitted) == AFFORDABLE
    for triple in triples:
        assert len({repr(outcome.answer or outcome.refusal) for outcome in triple}) == 1
    charges = {answer.hold_id: answer for answer in (outcome.unwrap() for outcome in settled)}  # type: ignore[union-attr]
    assert len(charges) == AFFORDABLE
    assert sum(outcome.replayed for outcome in settled) == AFFORDABLE
    await check_books(fresh_database, tenancy.tenant_id)


async def test_two_hundred_holds_on_ten_calls_worth_admit_ten_over_many_connections(
    fresh_database: FreshDatabase, tenancy: Tenancy
) -> None:
    many = await Database.open(fresh_database.app_url, application_name="bursar tests", size=32)

    async def call(command: ledger.OpenHold) -> ledger.Outcome:
        async with writing(many, tenancy.tenant_id) as tx:
            (outcome,) = await ledger.post(tx, tenancy.tenant_id, [command], real_time)
        return outcome

    outcomes = await asyncio.gather(*(call(command) for command in _calls(tenancy)))
    await many.close()

    assert _count(outcomes) == {"admitted": AFFORDABLE, "insufficient_quota": CALLS - AFFORDABLE}
    await check_books(fresh_database, tenancy.tenant_id)
