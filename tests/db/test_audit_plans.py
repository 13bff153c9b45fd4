"""The plans of the audit log's statements over a log of some size: each enters the index that was made for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading, reading
from bursar.store import events
from bursar.store.events import EventFilter
from tests.support.people import SOME_TIME, insert_tenant
from tests.support.postgres import FreshDatabase

EVENTS = 20_000
PAGE = 51
SOMEBODY, SOMETHING = UUID(int=3), UUID(int=5)


@pytest.fixture
async def tenant_id(fresh_database: FreshDatabase, database: Database) -> UUID:
    """A tenant with a log in which kinds, actors and subjects are spread evenly, and the platform's as well."""
    tenant_id = await insert_tenant(database, "Acme")
    connection = await asyncpg.connect(fresh_database.admin_url)
    await connection.execute(
        """
        insert into bursar.events
            (tenant_id, event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, detail)
        select $1, lpad(to_hex(n), 32, '0')::uuid, $2, 'kind ' || n % 40, lpad(to_hex(n % 50), 32, '0')::uuid, 'member',
               'member', lpad(to_hex(n % 500), 32, '0')::uuid, '{}'
        from generate_series(1, $3) n
        """,
        tenant_id,
        SOME_TIME,
        EVENTS,
    )
    await connection.execute(
        """
        insert into bursar.platform_events
            (event_id, happened_at, kind, actor_kind, subject_kind, detail, changes)
        select lpad(to_hex(n), 32, '0')::uuid, $1, 'price_set', 'system', 'price', '{}', '{}'
        from generate_series(1, $2) n
        """,
        SOME_TIME,
        EVENTS,
    )
    await connection.execute("analyze bursar.events, bursar.platform_events")
    await connection.close()
    return tenant_id


@pytest.mark.parametrize(
    ("wanted", "statement", "index"),
    [
        (EventFilter(), events._BY_TIME, "events_pkey"),
        (EventFilter(since=UUID(int=100), until=UUID(int=900)), events._BY_TIME, "events_pkey"),
        (EventFilter(subject_id=SOMETHING, kinds=("kind 1",)), events._BY_SUBJECT, "events_of_subject"),
        (EventFilter(actor_id=SOMEBODY, note="x"), events._BY_ACTOR, "events_of_actor"),
        (EventFilter(kinds=("kind 1",)), events._BY_KIND, "events_of_kind"),
        (EventFilter(kinds=("kind 1", "kind 2", "kind 3"), request_id="x"), events._BY_KIND, "events_of_kind"),
    ],
)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_page_of_the_log_is_read_through_the_index_of_what_narrows_it_most(
    database: Database, tenant_id: UUID, wanted: EventFilter, statement: str, index: str, mode: str
) -> None:
    async with reading(database, tenant_id) as transaction:
        await transaction.execute(f"set local plan_cache_mode = {mode}")
        arguments = (tenant_id, *events._asked(wanted, UUID(int=15_000)), PAGE)
        (row,) = await transaction.fetch(f"explain (format json) {statement}", *arguments)

    scans = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if node.get("Relation Name") == "events"]
    assert [(node["Node Type"], node["Index Name"]) for node in scans] == [("Index Scan", index)]
    assert "event_id" in scans[0]["Index Cond"]


async def test_a_page_of_the_platforms_log_is_read_through_its_key(
    platform_database: Database, tenant_id: UUID
) -> None:
    async with platform_reading(platform_database) as transaction:
        await transaction.execute("set local plan_cache_mode = force_generic_plan")
        arguments = (*events._asked(EventFilter(), None), PAGE)
        (row,) = await transaction.fetch(f"explain (format json) {events._OF_PLATFORM}", *arguments)

    scans = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if "Relation Name" in node]
    assert [node.get("Index Name") for node in scans] == ["platform_events_pkey"]


async def test_the_newest_of_several_kinds_are_the_newest_of_them_all(database: Database, tenant_id: UUID) -> None:
    wanted = EventFilter(kinds=("kind 7", "kind 8", "kind 9"))

    async with reading(database, tenant_id) as transaction:
        found = await events.list_events(transaction, tenant_id, wanted, before=UUID(int=100), limit=5)
        elsewhere = await events.list_events(transaction, uuid4(), wanted, before=None, limit=5)

    assert [event.event_id.int for event in found] == [89, 88, 87, 49, 48]
    assert elsewhere == []


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
