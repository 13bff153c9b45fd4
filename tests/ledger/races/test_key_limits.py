"""However many calls race, a key spends no more than its limits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import reading, writing
from bursar.domain.refusals import Refusal
from bursar.ledger import KeyLimit
from tests.support.posters import posters
from tests.support.postgres import FreshDatabase
from tests.support.tenancies import Tenancy, open_tenancy, post, whole_credits

CALLS: Final = 60
AFFORDABLE: Final = 7


@pytest.fixture
async def tenancy(database: Database) -> Tenancy:
    return await open_tenancy(database, members=1, pool=0, balance=1_000)


def call(tenancy: Tenancy, limit: KeyLimit, *, amount: int = 1) -> ledger.OpenHold:
    return ledger.OpenHold(
        actor_id=None,
        hold_id=UUID(bytes=uuid7().bytes),
        member_id=tenancy.member_id,
        amount=whole_credits(amount),
        seconds=600,
        with_key=limit,
    )


@pytest.mark.rule("SPEND-9")
@pytest.mark.parametrize("field", ["per_cycle", "in_total"])
async def test_racing_calls_of_one_key_never_spend_more_than_its_limit(
    fresh_database: FreshDatabase, database: Database, tenancy: Tenancy, field: str
) -> None:
    limit = KeyLimit(UUID(bytes=uuid7().bytes), **{field: whole_credits(AFFORDABLE)})
    async with posters(fresh_database.app_url, 2) as children:
        outcomes = await asyncio.gather(
            *(
                children[number % len(children)].submit(tenancy.tenant_id, call(tenancy, limit))
                for number in range(CALLS)
            )
        )

    refused = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    assert len(outcomes) - len(refused) == AFFORDABLE
    assert {(refusal.code, refusal.facts["scope"], refusal.facts["available"]) for refusal in refused} == {
        ("insufficient_quota", "api_key", "0.00")
    }
    await assert_keys_are_right(database, tenancy)


@pytest.mark.rule("SPEND-9")
async def test_a_keys_limit_counts_what_was_charged_and_renews_with_the_cycle(
    database: Database, tenancy: Tenancy
) -> None:
    key_id = UUID(bytes=uuid7().bytes)
    limit = KeyLimit(key_id, per_cycle=whole_credits(10), in_total=whole_credits(25))
    first = call(tenancy, limit, amount=4)
    await post(database, tenancy, first, ledger.SettleHold(actor_id=None, hold_id=first.hold_id, cost=whole_credits(9)))

    with pytest.raises(Refusal, match=r"may spend 1\.00 more credits in this cycle, and this call needs 2\.00"):
        await post(database, tenancy, call(tenancy, limit, amount=2))
    await post(database, tenancy, ledger.ResetCycle(actor_id=None, transfer_id=uuid7(), epoch=1))
    second = call(tenancy, limit, amount=10)
    settled = ledger.SettleHold(actor_id=None, hold_id=second.hold_id, cost=whole_credits(10))
    await post(database, tenancy, second, settled)
    await post(database, tenancy, ledger.ResetCycle(actor_id=None, transfer_id=uuid7(), epoch=2))

    with pytest.raises(Refusal, match=r"may spend 6\.00 more credits in all, and this call needs 7\.00"):
        await post(database, tenancy, call(tenancy, limit, amount=7))
    await assert_keys_are_right(database, tenancy)


@pytest.mark.rule("SPEND-9")
async def test_a_hold_that_expired_and_is_settled_late_counts_its_true_cost_for_the_key(
    database: Database, tenancy: Tenancy
) -> None:
    limit = KeyLimit(UUID(bytes=uuid7().bytes), in_total=whole_credits(10))
    opened = call(tenancy, limit, amount=5)
    await post(database, tenancy, ledger.SetExpiredHolds(actor_id=None, is_charged=True), opened)
    async with reading(database, tenancy.tenant_id) as transaction:
        assert await transaction.fetchval("select held_micro from ledger_keys where tenant_id = $1", tenancy.tenant_id)
    await expire(database, tenancy, opened.hold_id)
    await post(database, tenancy, ledger.SettleHold(actor_id=None, hold_id=opened.hold_id, cost=whole_credits(2)))

    await post(database, tenancy, call(tenancy, limit, amount=8))
    with pytest.raises(Refusal, match=r"may spend 0\.00 more credits in all"):
        await post(database, tenancy, call(tenancy, limit, amount=1))
    await assert_keys_are_right(database, tenancy)


async def expire(database: Database, tenancy: Tenancy, hold_id: UUID) -> None:
    """Ends the hold, an hour after everybody else's time."""
    async with writing(database, tenancy.tenant_id) as transaction:
        command = ledger.ExpireHold(actor_id=None, hold_id=hold_id)
        (outcome,) = await ledger.post(transaction, tenancy.tenant_id, [command], lambda now: now + timedelta(hours=1))
        outcome.unwrap()


async def assert_keys_are_right(database: Database, tenancy: Tenancy) -> None:
    """Only what has no usage row, since nobody wrote one here, is missing."""
    report = await ledger.verify(database, tenancy.tenant_id)
    broken = {finding.check.id: str(finding) for finding in report.findings if finding.is_broken}
    assert set(broken) <= {"I19"}
    assert "no usage says for what" in broken.get("I19", "no usage says for what")
