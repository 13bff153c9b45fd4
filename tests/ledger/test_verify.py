"""The proofs find all well in a history with everything in it, and find each invariant broken when it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from uuid import UUID

import psycopg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.domain.transfers import KINDS
from bursar.ledger import Report, verify
from tests.ledger.planted import PLANTED, Planted, spoil
from tests.support.ledger_history import Office, live_through_everything
from tests.support.postgres import FreshDatabase, Server, copied_database

ACME = UUID("01980000-0000-7000-8000-000000000000")
GLOBEX = UUID("01980000-0000-7000-9000-000000000000")


@pytest.fixture(scope="module")
def lived_through(postgres: Server, migrated_template: str) -> Iterator[FreshDatabase]:
    """A database with the history of Acme in it, and little of Globex, for each test to copy."""

    async def live(fresh: FreshDatabase) -> None:
        database = await Database.open(fresh.app_url, application_name="bursar tests", size=4)
        try:
            await live_through_everything(Office(database, ACME))
            globex = Office(database, GLOBEX)
            await globex.open()
            await globex.do(globex.move("purchase", 5_000_000))
        finally:
            await database.close()

    with copied_database(postgres, migrated_template) as fresh:
        asyncio.run(live(fresh))
        yield fresh


@pytest.fixture
def copied(postgres: Server, lived_through: FreshDatabase) -> Iterator[FreshDatabase]:
    """A copy of that database, to be spoiled."""
    with copied_database(postgres, lived_through.name) as fresh:
        yield fresh


async def report_of(url: str, tenant_id: UUID = ACME) -> Report:
    database = await Database.open(url, application_name="bursar tests", size=2)
    try:
        return await verify(database, tenant_id)
    finally:
        await database.close()


@pytest.mark.rule("PROOF-1")
async def test_a_history_with_everything_in_it_is_proven(lived_through: FreshDatabase) -> None:
    report = await report_of(lived_through.app_url)

    assert report.is_green, str(report)
    assert [finding.check.id for finding in report.findings] == [f"I{number}" for number in range(1, 21)]


async def test_the_history_has_every_kind_of_transfer_in_it(lived_through: FreshDatabase) -> None:
    with psycopg.connect(lived_through.admin_url) as connection:
        kinds = connection.execute("select distinct kind from bursar.ledger_journal where tenant_id = %s", [ACME])

        assert {kind for (kind,) in kinds} == set(KINDS)


async def test_a_report_says_what_was_checked_and_that_it_holds(lived_through: FreshDatabase) -> None:
    with psycopg.connect(lived_through.admin_url) as connection:
        counted = connection.execute(
            "select (select count(*) from bursar.ledger_journal where tenant_id = %(acme)s),"
            " (select batch_number from bursar.ledger_control where tenant_id = %(acme)s)",
            {"acme": ACME},
        ).fetchone()
        assert counted is not None
        lines, batches = counted

    text = str(await report_of(lived_through.app_url))

    assert text.startswith(f"ten_{ACME.hex} as of batch {batches}\n")
    assert f"I9   ok      Nothing is there that was not posted. ({lines} lines)" in text
    assert text.endswith("all 20 invariants hold")


async def test_a_tenant_without_transfers_is_proven(lived_through: FreshDatabase) -> None:
    assert (await report_of(lived_through.app_url, GLOBEX)).is_green


async def test_a_tenant_that_is_not_there_is_refused(lived_through: FreshDatabase) -> None:
    with pytest.raises(Refusal, match="no such tenant"):
        await report_of(lived_through.app_url, UUID(int=7))


async def test_one_tenants_fault_is_not_anothers(copied: FreshDatabase) -> None:
    statement = "update ledger_wallets set consumed_micro = consumed_micro + 1 where tenant_id = {acme}"
    spoil(copied.admin_url, statement, tenants={"acme": ACME})

    assert not (await report_of(copied.app_url, ACME)).is_green
    assert (await report_of(copied.app_url, GLOBEX)).is_green


async def test_what_is_posted_while_the_proofs_run_does_not_disturb_them(copied: FreshDatabase) -> None:
    database = await Database.open(copied.app_url, application_name="bursar tests", size=4)
    try:
        globex = Office(database, GLOBEX, keys=count(100))

        async def keep_posting() -> None:
            for _ in range(10):
                await globex.do(globex.move("grant", 1_000_000))

        reports, _ = await asyncio.gather(asyncio.gather(*(verify(database, GLOBEX) for _ in range(3))), keep_posting())
        async with reading(database, GLOBEX) as transaction:
            posted = await transaction.fetchval(
                "select count(*) from ledger_journal where tenant_id = $1 and kind = 'grant'", GLOBEX
            )
    finally:
        await database.close()

    assert posted == 10
    assert [report.is_green for report in reports] == [True, True, True]


@pytest.mark.rule("PROOF-1")
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: f"{planted.id} {planted.said}")
async def test_a_broken_invariant_is_found_and_named(planted: Planted, copied: FreshDatabase) -> None:
    spoil(copied.admin_url, planted.statements, tenants={"acme": ACME, "globex": GLOBEX})

    report = await report_of(copied.app_url)

    broken = {finding.check.id: finding.found.broken or "" for finding in report.findings if finding.is_broken}
    assert planted.id in broken, str(report)
    assert planted.said in broken[planted.id]
    assert report.first_broken is not None
    assert not report.is_green
    assert f"{planted.id:<4} BROKEN" in str(report)


@pytest.mark.rule("CHAIN-1")
async def test_a_line_of_the_past_cannot_be_changed_unnoticed(copied: FreshDatabase) -> None:
    change = "update ledger_journal set note = 'as agreed' where tenant_id = {acme} and kind = 'redemption'"
    spoil(copied.admin_url, change, tenants={"acme": ACME})

    report = await report_of(copied.app_url)

    assert [finding.check.id for finding in report.findings if finding.is_broken] == ["I12"]


@pytest.mark.rule("CHAIN-2")
async def test_a_total_cannot_be_changed_unnoticed(copied: FreshDatabase) -> None:
    change = "update ledger_control set per_cycle_ceiling_micro = null where tenant_id = {acme}"
    spoil(copied.admin_url, change, tenants={"acme": ACME})

    report = await report_of(copied.app_url)

    assert [finding.check.id for finding in report.findings if finding.is_broken] == ["I12"]


@pytest.mark.rule("CHAIN-3")
async def test_one_tenants_history_cannot_stand_in_for_anothers(copied: FreshDatabase) -> None:
    names = ("control", "issued", "groups", "wallets", "holds", "commands", "batches", "journal", "keys")
    tables = [*(f"ledger_{name}" for name in names), "calls", "call_days", "call_marks"]
    taken_over = [
        f"delete from {table} where tenant_id = {{globex}};"
        f"update {table} set tenant_id = {{globex}} where tenant_id = {{acme}}"
        for table in tables
    ]
    spoil(copied.admin_url, ";".join(taken_over), tenants={"acme": ACME, "globex": GLOBEX})

    report = await report_of(copied.app_url, GLOBEX)

    assert [finding.check.id for finding in report.findings if finding.is_broken] == ["I12"]
    assert "batch 1 is recorded with the hash" in str(report)


def test_every_invariant_has_a_breach_to_notice() -> None:
    assert {planted.id for planted in PLANTED} == {f"I{number}" for number in range(1, 21)}


async def test_rights_beyond_the_applications_are_found_out(lived_through: FreshDatabase) -> None:
    report = await report_of(lived_through.admin_url)

    assert {"I16", "I18"} == {finding.check.id for finding in report.findings if finding.is_broken}
