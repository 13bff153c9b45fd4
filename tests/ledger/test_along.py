"""What is written along with a command: in its own transaction, once, or not at all."""

from __future__ import annotations

import asyncpg
import pytest

from bursar import ledger
from bursar.actions.calls import written_with
from bursar.db.engine import Database
from bursar.db.transaction import reading, writing
from bursar.domain.refusals import Refusal
from tests.support.tenancies import Tenancy, hold, open_tenancy, post, whole_credits
from tests.support.usage_rows import usage_row


@pytest.fixture
async def tenancy(database: Database) -> Tenancy:
    return await open_tenancy(database, members=1, pool=0, balance=10)


def settlement(tenancy: Tenancy, opened: ledger.OpenHold, cost: int) -> ledger.SettleHold:
    """The settlement, with the row that says what for."""
    bare = ledger.SettleHold(actor_id=None, hold_id=opened.hold_id, cost=whole_credits(cost))
    along = written_with(usage_row(bare, member_id=tenancy.member_id))
    return ledger.SettleHold(actor_id=None, hold_id=opened.hold_id, cost=whole_credits(cost), along=along)


async def rows(database: Database, tenancy: Tenancy) -> list[tuple[int, int, str]]:
    """The credits, batch and outcome of every row of usage."""
    async with reading(database, tenancy.tenant_id) as transaction:
        found = await transaction.fetch(
            "select credits_micro, batch_number, outcome from calls where tenant_id = $1 order by batch_number",
            tenancy.tenant_id,
        )
    return [(row["credits_micro"], row["batch_number"], row["outcome"]) for row in found]


async def batch_of(database: Database, tenancy: Tenancy) -> int:
    """The number of the tenant's last batch."""
    async with reading(database, tenancy.tenant_id) as transaction:
        return int(
            await transaction.fetchval(
                "select batch_number from ledger_control where tenant_id = $1", tenancy.tenant_id
            )
        )


@pytest.mark.rule("COMMAND-8", "CALL-9")
async def test_a_settlement_and_its_row_of_usage_are_written_together_and_once(
    database: Database, tenancy: Tenancy
) -> None:
    opened = hold(tenancy, 3)
    settled = settlement(tenancy, opened, 2)
    await post(database, tenancy, opened)
    await post(database, tenancy, settled)
    batch = await batch_of(database, tenancy)
    await post(database, tenancy, settled)

    assert await rows(database, tenancy) == [(2_000_000, batch, "delivered")]


@pytest.mark.rule("COMMAND-8")
async def test_a_refused_command_writes_nothing_along(database: Database, tenancy: Tenancy) -> None:
    opened = hold(tenancy, 3)
    await post(database, tenancy, opened, ledger.VoidHold(actor_id=None, hold_id=opened.hold_id))
    with pytest.raises(Refusal, match="was voided"):
        await post(database, tenancy, settlement(tenancy, opened, 2))

    assert await rows(database, tenancy) == []


@pytest.mark.rule("COMMAND-8")
async def test_a_row_without_a_settlement_has_its_place_in_the_order_as_well(
    database: Database, tenancy: Tenancy
) -> None:
    opened = hold(tenancy, 0)
    carried = settlement(tenancy, opened, 0).along
    before = await batch_of(database, tenancy)
    await post(database, tenancy, ledger.WriteAlong(actor_id=None, along=carried))

    assert await rows(database, tenancy) == [(0, before + 1, "delivered")]


@pytest.mark.rule("CALL-9")
async def test_a_row_of_usage_is_never_changed(database: Database, tenancy: Tenancy) -> None:
    opened = hold(tenancy, 3)
    await post(database, tenancy, opened)
    await post(database, tenancy, settlement(tenancy, opened, 2))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with writing(database, tenancy.tenant_id) as transaction:
            await transaction.execute("update calls set credits_micro = 0 where tenant_id = $1", tenancy.tenant_id)
    assert [charged for charged, _, _ in await rows(database, tenancy)] == [2_000_000]
