"""Posting on PostgreSQL, one promise at a time: what is locked, what is seen, and when it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import reading, writing
from bursar.domain.credits import Credits
from tests.support.postgres import FreshDatabase

if TYPE_CHECKING:
    from bursar.db.engine import Connection

_LOW, _HIGH = UUID(int=1), UUID(int=2)

_TABLES = ("control", "issued", "groups", "wallets", "holds", "commands", "batches", "journal")


@dataclass(frozen=True)
class Place:
    """A tenant with one member, who has ten credits."""

    tenant_id: UUID
    member_id: UUID

    def hold(self, amount: int, *, hold_id: UUID | None = None) -> ledger.OpenHold:
        """A hold of whole credits."""
        return ledger.OpenHold(
            actor_id=None,
            hold_id=hold_id or uuid7(),
            member_id=self.member_id,
            amount=Credits(amount * 1_000_000),
            seconds=600,
        )

    def transfer(self, kind: str, amount: int, *, key: str | None = None) -> ledger.Transfer:
        """A transfer of whole credits."""
        return ledger.Transfer(
            actor_id=None,
            key=key,
            transfer_id=uuid7(),
            kind=kind,
            amount=Credits(amount * 1_000_000),
            member_id=None if kind == "grant" else self.member_id,
        )


@pytest.fixture
async def acme(database: Database) -> Place:
    return await _opened(database, _HIGH)


@pytest.fixture
async def globex(database: Database, acme: Place) -> Place:
    # Posted to after Acme, although its id comes first.
    return await _opened(database, _LOW)


@pytest.fixture
def superuser(fresh_database: FreshDatabase) -> Iterator[psycopg.Connection]:
    """A connection that no fence keeps out."""
    with psycopg.connect(fresh_database.admin_url, autocommit=True) as connection:
        yield connection


@pytest.mark.rule("POSTING-1")
async def test_of_two_postings_at_once_the_second_sees_what_the_first_has_done(
    database: Database, superuser: psycopg.Connection, acme: Place
) -> None:
    async with writing(database, acme.tenant_id) as tx:
        (first,) = await ledger.post(tx, acme.tenant_id, [acme.hold(7)], _as_it_is)
        posting = asyncio.create_task(_post(database, acme, acme.hold(7)))
        await _until_somebody_waits(superuser, posting)
    (second,) = await posting

    first.unwrap()
    assert second.refusal is not None
    assert second.refusal.code == "insufficient_quota"


@pytest.mark.rule("POSTING-1")
async def test_a_round_locks_its_tenants_in_the_order_of_their_ids(
    database: Database, fresh_database: FreshDatabase, superuser: psycopg.Connection, acme: Place, globex: Place
) -> None:
    both = [(acme.tenant_id, acme.hold(1)), (globex.tenant_id, globex.hold(1))]

    with psycopg.connect(fresh_database.admin_url) as first_in_line:
        first_in_line.execute("select from bursar.ledger_control where tenant_id = %s for update", [_LOW])
        posting = asyncio.create_task(_in_one_round(database, both))
        await _until_somebody_waits(superuser, posting)
        # Whoever waits for the first tenant holds none of the others, so it stands in nobody's way.
        superuser.execute("select from bursar.ledger_control where tenant_id = %s for update nowait", [_HIGH])

    for outcome in await posting:
        outcome.unwrap()


@pytest.mark.rule("POSTING-3")
async def test_what_fails_at_its_commit_is_not_answered_as_done(
    database: Database, superuser: psycopg.Connection, acme: Place
) -> None:
    superuser.execute(
        """
        create function public.fail() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;
        create constraint trigger fails_at_the_commit after insert on bursar.ledger_batches
          deferrable initially deferred for each row execute function public.fail();
        """
    )

    with pytest.raises(ledger.PostingFault):
        await _in_one_round(database, [(acme.tenant_id, acme.transfer("allocation", 1))])

    assert _count(superuser, "ledger_journal", acme.tenant_id) == 2


@pytest.mark.rule("COMMAND-2")
async def test_another_hold_with_the_id_of_one_that_waits_is_refused(database: Database, acme: Place) -> None:
    first, same, other = acme.hold(1, hold_id=_LOW), acme.hold(1, hold_id=_LOW), acme.hold(2, hold_id=_LOW)

    answers = await _in_one_round(database, [(acme.tenant_id, command) for command in (first, same, other)])

    assert answers[0].unwrap() == answers[1].unwrap()
    assert answers[2].refusal is not None
    assert answers[2].refusal.code == "key_reused"


@pytest.mark.rule("POSTING-1")
async def test_a_round_sees_the_tenants_it_posts_for_and_afterwards_nobody(
    fresh_database: FreshDatabase, superuser: psycopg.Connection, acme: Place, globex: Place
) -> None:
    connections: list[Connection] = []

    class Watched(Database):
        async def connect_posting(self) -> Connection:
            connections.append(await super().connect_posting())
            return connections[-1]

    superuser.execute(
        """
        create table public.scopes (seen uuid[]);
        create function public.note() returns trigger language plpgsql security definer as $$
          begin insert into public.scopes values (current_setting('bursar.scope')::uuid[]); return null; end $$;
        create trigger notes_the_scope after update on bursar.ledger_control execute function public.note();
        """
    )
    watched = await Watched.open(fresh_database.app_url, application_name="watched", size=1)
    lanes = ledger.Lanes(watched, _as_it_is, posters=1, tenants_per_round=8)
    await lanes.open()
    for place in (acme, globex, acme):
        (await lanes.submit(place.tenant_id, place.hold(1))).unwrap()
    afterwards = await connections[0].fetchval("select current_setting('bursar.scope', true)")
    await lanes.close()
    await watched.close()

    seen = [row[0] for row in superuser.execute("select seen from public.scopes").fetchall()]
    assert seen == [[acme.tenant_id], [globex.tenant_id], [acme.tenant_id]]
    assert not afterwards


@pytest.mark.rule("POSTING-1")
async def test_a_round_changes_a_hold_of_one_tenant_and_not_its_namesake_of_another(
    database: Database, superuser: psycopg.Connection, acme: Place, globex: Place
) -> None:
    hold_id = uuid7()
    for place in (acme, globex):
        for outcome in await _post(database, place, place.hold(1, hold_id=hold_id)):
            outcome.unwrap()

    voided, held = await _in_one_round(
        database,
        [(acme.tenant_id, ledger.VoidHold(actor_id=None, hold_id=hold_id)), (globex.tenant_id, globex.hold(1))],
    )

    voided.unwrap()
    held.unwrap()
    rows = superuser.execute("select tenant_id, state from bursar.ledger_holds where hold_id = %s", [hold_id])
    assert dict(rows.fetchall()) == {acme.tenant_id: "voided", globex.tenant_id: "open"}


@pytest.mark.parametrize("table", _TABLES)
async def test_a_statement_that_forgets_its_tenant_finds_no_other_tenants_books(
    database: Database, acme: Place, globex: Place, table: str
) -> None:
    for place in (acme, globex):
        await _post(database, place, place.hold(1), place.transfer("allocation", 1, key="the same for both"))

    async with reading(database, acme.tenant_id) as tx:
        rows = await tx.fetch(f"select distinct tenant_id from bursar.ledger_{table}")

    assert [row["tenant_id"] for row in rows] == [acme.tenant_id]


@pytest.mark.rule("POSTING-1")
async def test_a_round_writes_down_the_transfers_of_each_of_its_tenants(
    database: Database, superuser: psycopg.Connection, acme: Place, globex: Place
) -> None:
    both = [(place.tenant_id, place.transfer("allocation", 1)) for place in (acme, globex)]

    for outcome in await _in_one_round(database, both):
        outcome.unwrap()

    for tenant_id, command in both:
        rows = superuser.execute(
            "select transfer_id from bursar.ledger_journal where tenant_id = %s order by batch_number desc limit 1",
            [tenant_id],
        )
        assert rows.fetchall() == [(command.transfer_id,)]


@pytest.mark.rule("POSTING-5")
async def test_a_process_whose_clock_lags_posts_nothing_before_what_is_there(
    database: Database, superuser: psycopg.Connection, acme: Place
) -> None:
    for hours in (2, 0, 1):
        async with writing(database, acme.tenant_id) as tx:
            await ledger.post(
                tx,
                acme.tenant_id,
                [acme.transfer("allocation", 1)],
                lambda now, hours=hours: now + timedelta(hours=hours),  # type: ignore[misc]
            )

    rows = superuser.execute("select posted_at from bursar.ledger_journal order by batch_number, line").fetchall()
    assert len(rows) == 5
    assert rows == sorted(rows)


def _as_it_is(now: datetime) -> datetime:
    return now


async def _opened(database: Database, tenant_id: UUID) -> Place:
    place = Place(tenant_id, uuid7())
    group_id = uuid7()
    async with writing(database, tenant_id) as tx:
        await ledger.open_books(
            tx,
            tenant_id,
            default_group_id=group_id,
            cadence="calendar_month",
            time_zone="UTC",
            now=datetime.now(UTC),
        )
    opening = ledger.OpenWallet(actor_id=None, member_id=place.member_id, group_id=group_id)
    for outcome in await _post(database, place, opening, place.transfer("grant", 20), place.transfer("allocation", 10)):
        outcome.unwrap()
    return place


async def _post(database: Database, place: Place, *commands: ledger.Command) -> list[ledger.Outcome]:
    """Post within a transaction of its own."""
    async with writing(database, place.tenant_id) as tx:
        return await ledger.post(tx, place.tenant_id, commands, _as_it_is)


async def _in_one_round(database: Database, commands: Sequence[tuple[UUID, ledger.Command]]) -> list[ledger.Outcome]:
    """Submitted before the lanes open, so that all of it is there for the first round."""
    lanes = ledger.Lanes(database, _as_it_is, posters=1, tenants_per_round=8)
    submitted = [asyncio.create_task(lanes.submit(tenant_id, command)) for tenant_id, command in commands]
    await asyncio.sleep(0)
    await lanes.open()
    try:
        return await asyncio.gather(*submitted)
    finally:
        await lanes.close()


async def _until_somebody_waits(superuser: psycopg.Connection, posting: asyncio.Task[list[ledger.Outcome]]) -> None:
    """Until the posting waits for a lock; it must not end before."""
    while not superuser.execute(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    ).fetchall():
        assert not posting.done(), posting
        await asyncio.sleep(0.01)


def _count(superuser: psycopg.Connection, table: str, tenant_id: UUID) -> int:
    row = superuser.execute(
        f"select count(*) from bursar.{table} where tenant_id = %s",
        [tenant_id],
    ).fetchone()
    assert row is not None
    return int(row[0])
