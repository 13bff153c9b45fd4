"""`make bench-search`: looking for members of a large tenant, over HTTP, written to docs/concepts/performance.md.

python -m tests.load.search [--members 100000] [--times 200] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID

import httpx
import psycopg
import uvloop

from bursar.api.pages import encode_cursor
from bursar.domain.search import search_text_of
from tests.load.ledger_load import Place as Books
from tests.load.populate import add_members
from tests.load.search_page import MeasuredSearch, SearchResults, search_section, with_search_section
from tests.load.server import MeasuredServer, machine_name, measured_server
from tests.support.offices import Place, TestOffice, running_office
from tests.support.postgres import FreshDatabase

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "performance.md"
WARM_UP = 20
AT_ONCE = 4

FIRST = (
    "Aisha", "Amara", "Anna", "Ben", "Carlos", "Chen", "Dmitri", "Elena", "Farid", "Fatima", "Grace", "Hannah",
    "Ingrid", "Jonas", "José", "Keiko", "Liam", "Li", "Lucas", "Mei", "Nina", "Noah", "Omar", "Priya", "Sofia", "Søren",
    "Tomas", "Wei", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Andersson", "Byrne", "Demir", "Diallo", "Farouk", "Garcia", "Hoffmann", "Ivanova", "Kim", "Kowalski", "Lindqvist",
    "Moreau", "Müller", "Nair", "Novak", "Okafor", "Petrova", "Rahman", "Rossi", "Sato", "Schmidt", "Silva", "Smith",
    "Tanaka", "Weber", "Whitfield", "Yilmaz", "Zhang",
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """One kind of search, and its queries: a different one each time, so that none is answered from memory."""

    kind: str
    queries: Sequence[dict[str, str | int]]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000, help="members of each of the two tenants")
    parser.add_argument("--times", type=int, default=200, help="how often each kind of search is made")
    parser.add_argument("--no-write", action="store_true", help="print only")
    asked = parser.parse_args()
    with measured_server() as server:
        results = uvloop.run(_measure(server, members=asked.members, times=asked.times))
    section = search_section(results)
    print(section)
    if not asked.no_write:
        PAGE.write_text(with_search_section(PAGE.read_text(), section))
        print(f"written to {PAGE.relative_to(PAGE.parents[2])}")


async def _measure(server: MeasuredServer, *, members: int, times: int) -> SearchResults:
    fresh = FreshDatabase("bench", server.admin_url, server.app_url, server.platform_url)
    async with running_office(fresh) as house:
        places = [await house.tenant("Acme", per_cycle="0"), await house.tenant("Globex", per_cycle="0")]
        for place in places:
            await populate(server.admin_url, place, members)
        clients = [await house.signed_in("acme-admin"), await house.signed_in("globex-admin")]
        measured = [await _one_by_one(clients, search, times) for search in searches(members)]
        crowd = await _at_once(house, members, times)
    return SearchResults(
        machine=machine_name(),
        postgres=server.version,
        measured_on=datetime.now(UTC).date(),
        members=members,
        times=times,
        at_once=AT_ONCE,
        goes_first=os.sched_getscheduler(0) != os.SCHED_OTHER,
        alone=measured,
        crowd=crowd,
    )


def searches(members: int) -> list[Search]:
    """What people look for, from what hardly anybody has to what everybody has."""
    deep = [members * (70 + number) // 100 for number in range(25)]
    return [
        Search("a rare word", [{"search": f"{n * 3_571 % members:05}@"} for n in range(1, 30)]),
        Search("a common word", [{"search": last} for last in LAST]),
        Search("what is in every row", [{"search": part} for part in ("a", "e", "@", "example", ".")]),
        Search("part of an address", [{"search": f"{last[-3:]}{n}@"} for n, last in enumerate(LAST, 10)]),
        Search("two words", [{"search": f"{first} {last}"} for first, last in zip(FIRST, LAST, strict=False)]),
        Search("what nobody is called", [{"search": f"{last}xyz"} for last in LAST]),
        Search("a common word, only admins", [{"search": last, "role": "admin"} for last in LAST]),
        Search("no search: the whole list", [{}]),
        Search("whom credits can be given to", [{"can_receive": "true"}]),
        Search("who has a balance", [{"has_balance": "true"}]),
        Search("a common word, of who has a balance", [{"search": last, "has_balance": "true"} for last in LAST]),
        Search("no search, a page far down", [{"cursor": encode_cursor(after)} for after in deep]),
        Search("a common word, a page far down", [{"search": "a", "cursor": encode_cursor(after)} for after in deep]),
    ]


async def _one_by_one(clients: Sequence[httpx.AsyncClient], search: Search, times: int) -> MeasuredSearch:
    taken: list[float] = []
    totals: list[int] = []
    for number in range(-WARM_UP, times):
        client, query = clients[number % len(clients)], search.queries[number % len(search.queries)]
        seconds, total = await _ask(client, query)
        if number >= 0:
            taken.append(seconds)
            totals.append(total)
    measured = MeasuredSearch.of(search.kind, taken, finds=max(totals))
    print(f"  {measured.kind}: p95 {measured.p95_milliseconds:.1f} ms", flush=True)
    return measured


async def _at_once(house: TestOffice, members: int, times: int) -> MeasuredSearch:
    """All kinds of search, by several people at the same time: more than there are processors."""
    clients = [await house.signed_in(name) for name in ("acme-admin", "globex-admin") * (AT_ONCE // 2)]
    mix = [query for search in searches(members) for query in search.queries]
    random.Random(7).shuffle(mix)
    taken: list[float] = []

    async def person(client: httpx.AsyncClient, offset: int) -> None:
        for number in range(times):
            seconds, _ = await _ask(client, mix[(number * AT_ONCE + offset) % len(mix)])
            taken.append(seconds)

    await asyncio.gather(*(person(client, offset) for offset, client in enumerate(clients)))
    return MeasuredSearch.of("all of these", taken, finds=members)


async def _ask(client: httpx.AsyncClient, query: dict[str, str | int]) -> tuple[float, int]:
    """How long one page took, and how many its filter lets through."""
    started = perf_counter()
    answer = await client.get("/api/v1/members", params=query)
    seconds = perf_counter() - started
    assert answer.status_code == 200, answer.text
    return seconds, int(answer.json()["total"])


async def populate(admin_url: str, place: Place, members: int) -> None:
    """Members by the hundred thousand: their books by SQL, and their rows by `copy`."""
    books = Books(place.tenant.tenant_id, place.member.group_id, ())
    member_ids = await add_members(admin_url, books, members)
    with psycopg.connect(admin_url) as connection:
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "copy bursar.members (tenant_id, member_id, number, username, display_name, email, role, status,"
                " group_id, created_at, changed_at, search_text) from stdin"
            ) as copy,
        ):
            for row in _rows(place, member_ids):
                copy.write_row(row)
        _give_balances(connection, place, member_ids)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze bursar.members, bursar.ledger_wallets")


def _give_balances(connection: psycopg.Connection, place: Place, member_ids: Sequence[UUID]) -> None:
    """A credit to nine of ten members, straight into the books."""
    lucky = [member_id for index, member_id in enumerate(member_ids) if index % 10]
    connection.execute("select set_config('bursar.scope', %s, true)", (f"{{{place.tenant.tenant_id}}}",))
    connection.execute(
        "update bursar.ledger_wallets set balance_micro = 1000000, has_credits = true"
        " where tenant_id = %s and member_id = any(%s)",
        (place.tenant.tenant_id, lucky),
    )
    connection.execute(
        "update bursar.ledger_control set members_micro = members_micro + %(total)s,"
        " issued_micro = issued_micro - %(total)s where tenant_id = %(tenant_id)s",
        {"total": len(lucky) * 1_000_000, "tenant_id": place.tenant.tenant_id},
    )


def _rows(place: Place, member_ids: Sequence[UUID]) -> Iterator[tuple[object, ...]]:
    domain = f"{place.tenant.name.lower()}.example"
    now = datetime.now(UTC)
    for index, member_id in enumerate(member_ids, 1):
        first, last = FIRST[index % len(FIRST)], LAST[index // len(FIRST) % len(LAST)]
        username = f"{first}.{last}{index}".lower()
        display_name, email = f"{first} {last}", f"{username}@{domain}"
        yield (
            place.tenant.tenant_id, member_id, index + 2, username, display_name, email,
            "admin" if index % 100 == 0 else "member", "disabled" if index % 50 == 0 else "active",
            place.member.group_id, now, now,
            search_text_of(username=username, display_name=display_name, email=email),
        )  # fmt: skip


if __name__ == "__main__":
    main()
