"""`make bench`: the ledger beside its yardsticks, in one run on one machine, written to docs/concepts/performance.md.

python -m tests.load.bench [--seconds 6] [--members 1000000] [--allocations 100000] [--no-write]
"""

from __future__ import annotations

import argparse
import statistics
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID

import uvloop

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import writing
from bursar.domain.credits import Credits
from bursar.outside.collector import quieten_collector
from bursar.outside.identity import new_uuid
from tests.load.batches_page import batches_section_of, with_batches_section
from tests.load.figures_page import figures_section_of, with_figures_section
from tests.load.footprint import Footprint, measure_footprint
from tests.load.gateway_page import gateway_section_of, with_gateway_section
from tests.load.ledger_load import (
    ACTOR,
    Measured,
    Place,
    allocation,
    as_it_is,
    load,
    one_transaction_each,
    open_place,
    through_lanes,
)
from tests.load.page import Results, write_page
from tests.load.populate import add_members
from tests.load.search_page import search_section_of, with_search_section
from tests.load.server import MeasuredServer, commit_cost, lay_out_log, machine_name, measured_server, run_pgbench

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "performance.md"
IN_FLIGHT = (1, 32, 128, 512)
YARDSTICK_CLIENTS = 32
RESETS = 21
POSTERS = 2


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each load runs")
    parser.add_argument("--members", type=int, default=1_000_000, help="members of the tenant whose cycle is reset")
    parser.add_argument("--allocations", type=int, default=100_000, help="members of the bulk allocation")
    parser.add_argument("--tenants", type=int, default=1_000, help="tenants of the load on many tenants")
    parser.add_argument("--no-write", action="store_true", help="print only")
    asked = parser.parse_args()
    with measured_server() as server:
        results = uvloop.run(_measure(server, asked))
    # What the other targets measured is not measured here, and stays.
    before = PAGE.read_text()
    text = with_search_section(write_page(results), search_section_of(before))
    text = with_figures_section(text, figures_section_of(before))
    text = with_batches_section(text, batches_section_of(before))
    text = with_gateway_section(text, gateway_section_of(before))
    print(text)
    if not asked.no_write:
        PAGE.write_text(text)
        print(f"written to {PAGE.relative_to(PAGE.parents[2])}")


async def _measure(server: MeasuredServer, asked: argparse.Namespace) -> Results:
    quieten_collector()
    print("commit and pgbench", flush=True)
    lay_out_log(server.admin_url)
    commit_seconds = commit_cost(server.admin_url)
    simple_update = run_pgbench(
        server.admin_url, script="simple-update", clients=YARDSTICK_CLIENTS, seconds=int(asked.seconds)
    )
    tpc_b = run_pgbench(server.admin_url, script="tpcb-like", clients=YARDSTICK_CLIENTS, seconds=int(asked.seconds))

    database = await Database.open(server.app_url, application_name="bursar bench", size=YARDSTICK_CLIENTS)
    hot = await open_place(database, members=100)
    print("one transaction each", flush=True)
    async with one_transaction_each(database, hot, connections=YARDSTICK_CLIENTS) as pair:
        # Preparing a dozen statements on each connection is not what is compared.
        await load(pair, in_flight=YARDSTICK_CLIENTS, seconds=3.0)
        alone = await load(pair, in_flight=YARDSTICK_CLIENTS, seconds=asked.seconds)

    lanes = ledger.Lanes(database, as_it_is, posters=POSTERS, tenants_per_round=64)
    await lanes.open()
    print("one hot tenant", flush=True)
    await load(through_lanes(lanes, [hot]), in_flight=32, seconds=1.0)
    lay_out_log(server.admin_url)
    one_tenant = [await _load(lanes, [hot], count, asked) for count in IN_FLIGHT]
    footprint = await measure_footprint(
        server.admin_url, through_lanes(lanes, [hot]), in_flight=128, seconds=asked.seconds
    )
    print("many tenants", flush=True)
    places = [await open_place(database, members=10) for _ in range(asked.tenants)]
    await load(through_lanes(lanes, places), in_flight=128, seconds=1.0)
    many_tenants = [await _load(lanes, places, count, asked) for count in IN_FLIGHT]
    await lanes.close()

    print("bulk allocation", flush=True)
    bulk_seconds = await _allocate_in_bulk(server, database, asked.allocations)
    print("cycle reset", flush=True)
    resets = await _reset_cycles(server, database, asked.members)
    await database.close()
    return Results(
        machine=machine_name(),
        postgres=server.version,
        measured_on=datetime.now(UTC).date(),
        seconds=asked.seconds,
        commit_seconds=commit_seconds,
        yardstick_clients=YARDSTICK_CLIENTS,
        simple_update=simple_update,
        tpc_b=tpc_b,
        alone=alone,
        one_tenant=one_tenant,
        tenants=asked.tenants,
        many_tenants=many_tenants,
        footprint=footprint,
        reset_members=asked.members,
        reset_seconds_median=statistics.median(resets),
        reset_seconds_max=max(resets),
        bulk_members=asked.allocations,
        bulk_seconds=bulk_seconds,
    )


async def _load(lanes: ledger.Lanes, places: list[Place], in_flight: int, asked: argparse.Namespace) -> Measured:
    measured = await load(through_lanes(lanes, places), in_flight=in_flight, seconds=asked.seconds)
    print(
        f"  {in_flight:4d} in flight: {measured.pairs_per_second:7.0f} pairs/s, p99 {measured.p99_milliseconds:.1f} ms"
    )
    return measured


async def _allocate_in_bulk(server: MeasuredServer, database: Database, members: int) -> float:
    """Seconds of one allocation to each of so many members, by bulk posting."""
    place = await open_place(database, members=1)
    recipients = await add_members(server.admin_url, place, members)
    commands = [allocation(member_id, Credits(10_000)) for member_id in recipients]
    started = perf_counter()
    allocated = 0
    async for _, outcome in ledger.post_in_bulk(database, place.tenant_id, commands, as_it_is):
        outcome.unwrap()
        allocated += 1
    assert allocated == members
    return perf_counter() - started


async def _reset_cycles(server: MeasuredServer, database: Database, members: int) -> list[float]:
    """Seconds of each of a number of resets of a tenant of so many members, commit included."""
    place = await open_place(database, members=1)
    await add_members(server.admin_url, place, members)
    seconds: list[float] = []
    for epoch in range(1, RESETS + 1):
        started = perf_counter()
        await _reset(database, place.tenant_id, epoch)
        seconds.append(perf_counter() - started)
    return seconds


async def _reset(database: Database, tenant_id: UUID, epoch: int) -> None:
    async with writing(database, tenant_id) as transaction:
        command = ledger.ResetCycle(actor_id=ACTOR, transfer_id=new_uuid(), epoch=epoch)
        (outcome,) = await ledger.post(transaction, tenant_id, [command], as_it_is)
        answer = outcome.unwrap()
        assert isinstance(answer, ledger.CycleStarted)
        assert answer.epoch == epoch + 1


__all__ = ["Footprint", "main"]

if __name__ == "__main__":
    main()
