"""The plans by which transfers are found in a journal that is nearly all usage: each enters the index made for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.ledger import OfMember, OfPool, TransferFilter, find_transfers, journal_search
from tests.support.people import insert_tenant
from tests.support.postgres import FreshDatabase

LINES = 40_000
MEMBER, ADMIN = UUID(int=7), UUID(int=3)


@pytest.fixture
async def tenant_id(fresh_database: FreshDatabase, database: Database) -> UUID:
    """A tenant with months of calls: of a hundred lines one is an allocation, and one a call of a tenant admin."""
    tenant_id = await insert_tenant(database, "Acme")
    connection = await asyncpg.connect(fresh_database.admin_url)
    await connection.execute(
        """
        insert into bursar.ledger_journal
            (tenant_id, transfer_id, source_id, target_id, actor_id, posted_at, batch_number, amount_micro,
             source_after_micro, source_sequence, target_after_micro, target_sequence, line, epoch,
             kind, source, target)
        select $1, lpad(to_hex(n), 32, '0')::uuid,
               case when n % 100 > 1 then member end,
               case when n % 100 = 1 then $3 else member end,
               case when n % 100 < 2 then $3 end,
               '2026-03-01Z'::timestamptz + n * interval '1 minute', n, 10000, 0, n, 0, n, 0, 1,
               case n % 100 when 0 then 'allocation' else 'usage' end,
               case when n % 100 < 2 then 'pool' else 'member_balance' end,
               case n % 100 when 0 then 'member_balance' else 'consumed' end
        from generate_series(1, $2) n
        cross join lateral (select lpad(to_hex(n % 50), 32, '0')::uuid) as of_call (member)
        """,
        tenant_id,
        LINES,
        ADMIN,
    )
    await connection.execute(
        """
        insert into bursar.ledger_batches
            (tenant_id, batch_number, posted_at, lines_count, control_hash, hash, posting_id)
        select $1, n, '2026-03-01Z'::timestamptz + n * interval '1 minute', 1, '', '', gen_random_uuid()
        from generate_series(1, $2) n
        """,
        tenant_id,
        LINES,
    )
    await connection.execute("analyze bursar.ledger_journal, bursar.ledger_batches")
    await connection.close()
    return tenant_id


@dataclass(frozen=True)
class Way:
    """One way of narrowing: what is asked, and the index that it leads through."""

    arm: str
    index: str
    kinds: tuple[str, ...] | None = None
    actor_id: UUID | None = None


WAYS = {
    "the pool": Way(journal_search._OF_POOL, "of_pool"),
    "the pool's use": Way(journal_search._POOL_USE, "of_pool", kinds=("usage",)),
    "the pool by kind": Way(journal_search._POOL_BY_KIND, "of_pool_by_kind", kinds=("allocation", "grant")),
    "the pool by who acted": Way(journal_search._POOL_BY_ACTOR, "of_pool_by_actor", actor_id=ADMIN),
    "the pool's use by who acted": Way(journal_search._POOL_USE_BY_ACTOR, "pool_use_by_actor", actor_id=ADMIN),
    "what the pool gave somebody": Way(journal_search._POOL_GAVE, "given"),
    "what the pool took from somebody": Way(journal_search._POOL_TOOK, "by_source"),
    "somebody's use of the pool": Way(journal_search._POOL_USE_BY_MEMBER, "pool_use_by_member"),
    "all that a member got and used": Way(journal_search._MEMBER_GOT, "by_target"),
    "all that a member got": Way(journal_search._MEMBER_WAS_GIVEN, "given"),
    "all that a member gave": Way(journal_search._MEMBER_GAVE, "by_source"),
}


@pytest.mark.rule("TRANSACTION-5")
@pytest.mark.parametrize("name", WAYS)
async def test_transfers_are_found_through_the_index_of_what_narrows_them_most(
    database: Database, tenant_id: UUID, name: str
) -> None:
    way = WAYS[name]
    months = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))
    asked = (*journal_search._END, 51, 0, 2**62, *months, way.kinds, way.actor_id, 0, 2**62, None, None)
    owner = (MEMBER,) if "$15" in way.arm else ()

    async with reading(database, tenant_id) as transaction:
        await transaction.execute(journal_search._PLANNED_ANEW)
        statement = journal_search._newest_of([way.arm])
        (row,) = await transaction.fetch(f"explain (format json) {statement}", tenant_id, *asked, *owner)
        indexes = {found["part"]: found["whole"] for found in await transaction.fetch(_PARTS)}

    scans = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if indexes.get(node.get("Index Name")) is not None]
    assert {indexes[node["Index Name"]] for node in scans} == {f"ledger_journal_{way.index}"}
    assert "Seq Scan" not in row[0]
    assert ("offset 0" in way.arm) or all("batch_number" in node["Index Cond"] for node in scans)


@pytest.mark.rule("TRANSACTION-5")
@pytest.mark.parametrize("kinds", [(), ("usage", "allocation")])
async def test_a_text_is_looked_for_in_none_of_a_members_calls_which_have_no_notes(
    database: Database, tenant_id: UUID, kinds: tuple[str, ...]
) -> None:
    wanted = TransferFilter(kinds=kinds, text="nothing")
    async with reading(database, tenant_id) as transaction:
        found = await find_transfers(transaction, tenant_id, OfMember(MEMBER), wanted, before=None, limit=51)
        read = await transaction.fetch(_INDEXES_READ)

    assert found == []
    assert {row["whole"] for row in read} <= {"ledger_journal_given", "ledger_journal_by_source"}


@pytest.mark.rule("TRANSACTION-5")
async def test_a_search_is_planned_for_what_is_asked_however_often_it_was_asked(
    database: Database, tenant_id: UUID
) -> None:
    for _ in range(8):
        async with reading(database, tenant_id) as transaction:
            found = await find_transfers(transaction, tenant_id, OfPool(), TransferFilter(), before=None, limit=5)
            plans = await transaction.fetch(_PLANS_SO_FAR)

    assert [transfer.place.batch_number for transfer in found] == [40_000, 39_901, 39_900, 39_801, 39_800]
    assert [(row["custom_plans"], row["generic_plans"]) for row in plans] == [(8, 0)]


@pytest.mark.rule("TRANSACTION-5")
async def test_a_time_is_looked_up_among_the_batches_through_their_key(database: Database, tenant_id: UUID) -> None:
    async with reading(database, tenant_id) as transaction:
        statement = f"explain (format json) {journal_search._FIRST_BATCH_FROM}"
        (row,) = await transaction.fetch(statement, tenant_id, datetime(2026, 3, 9, tzinfo=UTC))

    (scan,) = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if node.get("Relation Name") == "ledger_batches"]
    assert scan["Index Name"] == "ledger_batches_pkey"
    assert "batch_number = " in scan["Index Cond"]


_PLANS_SO_FAR = """
select custom_plans, generic_plans
from pg_prepared_statements
where statement like '%as journal%limit $4%'
  and cardinality(parameter_types) > 0
"""

# What this very transaction has read so far, of which the statistics for all are told only afterwards.
_INDEXES_READ = """
select whole.relname as whole
from pg_inherits
join pg_class as part on part.oid = pg_inherits.inhrelid
join pg_class as whole on whole.oid = pg_inherits.inhparent
where part.relkind = 'i'
  and whole.relname like 'ledger_journal%'
  and pg_stat_get_xact_numscans(part.oid) > 0
"""

_PARTS = """
select part.relname as part, whole.relname as whole
from pg_inherits
join pg_class as part on part.oid = pg_inherits.inhrelid
join pg_class as whole on whole.oid = pg_inherits.inhparent
where part.relkind = 'i'
  and whole.relname like 'ledger_journal%'
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
