"""The page of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.load.footprint import Footprint
from tests.load.ledger_load import Measured


@dataclass(frozen=True)
class Results:
    """Everything one run measured."""

    machine: str
    postgres: str
    measured_on: date
    seconds: float
    commit_seconds: float
    yardstick_clients: int
    simple_update: float | None
    tpc_b: float | None
    alone: Measured
    one_tenant: Sequence[Measured]
    tenants: int
    many_tenants: Sequence[Measured]
    footprint: Footprint
    reset_members: int
    reset_seconds_median: float
    reset_seconds_max: float
    bulk_members: int
    bulk_seconds: float


def write_page(results: Results) -> str:
    """The results as a page of the documentation: every figure is one of the run's."""
    best = max(results.one_tenant, key=lambda measured: measured.pairs_per_second)
    at_128 = next(measured for measured in results.one_tenant if measured.in_flight == 128)
    ratio = at_128.pairs_per_second / results.alone.pairs_per_second
    return f"""# Performance

This page is written by `make bench`, but for its sections on searches, figures, batches and calls. All else was
measured in one run, on one machine, with the clients, Bursar's ledger and PostgreSQL sharing its processors,
`fsync` on, and the journal, idempotency records and hash chain on.

- Machine: {results.machine}
- PostgreSQL {results.postgres}, embedded, with the settings Bursar starts it with
- Measured on {results.measured_on:%d %B %Y}; each load ran for {results.seconds:g} s
- The write-ahead log's files were in place beforehand, as on a server that has run for some minutes: making a new one
  stops every commit for tens of milliseconds
- One small durable transaction on this disk: {results.commit_seconds * 1_000:.2f} ms (median)

## Yardsticks

| what | clients | per second |
|---|---:|---:|
| pgbench, simple-update transactions | {results.yardstick_clients} | {_count(results.simple_update)} |
| pgbench, TPC-B transactions | {results.yardstick_clients} | {_count(results.tpc_b)} |
| hold+settle pairs, each operation a transaction of its own, one hot tenant | {results.alone.in_flight} | \
{_count(results.alone.pairs_per_second)} (p99 {results.alone.p99_milliseconds:.1f} ms) |

The last line posts through the very same core, one command a transaction, on pooled connections.

## The ledger: hold+settle pairs

A pair is two commands, each answered after its own durable commit. So many pairs are kept in flight at once; the times
are those of a whole pair, in the middle (p50) and at the slowest hundredth (p99).

One hot tenant with 100 members:

{_table(results.one_tenant)}

{results.tenants:,} tenants with 10 members each:

{_table(results.many_tenants)}

- The most on one hot tenant: {_count(best.pairs_per_second)} pairs a second, at {best.in_flight} in flight.
- At 128 in flight: {ratio:.1f} times as many as with one transaction per operation at \
{results.alone.in_flight} clients (see the yardsticks).
- At 128 in flight a pair leaves {results.footprint.table_bytes_at_first:.0f} bytes in tables and their indexes at \
first, {results.footprint.table_bytes:.0f} once vacuum has made the
  space of superseded rows usable again, and {results.footprint.log_bytes / 1_000:.2f} KB in the write-ahead log right \
after a checkpoint.

## Cycles and bulk

| what | measured |
|---|---:|
| reset of the cycle of a tenant with {results.reset_members:,} members, commit included: median / longest | \
{results.reset_seconds_median * 1_000:.1f} / {results.reset_seconds_max * 1_000:.1f} ms |
| allocation to {results.bulk_members:,} members, one journal line each, in bounded batches | \
{results.bulk_seconds:.1f} s |

## How to read it

The targets are at least 10 000 pairs a second on one hot tenant with a 99th percentile of at most 25 ms at 128 in
flight, at least 8 times the design with one transaction per operation, a reset of a million members in at most 10 ms,
100 000 allocations in at most 10 s, and about 700 bytes of table and 1.6 KB of log for a pair. Shared machines are
noisy: compare the figures of one run with each other, and run it yourself.
"""


def _table(loads: Sequence[Measured]) -> str:
    head = "| in flight | pairs per second | p50 | p99 |\n|---:|---:|---:|---:|"
    rows = [
        f"| {load.in_flight} | {_count(load.pairs_per_second)} | {load.p50_milliseconds:.1f} ms | "
        f"{load.p99_milliseconds:.1f} ms |"
        for load in loads
    ]
    return "\n".join([head, *rows])


def _count(number: float | None) -> str:
    return "not available" if number is None else f"{number:,.0f}"
