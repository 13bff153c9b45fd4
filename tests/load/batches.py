"""`make bench-batches`: a batch to everybody beside calls on the same tenant, written to docs/concepts/performance.md.

python -m tests.load.batches [--members 102039] [--calls-a-second 50] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import uvloop

from bursar.actions.allocation_batches import ROWS_PER_TURN
from bursar.outside.collector import quieten_collector
from tests.load.batches_page import BatchResults, Waits, batches_section, with_batches_section
from tests.load.ledger_load import Place as Books
from tests.load.ledger_load import through_lanes
from tests.load.search import populate
from tests.load.server import MeasuredServer, lay_out_log, machine_name, measured_server
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import FreshDatabase

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "performance.md"
QUIET_SECONDS = 5.0
MEMBERS = 102_039
"""One in fifty is disabled, so that a batch to everybody has 100 000 members, which is the most."""


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=MEMBERS, help="members of the tenant, of whom some are disabled")
    parser.add_argument("--calls-a-second", type=int, default=50, help="calls on the same tenant meanwhile")
    parser.add_argument("--no-write", action="store_true", help="print only")
    asked = parser.parse_args()
    with measured_server() as server:
        results = uvloop.run(_measure(server, members=asked.members, calls_a_second=asked.calls_a_second))
    section = batches_section(results)
    print(section)
    if not asked.no_write:
        PAGE.write_text(with_batches_section(PAGE.read_text(), section))
        print(f"written to {PAGE.relative_to(PAGE.parents[2])}")


async def _measure(server: MeasuredServer, *, members: int, calls_a_second: int) -> BatchResults:
    quieten_collector()
    fresh = FreshDatabase("bench", server.admin_url, server.app_url, server.platform_url)
    async with running_office(fresh) as house:
        place = await house.tenant("Acme", per_cycle="0")
        await populate(server.admin_url, place, members)
        await house.granted(place, "100000000")
        admin = await house.signed_in("acme-admin")
        body = {"member_id": place.member_id, "amount": "1000"}
        assert (await admin.post("/api/v1/allocations", json=body)).status_code == 201
        books = Books(place.tenant.tenant_id, place.member.group_id, [place.member.member_id])
        call = through_lanes(house.desk.lanes, [books])
        lay_out_log(server.admin_url)
        await _batch(admin, _written({"filter": {"search": "anna"}}))
        quiet = await _calls_until(call, calls_a_second, asyncio.create_task(asyncio.sleep(QUIET_SECONDS)))
        lay_out_log(server.admin_url)
        by_filter, filter_waits = await _beside_calls(admin, {"filter": {}}, call, calls_a_second)
        ids = await _ids(house, books)
        by_ids, ids_waits = await _beside_calls(admin, {"member_ids": ids}, call, calls_a_second)
    return BatchResults(
        machine=machine_name(),
        postgres=server.version,
        measured_on=datetime.now(UTC).date(),
        members=int(by_filter["rows"]),
        rows_per_turn=ROWS_PER_TURN,
        calls_a_second=calls_a_second,
        quiet=quiet,
        filter_seconds=by_filter["seconds"],
        filter_waits=filter_waits,
        ids_members=int(by_ids["rows"]),
        ids_seconds=by_ids["seconds"],
        ids_waits=ids_waits,
    )


async def _beside_calls(
    admin: httpx.AsyncClient, body: dict[str, Any], call: Callable[[int], Awaitable[None]], calls_a_second: int
) -> tuple[dict[str, Any], Waits]:
    # Whoever asks shares the event loop with what is measured, and would keep calls waiting while writing the body.
    working = asyncio.create_task(_batch(admin, _written(body)))
    waits = await _calls_until(call, calls_a_second, working)
    return await working, waits


def _written(body: dict[str, Any]) -> bytes:
    return json.dumps({**body, "amount": "0.01"}).encode()


async def _batch(admin: httpx.AsyncClient, body: bytes) -> dict[str, Any]:
    """A batch from sending it until it is seen to be finished, watched as a console watches it."""
    started = perf_counter()
    headers = {"content-type": "application/json"}
    answer = await admin.post("/api/v1/allocation-batches", content=body, headers=headers, timeout=120)
    assert answer.status_code == 202, answer.text
    batch: dict[str, Any] = answer.json()
    print(f"  made in {perf_counter() - started:.2f} s", flush=True)
    while batch["state"] != "finished":
        await asyncio.sleep(0.25)
        batch = (await admin.get(f"/api/v1/allocation-batches/{batch['id']}")).json()
    batch["seconds"] = perf_counter() - started
    print(f"  {batch['rows']} members, {batch['failed']} failed: {batch['seconds']:.2f} s", flush=True)
    return batch


async def _calls_until(
    call: Callable[[int], Awaitable[None]], calls_a_second: int, until: asyncio.Task[Any]
) -> Waits:  # fmt: skip
    """So many calls a second, each begun at its time whether or not those before it have ended."""
    taken: list[float] = []
    under_way: set[asyncio.Task[None]] = set()
    started = perf_counter()

    async def one(number: int, due: float) -> None:
        await call(number)
        # From when it was due: a loop that is busy begins it late, and a caller would wait for that as well.
        taken.append(perf_counter() - due)

    number = 0
    while not until.done():
        due = started + number / calls_a_second
        await asyncio.sleep(max(due - perf_counter(), 0))
        task = asyncio.create_task(one(number, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    await asyncio.gather(*under_way)
    waits = Waits.of(taken)
    print(f"  {waits}", flush=True)
    return waits


async def _ids(house: TestOffice, books: Books) -> list[str]:
    """The ids of everybody active, as somebody who ticks them one by one would send them."""
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{books.tenant_id}}}'")
        rows = await connection.fetch(
            "select member_id from members where tenant_id = $1 and status = 'active' and role <> 'tenant_admin'"
            " order by number",
            books.tenant_id,
        )
    return [f"mem_{row['member_id'].hex}" for row in rows]


if __name__ == "__main__":
    main()
