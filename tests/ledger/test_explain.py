"""What a balance is, and transfer by transfer why; in figures that agree with what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

import psycopg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, platform_reading, reading
from bursar.domain.accounts import Account
from bursar.domain.credits import ZERO, Credits
from bursar.domain.refusals import Refusal
from bursar.domain.transfers import KINDS
from bursar.ledger import (
    EndDueCycle,
    Entry,
    OfGroup,
    OfMember,
    OfPool,
    OfTransfer,
    Place,
    Statement,
    Subject,
    TransferFilter,
    due,
    explain,
    find_transfers,
    group_figures,
    holds_past_deadline,
    list_member_figures,
    member_balance,
    pool_figures,
    tenant_figures,
)
from tests.support.ledger_clock import TurnedClock
from tests.support.ledger_history import Office, live_through_everything
from tests.support.postgres import FreshDatabase, Server, copied_database

ACME = UUID("01980000-0000-7000-8000-000000000000")
EVERYBODY = ("ann", "bob", "cat", "dan", "fay", "gus", "hal", "joe", "kim", "lou", "boss")


@pytest.fixture(scope="module")
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(scope="module")
def lived_through(postgres: Server, migrated_template: str, clock: TurnedClock) -> Iterator[FreshDatabase]:
    """A database with a history in it, for every test of this module to read."""

    async def live(fresh: FreshDatabase) -> None:
        database = await Database.open(fresh.app_url, application_name="bursar tests", size=4)
        try:
            await live_through_everything(Office(database, ACME, clock))
        finally:
            await database.close()

    with copied_database(postgres, migrated_template) as fresh:
        asyncio.run(live(fresh))
        yield fresh


@pytest.fixture
async def acme(lived_through: FreshDatabase, clock: TurnedClock) -> AsyncIterator[Office]:
    database = await Database.open(lived_through.app_url, application_name="bursar tests", size=4)
    yield Office(database, ACME, clock)
    await database.close()


@asynccontextmanager
async def looking(office: Office) -> AsyncIterator[Transaction]:
    async with reading(office.database, office.tenant_id) as transaction:
        yield transaction


async def tell(office: Office, subject: Subject, *, limit: int = 1_000) -> list[Statement]:
    """The subject's whole story, page by page."""
    pages: list[Statement] = []
    after: Place | None = None
    async with looking(office) as transaction:
        while not pages or after is not None:
            pages.append(await explain(transaction, office.tenant_id, subject, office.clock, after=after, limit=limit))
            after = pages[-1].next_place
    return pages


def entries_of(pages: list[Statement]) -> list[Entry]:
    return [entry for page in pages for entry in page.entries]


SUBJECTS = [
    OfPool(),
    *(OfMember(uuid5(ACME, name)) for name in EVERYBODY),
    *(OfGroup(uuid5(ACME, name)) for name in ("Default", "Sales", "Lab", "Old", "East", "West")),
]


@pytest.mark.rule("PROOF-2")
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
async def test_each_transfer_begins_where_the_last_one_of_its_account_ended(acme: Office, subject: Subject) -> None:
    entries = entries_of(await tell(acme, subject))

    last: dict[str, Credits] = {}
    for entry in entries:
        side = entry.side
        if side.account != Account.CONSUMED:
            assert side.before == last.get(side.account, ZERO), entry
        assert side.before + side.amount == side.after
        last[side.account] = side.after
    assert [entry.transfer.place for entry in entries] == sorted(entry.transfer.place for entry in entries)


@pytest.mark.rule("PROOF-2")
async def test_the_pools_story_leads_to_what_the_pool_has(acme: Office) -> None:
    pages = await tell(acme, OfPool())

    async with looking(acme) as transaction:
        figures = await pool_figures(transaction, ACME, acme.clock)
        stored = await transaction.fetchrow(
            "select pool_micro, pool_held_micro from ledger_control where tenant_id = $1", ACME
        )
    assert stored is not None
    assert entries_of(pages)[-1].side.after == figures.balance == Credits(stored["pool_micro"])
    assert figures.available == figures.balance - Credits(stored["pool_held_micro"])
    assert pages[-1].figures == figures


@pytest.mark.parametrize("name", EVERYBODY)
async def test_a_members_story_leads_to_its_balance(acme: Office, name: str) -> None:
    member_id = acme.id_of(name)

    pages = await tell(acme, OfMember(member_id))

    async with looking(acme) as transaction:
        figures = await member_balance(transaction, ACME, member_id, acme.clock)
        stored = await transaction.fetchval(
            "select balance_micro from ledger_wallets where tenant_id = $1 and member_id = $2", ACME, member_id
        )
    balances = [entry.side.after for entry in entries_of(pages) if entry.side.account == Account.MEMBER_BALANCE]
    assert (balances[-1] if balances else ZERO) == figures.balance == Credits(stored)
    assert figures.remaining == figures.allowance + figures.balance - figures.held
    assert pages[-1].figures == figures


async def test_a_page_continues_where_the_last_one_ended(acme: Office) -> None:
    whole = entries_of(await tell(acme, OfMember(acme.id_of("gus"))))

    pages = await tell(acme, OfMember(acme.id_of("gus")), limit=7)

    assert entries_of(pages) == whole
    assert {len(page.entries) for page in pages[:-1]} == {7}
    assert [page.figures is None for page in pages] == [True] * (len(pages) - 1) + [False]


async def test_an_allocation_tells_who_gave_it_and_why_and_what_took_it_back(acme: Office) -> None:
    (page,) = await tell(acme, OfTransfer(acme.id_of("allocation to ann")))

    (entry,) = page.entries
    transfer = entry.transfer
    assert (transfer.kind, transfer.label) == ("allocation", KINDS["allocation"].label)
    assert transfer.actor_id == acme.id_of("boss")
    assert transfer.note is not None
    assert (transfer.source.amount, transfer.target.amount) == (-transfer.amount, transfer.amount)
    assert transfer.source.before - transfer.source.after == transfer.amount
    assert page.reversed_by == (acme.id_of("reversal of allocation to ann"),)

    (opposite,) = await tell(acme, OfTransfer(page.reversed_by[0]))
    assert [entry.transfer.reverses_id for entry in opposite.entries] == [transfer.transfer_id]


async def test_a_call_tells_everything_that_was_charged_and_given_back_for_it(acme: Office) -> None:
    hold_id = acme.id_of("bob 2")

    (page,) = await tell(acme, OfTransfer(hold_id))

    async with looking(acme) as transaction:
        settled = await transaction.fetchval(
            "select settled_micro from ledger_holds where tenant_id = $1 and hold_id = $2", ACME, hold_id
        )
    charged = sum(entry.transfer.amount.micro for entry in page.entries if entry.transfer.kind == "usage")
    refunded = sum(entry.transfer.amount.micro for entry in page.entries if entry.transfer.kind == "usage_refund")
    assert refunded > 0
    assert charged - refunded == settled
    assert {entry.transfer.hold_id for entry in page.entries} == {hold_id}


async def test_what_is_not_there_is_not_explained(acme: Office) -> None:
    for subject, code in (
        (OfMember(uuid4()), "member_unknown"),
        (OfGroup(uuid4()), "group_unknown"),
        (OfTransfer(uuid4()), "transfer_unknown"),
    ):
        with pytest.raises(Refusal) as refused:
            await tell(acme, subject)
        assert refused.value.code == code

    stranger = Office(acme.database, uuid4(), acme.clock)
    with pytest.raises(Refusal) as refused:
        await tell(stranger, OfPool())
    assert refused.value.code == "tenant_unknown"


async def test_another_tenant_finds_nothing(acme: Office) -> None:
    stranger = uuid4()
    async with reading(acme.database, stranger) as transaction:
        found = await find_transfers(transaction, ACME, OfPool(), TransferFilter(), before=None, limit=10)

    assert found == []


@pytest.mark.parametrize("subject", [OfPool(), OfMember(uuid5(ACME, "cat"))], ids=str)
async def test_the_latest_transfers_come_first_and_page_by_page(acme: Office, subject: OfPool | OfMember) -> None:
    async with looking(acme) as transaction:
        whole = await find_transfers(transaction, ACME, subject, TransferFilter(), before=None, limit=1_000)
        paged = []
        before = None
        while page := await find_transfers(transaction, ACME, subject, TransferFilter(), before=before, limit=7):
            paged += page
            before = page[-1].place

    assert paged == whole
    assert whole == [entry.transfer for entry in reversed(entries_of(await tell(acme, subject)))]
    assert [transfer.place for transfer in whole] == sorted((transfer.place for transfer in whole), reverse=True)


@pytest.mark.parametrize("kinds", [("allocation", "allowance_renewal"), ("usage",), ("allocation", "usage")], ids=str)
@pytest.mark.parametrize("subject", [OfPool(), OfMember(uuid5(ACME, "cat"))], ids=str)
async def test_transfers_are_found_by_subject_and_kind(
    acme: Office, subject: OfPool | OfMember, kinds: tuple[str, ...]
) -> None:
    async with looking(acme) as transaction:
        found = await find_transfers(transaction, ACME, subject, TransferFilter(kinds), before=None, limit=1_000)

    told = [entry.transfer for entry in entries_of(await tell(acme, subject)) if entry.transfer.kind in kinds]
    assert found == list(reversed(told))
    assert found


async def test_a_kind_that_is_not_in_the_catalogue_is_refused(acme: Office) -> None:
    async with looking(acme) as transaction:
        with pytest.raises(Refusal) as refused:
            await find_transfers(transaction, ACME, OfPool(), TransferFilter(("gift",)), before=None, limit=10)

    assert refused.value.code == "kind_unknown"


async def test_the_summary_counts_every_credit_once(acme: Office) -> None:
    async with looking(acme) as transaction:
        figures = await tenant_figures(transaction, ACME, acme.clock)
        members = await list_member_figures(transaction, ACME, [acme.id_of(name) for name in EVERYBODY], acme.clock)
        consumed = await transaction.fetchval("select consumed_micro from ledger_control where tenant_id = $1", ACME)

    assert figures.utilized == Credits(consumed)
    assert figures.available == figures.purchased - figures.utilized
    assert figures.available == figures.unassigned + figures.spendable + figures.held
    assert figures.purchased == figures.assigned + figures.pool_used + figures.unassigned
    assert figures.spendable == Credits(sum(member.remaining.micro for member in members.values()))
    assert figures.utilized == Credits(sum(member.consumed.micro for member in members.values()))


async def test_a_cycle_that_ended_without_a_posting_is_read_as_ended(
    postgres: Server, lived_through: FreshDatabase, clock: TurnedClock
) -> None:
    with copied_database(postgres, lived_through.name) as copied:
        database = await Database.open(copied.app_url, application_name="bursar tests", size=4)
        office = Office(database, ACME, TurnedClock(clock.now + timedelta(days=3)))
        names = [office.id_of(name) for name in EVERYBODY]
        groups = [office.id_of(name) for name in ("Default", "Sales", "Lab")]
        try:
            async with looking(office) as transaction:
                summary = await tenant_figures(transaction, ACME, office.clock)
                members = await list_member_figures(transaction, ACME, names, office.clock)
                budgets = [await group_figures(transaction, ACME, group, office.clock) for group in groups]
                epoch = await transaction.fetchval("select epoch from ledger_control where tenant_id = $1", ACME)

            await office.do(EndDueCycle(actor_id=None))

            async with looking(office) as transaction:
                assert summary == await tenant_figures(transaction, ACME, office.clock)
                assert members == await list_member_figures(transaction, ACME, names, office.clock)
                assert budgets == [await group_figures(transaction, ACME, group, office.clock) for group in groups]
        finally:
            await database.close()

    assert summary.cycle.epoch == epoch + 3
    assert {member.used for member in members.values()} == {ZERO}


async def test_what_the_clock_asks_for_is_found(lived_through: FreshDatabase, acme: Office) -> None:
    with psycopg.connect(lived_through.admin_url) as connection:
        row = connection.execute(
            "select epoch_ends_at, (select max(expires_at) from bursar.ledger_holds where state = 'open'),"
            " (select count(*) from bursar.ledger_holds where state = 'open') from bursar.ledger_control"
        ).fetchone()
    assert row is not None
    ends_at, last_deadline, open_holds = row
    platform = await Database.open(lived_through.platform_url, application_name="bursar tests", size=2)
    try:
        async with platform_reading(platform) as transaction:
            before_the_end = await due(transaction, ends_at - timedelta(seconds=1))
            at_the_end = await due(transaction, ends_at)
            past_deadlines = await due(transaction, last_deadline)
            in_the_past = await due(transaction, ends_at - timedelta(days=365))
    finally:
        await platform.close()
    async with looking(acme) as transaction:
        holds = await holds_past_deadline(transaction, ACME, last_deadline)

    assert (before_the_end.with_ended_cycle, at_the_end.with_ended_cycle) == ((), (ACME,))
    assert (in_the_past.with_holds_past_deadline, past_deadlines.with_holds_past_deadline) == ((), (ACME,))
    assert len(holds) == len(set(holds)) == open_holds > 0
