"""docs/rules/chain.md, on the rows that PostgreSQL keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import reading, writing
from bursar.domain.credits import Credits
from bursar.ledger.core.chain import batch_hash, control_hash, genesis
from bursar.ledger.core.rows import Control, Line
from bursar.ledger.posting import tables
from tests.support.books import ACTOR, NOON, amount, identity
from tests.support.postgres import FreshDatabase


@dataclass(frozen=True)
class Kept:
    """What the database keeps of a tenant's history."""

    control: Control
    batches: list[dict[str, Any]]
    lines: list[Line]

    def first_wrong_batch(self, tenant_id: UUID) -> int | None:
        """The number of the first batch whose hash is not that of its lines and of the batch before it."""
        previous = genesis(tenant_id)
        for batch in self.batches:
            lines = [line for line in self.lines if line.batch_number == batch["batch_number"]]
            previous = batch_hash(previous, batch["batch_number"], batch["posted_at"], batch["control_hash"], lines)
            if previous != batch["hash"]:
                return int(batch["batch_number"])
        return None


async def kept(database: Database, tenant_id: UUID) -> Kept:
    async with reading(database, tenant_id) as transaction:
        control = await transaction.fetchrow(
            f"select {tables.CONTROL.listed('c')} from bursar.ledger_control c where tenant_id = $1", tenant_id
        )
        batches = await transaction.fetch(
            "select * from bursar.ledger_batches where tenant_id = $1 order by batch_number", tenant_id
        )
        lines = await transaction.fetch(
            f"select {tables.JOURNAL.listed('j')} from bursar.ledger_journal j where tenant_id = $1 "
            "order by batch_number, line",
            tenant_id,
        )
    assert control is not None
    return Kept(Control(*control), [dict(batch) for batch in batches], [Line(*line) for line in lines])


async def some_history(database: Database) -> UUID:
    """A tenant with five batches: the opening, two of transfers, one without lines, one more of transfers."""
    tenant_id, member_id, group_id = identity(), identity(), identity()
    async with writing(database, tenant_id) as transaction:
        await ledger.open_books(
            transaction, tenant_id, default_group_id=group_id, cadence="1_day", time_zone="UTC", now=NOON
        )
    grant = ledger.Transfer(actor_id=ACTOR, transfer_id=identity(), kind="grant", amount=amount("10"), note="Zwölf.")
    give = ledger.Transfer(
        actor_id=ACTOR, transfer_id=identity(), kind="allocation", amount=amount("4"), member_id=member_id
    )
    for commands in (
        [ledger.OpenWallet(actor_id=ACTOR, member_id=member_id, group_id=group_id), grant],
        [give, give],
        [ledger.ShareGroup(actor_id=ACTOR, group_id=group_id, is_shared=True)],
        [ledger.SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=Credits(1))],
    ):
        async with writing(database, tenant_id) as transaction:
            await ledger.post(transaction, tenant_id, commands, lambda _: NOON)
    return tenant_id


@pytest.mark.rule("CHAIN-1")
async def test_each_batch_carries_a_hash_over_its_lines_and_the_batch_before(database: Database) -> None:
    tenant_id = await some_history(database)

    history = await kept(database, tenant_id)

    assert [batch["batch_number"] for batch in history.batches] == [1, 2, 3, 4, 5]
    assert [batch["lines_count"] for batch in history.batches] == [0, 1, 2, 0, 1]
    assert history.first_wrong_batch(tenant_id) is None
    assert history.control.chain_hash == history.batches[-1]["hash"]


@pytest.mark.rule("CHAIN-1")
@pytest.mark.parametrize(
    "change",
    [
        "amount_micro = amount_micro + 1", "note = 'Zwei.'", "actor_id = null", "kind = 'purchase'",
        "source_after_micro = 0", "target_after_micro = 0", "target_id = null", "transfer_id = gen_random_uuid()",
        "epoch = 2", "source_sequence = 9",
    ],
)  # fmt: skip
async def test_a_line_that_is_changed_later_does_not_go_unnoticed(
    database: Database, fresh_database: FreshDatabase, change: str
) -> None:
    tenant_id = await some_history(database)
    batch_number = 3 if change.startswith("target_id") else 2

    with psycopg.connect(fresh_database.admin_url, autocommit=True) as admin:
        # As the owner of the server, whom nothing in the database can stop.
        changed = admin.execute(
            f"update bursar.ledger_journal set {change} where tenant_id = %s and batch_number = %s",
            (tenant_id, batch_number),
        )

    assert changed.rowcount > 0
    assert (await kept(database, tenant_id)).first_wrong_batch(tenant_id) == batch_number


@pytest.mark.rule("CHAIN-1")
async def test_a_line_that_is_removed_and_one_that_is_added_do_not_go_unnoticed(database: Database) -> None:
    tenant_id = await some_history(database)
    history = await kept(database, tenant_id)

    shorter = replace(history, lines=history.lines[:1] + history.lines[2:])
    longer = replace(history, lines=[*history.lines, history.lines[-1]._replace(line=2)])

    assert (shorter.first_wrong_batch(tenant_id), longer.first_wrong_batch(tenant_id)) == (3, 5)


@pytest.mark.rule("CHAIN-2")
async def test_the_hash_covers_the_control_row_in_a_batch_without_lines_as_well(database: Database) -> None:
    tenant_id = await some_history(database)
    history = await kept(database, tenant_id)

    assert control_hash(history.control) == history.batches[-1]["control_hash"]
    for changed in (
        replace(history.control, pool_micro=history.control.pool_micro + 1),
        replace(history.control, per_cycle_micro=2),
        replace(history.control, epoch=2),
        replace(history.control, pool_sequence=history.control.pool_sequence + 1),
        replace(history.control, cadence="1_week"),
        replace(history.control, epoch_ends_at=NOON),
    ):
        assert control_hash(changed) != history.batches[-1]["control_hash"]

    # The fourth batch has no lines: only its control row and its place are in its hash.
    history.batches[3]["control_hash"] = history.batches[2]["control_hash"]
    assert history.first_wrong_batch(tenant_id) == 4


@pytest.mark.rule("CHAIN-3")
async def test_one_tenants_history_cannot_stand_in_for_anothers(database: Database) -> None:
    tenant_id, other_id = await some_history(database), identity()

    history = await kept(database, tenant_id)

    assert genesis(tenant_id) != genesis(other_id)
    assert history.first_wrong_batch(other_id) == 1
