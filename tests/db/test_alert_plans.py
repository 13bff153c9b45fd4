"""The plan by which tenants with something low are found, where very many members have little left."""

from __future__ import annotations

import asyncpg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.store.alerts import list_marks
from tests.support.people import insert_tenant
from tests.support.postgres import FreshDatabase

MEMBERS = 50_000


@pytest.mark.rule("NOTIFY-8", "NOTIFY-9")
async def test_tenants_with_something_low_are_found_without_reading_all_that_is_low(
    fresh_database: FreshDatabase, database: Database, platform_database: Database
) -> None:
    low = await insert_tenant(database, "Acme")
    await insert_tenant(database, "Globex")
    connection = await asyncpg.connect(fresh_database.admin_url)
    await connection.execute(
        """
        insert into bursar.alerts (tenant_id, kind, subject_id, since)
        select $1, 'balance_low', gen_random_uuid(), now()
        from generate_series(1, $2)
        """,
        low,
        MEMBERS,
    )
    await connection.execute("analyze bursar.alerts, bursar.tenants")
    await connection.close()

    async with platform_reading(platform_database) as transaction:
        found = await list_marks(transaction, after=None, limit=100)
        rows_read = await transaction.fetchval(_READ)

    assert [marks.tenant_id for marks in found] == [low]
    assert rows_read <= 10


_READ = """
select pg_stat_get_xact_tuples_returned('bursar.alerts'::regclass)
       + coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0)
from pg_index
where indrelid = 'bursar.alerts'::regclass
"""
