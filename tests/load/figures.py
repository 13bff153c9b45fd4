"""`make bench-figures`: the figures of a large tenant, over HTTP, written to docs/concepts/performance.md.

python -m tests.load.figures [--members 100000] [--journal 10000000] [--times 200] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID

import httpx
import uvloop

from bursar.actions.cycles import reset_cycle
from bursar.actions.groups import create_group
from bursar.api.pages import encode_cursor
from tests.load.figures_page import FiguresResults, figures_section, with_figures_section
from tests.load.large_tenant import Size, populate
from tests.load.search_page import MeasuredSearch
from tests.load.server import MeasuredServer, machine_name, measured_server
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import FreshDatabase

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "performance.md"
GROUPS = 20
WARM_UP = 20
AT_ONCE = 4


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000, help="members of the tenant")
    parser.add_argument("--journal", type=int, default=10_000_000, help="lines of its journal")
    parser.add_argument("--times", type=int, default=200, help="how often each answer is asked for")
    parser.add_argument("--no-write", action="store_true", help="print only")
    asked = parser.parse_args()
    with measured_server() as server:
        results = uvloop.run(_measure(server, Size(asked.members, asked.journal), asked.times))
    section = figures_section(results)
    print(section)
    if not asked.no_write:
        PAGE.write_text(with_figures_section(PAGE.read_text(), section))
        print(f"written to {PAGE.relative_to(PAGE.parents[2])}")


async def _measure(server: MeasuredServer, size: Size, times: int) -> FiguresResults:
    fresh = FreshDatabase("bench", server.admin_url, server.app_url, server.platform_url)
    async with running_office(fresh) as house:
        await open_large_tenant(house, server.admin_url, size)
        clients = [await house.signed_in("acme-admin") for _ in range(AT_ONCE)]
        await check_figures(clients[0], size)
        alone = [await _one_by_one(clients[0], *asked, times) for asked in paths(size).items()]
        crowd = await _at_once(clients, times)
    return FiguresResults(
        machine=machine_name(),
        postgres=server.version,
        measured_on=datetime.now(UTC).date(),
        members=size.members,
        groups=GROUPS,
        journal=size.journal,
        times=times,
        at_once=AT_ONCE,
        goes_first=os.sched_getscheduler(0) != os.SCHED_OTHER,
        alone=alone,
        crowd=crowd,
    )


async def open_large_tenant(house: TestOffice, admin_url: str, size: Size) -> None:
    """A tenant in its second cycle, with so many members in twenty groups beside Default."""
    place = await house.tenant("Acme", per_cycle="0", cadence="calendar_month")
    tenant_id, operator = place.tenant.tenant_id, await house.operator()
    group_ids: list[UUID] = []
    for number in range(GROUPS):
        group_ids.append((await create_group(house.desk, operator, tenant_id, f"Group {number + 1}")).answer.group_id)
    await reset_cycle(house.desk, operator, tenant_id, epoch=1, note=None)
    started = perf_counter()
    await asyncio.to_thread(populate, admin_url, place, group_ids, size)
    print(f"populated in {perf_counter() - started:.0f} s", flush=True)


def paths(size: Size) -> Mapping[str, Sequence[str]]:
    """What is asked for: the answer's name, and the queries for it in turn, so that none is answered from memory."""
    deep = [encode_cursor(size.members * (70 + number) // 100) for number in range(25)]
    return {
        "`GET /reports/overview`": ["reports/overview"],
        "`GET /groups`": ["groups"],
        "`GET /reports/cards`": ["reports/cards"],
        "`GET /reports/credits`, its first page": ["reports/credits"],
        "`GET /reports/credits`, a page far down": [f"reports/credits?cursor={cursor}" for cursor in deep],
        "`GET /reports/credits`, a search": [f"reports/credits?search={word}" for word in ("nair", "zhang", "e", "7@")],
        "`GET /reports/credits`, whom to assign to": ["reports/credits?assigned=false"],
        "`GET /members`": ["members"],
    }


async def check_figures(client: httpx.AsyncClient, size: Size) -> None:
    """What is measured is right: totals, groups and cards agree, and everybody is counted."""
    overview = (await client.get("/api/v1/reports/overview")).json()
    cards = overview["cards"]
    table = (await client.get("/api/v1/reports/credits", params={"limit": "1"})).json()
    rest = (await client.get("/api/v1/reports/credits", params={"limit": "1", "assigned": "false"})).json()
    assert cards["users"] == size.members + 2
    assert cards["users_with_credits"] == table["total"] == size.members * 9 // 10
    assert rest["total"] == size.members - table["total"] + 1
    assert sum(_micro(group["used"]) for group in overview["groups"]) == _micro(cards["total_utilized"])
    assert _micro(cards["credits_unassigned"]) + _micro(cards["assigned"]) == _micro(cards["total_purchased"])


def _micro(amount: str) -> int:
    whole, fraction = amount.split(".")
    return int(whole) * 1_000_000 + int(fraction.ljust(6, "0"))


async def _one_by_one(client: httpx.AsyncClient, named: str, queries: Sequence[str], times: int) -> MeasuredSearch:
    taken = []
    for number in range(-WARM_UP, times):
        seconds = await _ask(client, queries[number % len(queries)])
        if number >= 0:
            taken.append(seconds)
    measured = MeasuredSearch.of(named, taken, finds=0)
    print(f"  {named}: p50 {measured.p50_milliseconds:.1f} ms, p95 {measured.p95_milliseconds:.1f} ms", flush=True)
    return measured


async def _at_once(clients: Sequence[httpx.AsyncClient], times: int) -> MeasuredSearch:
    """Overview and groups, by several people at the same time: more than there are processors."""
    taken: list[float] = []

    async def person(client: httpx.AsyncClient, offset: int) -> None:
        for number in range(times):
            taken.append(await _ask(client, ("reports/overview", "groups")[(number + offset) % 2]))

    await asyncio.gather(*(person(client, offset) for offset, client in enumerate(clients)))
    return MeasuredSearch.of("overview and groups", taken, finds=0)


async def _ask(client: httpx.AsyncClient, path: str) -> float:
    started = perf_counter()
    answer = await client.get(f"/api/v1/{path}")
    seconds = perf_counter() - started
    assert answer.status_code == 200, answer.text
    return seconds


if __name__ == "__main__":
    main()
