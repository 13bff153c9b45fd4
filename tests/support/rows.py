"""All that a database holds, table by table, to see whether something changed."""

from __future__ import annotations

import asyncpg

from tests.support.offices import TestOffice

VOLATILE = {
    "sessions": "to_jsonb(r) - 'last_seen_at' - 'rotated_at'",
    "api_keys": "to_jsonb(r) - 'last_used_at'",
}
"""What changes with every look, and is nobody's change: when a sign-in or a key was last used."""

COUNTS = {"sign_in_attempts"}
"""What grows with what was refused, and is meant to: how often secrets were got wrong lately."""


async def rows_of_everything(house: TestOffice) -> dict[str, str]:
    """A digest of the rows of each table that has any; equal digests mean that nothing was changed."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'bursar' order by 1")
        digests = {}
        for table in sorted({row["tablename"] for row in tables} - COUNTS):
            row = VOLATILE.get(table, "to_jsonb(r)")
            digest = await connection.fetchval(
                f"select md5(string_agg(({row})::text, ';' order by ({row})::text)) from bursar.{table} r"
            )
            if digest is not None:
                digests[table] = digest
        return digests
    finally:
        await connection.close()


async def text_of_everything(house: TestOffice) -> str:
    """All rows of all tables as text, to look for what must not stand there."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'bursar' order by 1")
        texts = [
            await connection.fetchval(f"select string_agg(to_jsonb(r)::text, ';') from bursar.{table} r")
            for (table,) in tables
        ]
        return "\n".join(text for text in texts if text is not None)
    finally:
        await connection.close()
