"""What a call leaves on disk: bytes of tables with their indexes, and of the write-ahead log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from tests.load.ledger_load import load

# What grows with calls. Wallets, groups and control rows are rewritten in place.
_GROWING = """
select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
from pg_class as c
where c.relkind = 'r'
  and c.relnamespace = 'bursar'::regnamespace
  and (c.relname like 'ledger_journal%' or c.relname in ('ledger_holds', 'ledger_batches', 'ledger_commands'))
"""


@dataclass(frozen=True)
class Footprint:
    """Bytes per hold+settle pair: at first, and once the space of superseded rows is used again."""

    table_bytes_at_first: float
    table_bytes: float
    log_bytes: float


async def measure_footprint(
    admin_url: str, pair: Callable[[int], Awaitable[None]], *, in_flight: int, seconds: float
) -> Footprint:
    """Run a load twice, with a vacuum in between as autovacuum does it, and divide what tables and log grew by.

    Both runs begin at a checkpoint, so the log includes the full page images that follow one.
    """
    at_first = await _growth(admin_url, pair, in_flight=in_flight, seconds=seconds)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("vacuum bursar.ledger_holds")
    later = await _growth(admin_url, pair, in_flight=in_flight, seconds=seconds)
    return Footprint(at_first[0], later[0], at_first[1])


async def _growth(
    admin_url: str, pair: Callable[[int], Awaitable[None]], *, in_flight: int, seconds: float
) -> tuple[float, float]:
    before = _sizes(admin_url)
    measured = await load(pair, in_flight=in_flight, seconds=seconds)
    after = _sizes(admin_url)
    return (after[0] - before[0]) / measured.pairs, (after[1] - before[1]) / measured.pairs


def _sizes(admin_url: str) -> tuple[int, int]:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        log = connection.execute("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint").fetchone()
        tables = connection.execute(_GROWING).fetchone()
        connection.execute("checkpoint")
    assert log is not None
    assert tables is not None
    return int(tables[0]), int(log[0])
