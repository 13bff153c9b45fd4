"""Connections: what the ledger's own promise whatever the server is set to, and how one that cannot be made is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bursar.db.engine import Database
from bursar.db.outages import OUTAGES
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


async def test_a_socket_that_is_gone_is_an_outage_like_any_other(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    gone = f"postgresql://somebody@/bursar?host={tmp_path}"
    database = await Database.open(fresh_database.app_url, application_name="bursar tests", size=1)
    try:
        with pytest.raises(OUTAGES):
            await dataclasses.replace(database, url=gone).connect_posting()
        with pytest.raises(OUTAGES):
            await Database.open(gone, application_name="bursar tests", size=1)
    finally:
        await database.close()
