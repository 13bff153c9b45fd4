"""The plans by which calls are found in a large tenant, and added up: each enters the index that was made for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.usage_figures import Dimension
from bursar.store import call_days, call_search
from bursar.store.call_search import CallFilter, CallPlace
from tests.support.people import insert_tenant
from tests.support.postgres import FreshDatabase

CALLS = 40_000
MARK = CALLS // 10 - 10
"""All but the last ten batches are added up; a batch has ten calls."""
MEMBER, KEY = UUID(int=7), UUID(int=9)
SINCE, UNTIL = datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture
async def tenant_id(fresh_database: FreshDatabase, database: Database) -> UUID:
    """A tenant with a month of calls by a hundred members, next to a smaller one."""
    acme, globex = await insert_tenant(database, "Acme"), await insert_tenant(database, "Globex")
    connection = await asyncpg.connect(fresh_database.admin_url)
    for tenant_id, count in ((acme, CALLS), (globex, CALLS // 20)):
        await connection.execute(_FILL, tenant_id, count)
        await connection.execute("insert into bursar.call_marks values ($1, $2)", tenant_id, MARK)
        await connection.execute(_ADD_UP, tenant_id, MARK)
    await connection.execute("analyze bursar.calls, bursar.call_days")
    await connection.close()
    return acme


_FILL = """
insert into bursar.calls
    (tenant_id, call_id, member_id, group_id, key_id, batch_number, started_at, ended_at, input_tokens,
     cached_read_tokens, cached_write_tokens, output_tokens, reasoning_tokens, cost_pico, credit_factor_micro,
     price_factor, credits_micro, total_ms, day, is_streamed, is_estimated, is_simulated, endpoint, model, provider,
     service, outcome, used)
select $1, gen_random_uuid(), who, who, who, n / 10 + 1, began, began, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, began::date, false,
       false, false, 'chat.completions', 'model ' || n % 5, 'openai', 'standard', 'delivered', '{}'
from generate_series(0, $2 - 1) n
cross join lateral (
    select lpad(to_hex(n % 100), 32, '0')::uuid as who, '2026-03-01Z'::timestamptz + n * interval '1 minute' as began
) as call
"""

_ADD_UP = (
    call_days._ADD.replace("insert into call_days", "insert into bursar.call_days")
    .replace("from calls", "from bursar.calls")
    .replace("batch_number > $2\n  and batch_number <= $3", "batch_number <= $2")
)


@pytest.mark.rule("USAGE-3")
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (CallFilter(), "calls_in_time"),
        (CallFilter(since=SINCE, until=UNTIL), "calls_in_time"),
        (CallFilter(model="none", group_id=UUID(int=3)), "calls_in_time"),
        (CallFilter(member_id=MEMBER), "calls_of_member"),
        (CallFilter(member_id=MEMBER, since=SINCE, until=UNTIL, model="model 1"), "calls_of_member"),
        (CallFilter(key_id=KEY), "calls_of_key"),
    ],
)
@pytest.mark.parametrize("part", ["page", "count", "last"])
async def test_calls_are_read_in_the_order_of_time_from_the_index_of_what_narrows_them_most(
    database: Database, tenant_id: UUID, wanted: CallFilter, index: str, part: str
) -> None:
    place = CallPlace(datetime(2026, 3, 20, tzinfo=UTC), UUID(int=1))
    asked = call_search._asked(wanted, place)
    statement, arguments = {
        "page": (call_search._page_of(wanted), (*asked, *call_search._narrowing(wanted), 51)),
        "count": (call_search._count_of(wanted), (*asked, *call_search._narrowing(wanted))),
        "last": (call_search._last_looked_at(wanted), asked),
    }[part]
    async with reading(database, tenant_id) as transaction:
        await transaction.execute(call_search._PLANNED_ANEW)
        (row,) = await transaction.fetch(f"explain (format json) {statement}", tenant_id, *arguments)

    (scan,) = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if node.get("Relation Name") == "calls"]
    assert (scan["Index Name"], scan["Scan Direction"]) == (index, "Backward")
    assert "started_at" in scan["Index Cond"]
    assert "tenant_id" in scan["Index Cond"]


@pytest.mark.rule("USAGE-3")
async def test_a_page_reads_as_many_calls_as_it_shows_and_a_call_more(database: Database, tenant_id: UUID) -> None:
    wanted = CallFilter()
    async with reading(database, tenant_id) as transaction:
        await transaction.execute(call_search._PLANNED_ANEW)
        arguments = (*call_search._asked(wanted, None), *call_search._narrowing(wanted), 51)
        statement = f"explain (analyze, format json) {call_search._page_of(wanted)}"
        (row,) = await transaction.fetch(statement, tenant_id, *arguments)

    (scan,) = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if node.get("Relation Name") == "calls"]
    assert scan["Actual Rows"] <= 100  # it is sorted a few at a time


@pytest.mark.rule("USAGE-6")
@pytest.mark.parametrize(("member_id", "index"), [(None, "call_days_pkey"), (MEMBER, "call_days_of_member")])
async def test_a_report_reads_days_and_of_the_calls_only_those_after_the_mark(
    database: Database, tenant_id: UUID, member_id: UUID | None, index: str
) -> None:
    arguments = (MARK, date(2026, 3, 10), date(2026, 3, 12), member_id, None, None, None, None)
    async with reading(database, tenant_id) as transaction:
        await transaction.execute("set local plan_cache_mode = force_custom_plan")
        statement = f"explain (analyze, format json) {call_days._by(Dimension.DAY, Dimension.MODEL)}"
        (row,) = await transaction.fetch(statement, tenant_id, *arguments)

    scans = {node["Relation Name"]: node for node in nodes(json.loads(row[0])[0]["Plan"]) if "Relation Name" in node}
    in_calls = scans["calls"]
    assert in_calls["Actual Rows"] + in_calls.get("Rows Removed by Filter", 0) <= 100
    assert index in row[0]
    assert "Seq Scan" not in row[0]


@pytest.mark.rule("USAGE-5")
async def test_batches_are_added_up_from_the_index_of_their_order(database: Database, tenant_id: UUID) -> None:
    async with reading(database, tenant_id) as transaction:
        statement = f"explain (format json) {call_days._ADD}"
        (row,) = await transaction.fetch(statement, tenant_id, MARK, MARK + 500)

    (scan,) = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if node.get("Relation Name") == "calls"]
    assert "calls_in_order" in row[0]
    assert "Seq Scan" not in row[0]
    assert scan["Node Type"] in {"Index Scan", "Bitmap Heap Scan"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
