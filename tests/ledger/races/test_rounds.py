"""Many tenants share a round; one that is at fault leaves it, and none sees another's rows. Invariant I16."""

from __future__ import annotations

import asyncio
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy, hold, open_tenancy, real_time, transfer, whole_credits

TENANTS = 12


@pytest.fixture
async def tenancies(database: Database) -> list[Tenancy]:
    """A dozen tenants, each with a member who has ten credits."""
    return [await open_tenancy(database, members=1, pool=5, balance=10) for _ in range(TENANTS)]


async def test_many_tenants_post_in_one_transaction(
    fresh_database: FreshDatabase, database: Database, tenancies: list[Tenancy]
) -> None:
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=64)
    # Submitted before the lanes open, so that all of it is there for the first round.
    submitted = [
        asyncio.create_task(lanes.submit(tenancy.tenant_id, hold(tenancy, 1)))
        for tenancy in tenancies
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    await lanes.open()

    for outcome in await asyncio.gather(*submitted):
        outcome.unwrap()
    await lanes.close()

    with psycopg.connect(fresh_database.admin_url) as connection:
        postings = connection.execute(
            "select count(distinct posting_id), count(*) from bursar.ledger_batches where batch_number = "
            "(select max(batch_number) from bursar.ledger_batches)"
        ).fetchone()
    assert postings == (1, TENANTS)
    for tenancy in tenancies:
        await check_books(fresh_database, tenancy.tenant_id)


# What a superuser did to a tenant's rows, and what becomes of the next batch by it: the database refuses to write it
# (a CHECK fails), or the core finds a state that cannot be, or a row that the rows say is there is not.
_CORRUPTIONS = {
    "a held total that is gone": "update bursar.ledger_control set members_held_micro = 0 where tenant_id = %s",
    "a wallet that is gone": "delete from bursar.ledger_wallets where tenant_id = %s",
    "a batch number used before": (
        "insert into bursar.ledger_batches select tenant_id, batch_number + 1, posted_at, 0, hash, hash, posting_id "
        "from bursar.ledger_batches where tenant_id = %s order by batch_number desc limit 1"
    ),
    "a cadence nobody knows": (
        "update bursar.ledger_control set cadence = 'lunar', epoch_started_at = '2020-01-01', "
        "epoch_ends_at = '2020-02-01' where tenant_id = %s"
    ),
}


@pytest.mark.parametrize("corruption", _CORRUPTIONS)
async def test_a_tenant_at_fault_leaves_the_round_and_the_others_go_through(
    fresh_database: FreshDatabase, database: Database, tenancies: list[Tenancy], corruption: str
) -> None:
    opened = [hold(tenancy, 1) for tenancy in tenancies]
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=64)
    before = [
        asyncio.create_task(lanes.submit(t.tenant_id, command)) for t, command in zip(tenancies, opened, strict=True)
    ]
    await asyncio.sleep(0)
    await lanes.open()
    for outcome in await asyncio.gather(*before):
        outcome.unwrap()
    broken, healthy = tenancies[TENANTS // 2], [t for t in tenancies if t is not tenancies[TENANTS // 2]]
    with psycopg.connect(fresh_database.admin_url) as connection:
        connection.execute(_CORRUPTIONS[corruption].encode(), [broken.tenant_id])
        lines_before = _count_lines(connection, broken.tenant_id)

    ends = await asyncio.gather(
        *(
            lanes.submit(
                tenancy.tenant_id,
                ledger.SettleHold(actor_id=tenancy.actor_id, hold_id=command.hold_id, cost=whole_credits(1)),
            )
            for tenancy, command in zip(tenancies, opened, strict=True)
        ),
        return_exceptions=True,
    )
    # A tenant at fault is no reason for the others to have their next rounds fail, nor to be posted one by one.
    later = await asyncio.gather(*(lanes.submit(t.tenant_id, hold(t, 1)) for t in healthy))
    assert lanes.is_posting
    await lanes.close()

    assert [isinstance(end, ledger.PostingFault) for end in ends] == [tenancy is broken for tenancy in tenancies]
    assert all(outcome.refusal is None for outcome in later)
    with psycopg.connect(fresh_database.admin_url) as connection:
        assert _count_lines(connection, broken.tenant_id) == lines_before
    for tenancy in healthy:
        await check_books(fresh_database, tenancy.tenant_id)


async def test_no_lane_shows_a_tenant_the_rows_of_another_in_the_same_round(
    fresh_database: FreshDatabase, database: Database, tenancies: list[Tenancy]
) -> None:
    mine, theirs = tenancies[0], tenancies[1]
    their_hold = hold(theirs, 1)
    their_allocation = transfer(theirs, "allocation", 1, theirs.member_id, key="a key of theirs")
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=64)
    submitted = [
        asyncio.create_task(lanes.submit(tenant_id, command))
        for tenant_id, command in [
            (theirs.tenant_id, their_hold),
            (theirs.tenant_id, their_allocation),
            # What is theirs, named by me, in the same round: holds, members, groups, transfers, keys.
            (mine.tenant_id, ledger.SettleHold(actor_id=None, hold_id=their_hold.hold_id, cost=whole_credits(1))),
            (mine.tenant_id, ledger.VoidHold(actor_id=None, hold_id=their_hold.hold_id)),
            (mine.tenant_id, hold(mine, 1, theirs.member_id)),
            (mine.tenant_id, transfer(mine, "allocation", 1, theirs.member_id)),
            (
                mine.tenant_id,
                ledger.Reverse(actor_id=None, transfer_id=uuid7(), reverses_id=their_allocation.transfer_id),
            ),
            (mine.tenant_id, ledger.ShareGroup(actor_id=None, group_id=theirs.group_id, is_shared=True)),
            (mine.tenant_id, transfer(mine, "allocation", 1, mine.member_id, key="a key of theirs")),
        ]
    ]
    await asyncio.sleep(0)
    await lanes.open()
    held, allocated, *of_mine, same_key = await asyncio.gather(*submitted)
    # And once more when it is all stored, not only in the round's own memory.
    again = await lanes.submit(
        mine.tenant_id, ledger.SettleHold(actor_id=None, hold_id=their_hold.hold_id, cost=whole_credits(1))
    )
    await lanes.close()

    held.unwrap()
    allocated.unwrap()
    assert [outcome.refusal.code for outcome in (*of_mine, again) if outcome.refusal is not None] == [
        "hold_unknown",
        "hold_unknown",
        "member_unknown",
        "member_unknown",
        "transfer_unknown",
        "group_unknown",
        "hold_unknown",
    ]
    # Their key means nothing to me: mine moved my own credits.
    assert not same_key.replayed
    same_key.unwrap()
    for tenancy in (mine, theirs):
        await check_books(fresh_database, tenancy.tenant_id)


async def test_one_hold_id_used_by_two_tenants_is_two_holds(
    fresh_database: FreshDatabase, database: Database, tenancies: list[Tenancy]
) -> None:
    mine, theirs = tenancies[0], tenancies[1]
    call = hold(mine, 1)
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=64)
    await lanes.open()

    for tenancy, amount in ((mine, 1), (theirs, 2)):
        outcome = await lanes.submit(
            tenancy.tenant_id,
            ledger.OpenHold(
                actor_id=None,
                hold_id=call.hold_id,
                member_id=tenancy.member_id,
                amount=whole_credits(amount),
                seconds=60,
            ),
        )
        assert not outcome.replayed
        outcome.unwrap()
    (await lanes.submit(mine.tenant_id, ledger.VoidHold(actor_id=None, hold_id=call.hold_id))).unwrap()
    await lanes.close()

    with psycopg.connect(fresh_database.admin_url) as connection:
        states: dict[object, object] = dict(
            connection.execute("select tenant_id, state from bursar.ledger_holds where hold_id = %s", [call.hold_id])
        )
    assert states == {mine.tenant_id: "voided", theirs.tenant_id: "open"}


async def test_a_tenant_without_books_is_refused_and_its_neighbours_go_through(
    database: Database, tenancies: list[Tenancy]
) -> None:
    lanes = ledger.Lanes(database, real_time, posters=1, tenants_per_round=64)
    submitted = [
        asyncio.create_task(lanes.submit(tenant_id, hold(tenancies[0], 1)))
        for tenant_id in (uuid7(), tenancies[0].tenant_id)
    ]
    await asyncio.sleep(0)
    await lanes.open()

    unknown, known = await asyncio.gather(*submitted)
    await lanes.close()

    assert unknown.refusal is not None
    assert unknown.refusal.code == "tenant_unknown"
    known.unwrap()


def _count_lines(connection: psycopg.Connection, tenant_id: UUID) -> object:
    return connection.execute("select count(*) from bursar.ledger_journal where tenant_id = %s", [tenant_id]).fetchone()
