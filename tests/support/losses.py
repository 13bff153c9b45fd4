"""Connections that are lost in the middle of what they do, at the place that a test chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.support.offices import TestOffice


async def planted_loss(house: TestOffice, table: str) -> None:
    """From now on, whoever's transaction writes to this table loses its connection there and then."""
    async with as_owner(house) as connection:
        await connection.execute(
            f"""
            create function bursar.planted() returns trigger language plpgsql as
                $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
            create trigger planted before insert or update on bursar.{table}
                for each row execute function bursar.planted()
            """
        )


async def taken_out(house: TestOffice, table: str) -> None:
    async with as_owner(house) as connection:
        await connection.execute(f"drop trigger planted on bursar.{table}; drop function bursar.planted()")


@asynccontextmanager
async def as_owner(house: TestOffice) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(house.admin_url)
    try:
        yield connection
    finally:
        await connection.close()
