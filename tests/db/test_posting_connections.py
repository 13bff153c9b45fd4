"""The ledger's own connections: what they promise whatever the server is set to."""

from __future__ import annotations

import psycopg
from psycopg import sql

from bursar.db.engine import Database
from tests.support.postgres import FreshDatabase


async def test_a_posting_is_on_disk_before_it_is_answered_even_if_the_server_is_set_otherwise(
    fresh_database: FreshDatabase,
) -> None:
    with psycopg.connect(fresh_database.admin_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter database {} set synchronous_commit = off").format(sql.Identifier(fresh_database.name))
        )
    database = await Database.open(fresh_database.app_url, application_name="bursar tests", size=1)
    try:
        posting = await database.connect_posting()
        try:
            assert await database.pool.fetchval("show synchronous_commit") == "off"
            assert await posting.fetchval("show synchronous_commit") == "on"
        finally:
            await posting.close()
    finally:
        await database.close()
