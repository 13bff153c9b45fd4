"""Loads on the ledger: calls that hold and settle, with so many in flight, on one tenant or many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import Mode, opening_statements, writing
from bursar.domain.credits import Credits
from bursar.outside.identity import new_uuid

ACTOR = new_uuid()
HELD = Credits(1_000)
COST = Credits(700)


def as_it_is(database_time: datetime) -> datetime:
    """The ledger's clock, not turned."""
    return database_time


@dataclass(frozen=True)
class Place:
    """A tenant with members who can pay."""

    tenant_id: UUID
    group_id: UUID
    members: Sequence[UUID]


@dataclass(frozen=True)
class Measured:
    """Hold+settle pairs per second, and how long a pair took, in milliseconds."""

    in_flight: int
    pairs: int
    pairs_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float


async def open_place(database: Database, *, members: int) -> Place:
    """A tenant whose members have a million credits among them."""
    place = Place(new_uuid(), new_uuid(), [new_uuid() for _ in range(members)])
    each = Credits(10**12 // members)
    async with writing(database, place.tenant_id) as transaction:
        await ledger.open_books(
            transaction,
            place.tenant_id,
            default_group_id=place.group_id,
            cadence="calendar_month",
            time_zone="UTC",
            now=datetime.now(UTC),
        )
    opening: list[ledger.Command] = [
        ledger.Transfer(actor_id=ACTOR, transfer_id=new_uuid(), kind="grant", amount=Credits(10**13))
    ]
    for member_id in place.members:
        opening.append(ledger.OpenWallet(actor_id=ACTOR, member_id=member_id, group_id=place.group_id))
        opening.append(allocation(member_id, each))
    async for _, outcome in ledger.post_in_bulk(database, place.tenant_id, opening, as_it_is):
        outcome.unwrap()
    return place


def allocation(member_id: UUID, amount: Credits) -> ledger.Transfer:
    """One allocation to a member."""
    return ledger.Transfer(
        actor_id=ACTOR, transfer_id=new_uuid(), kind="allocation", member_id=member_id, amount=amount
    )


async def load(pair: Callable[[int], Awaitable[None]], *, in_flight: int, seconds: float) -> Measured:
    """Run pairs for so long with so many in flight at all times."""
    taken: list[float] = []
    number = 0
    started = perf_counter()
    until = started + seconds

    async def client() -> None:
        nonlocal number
        while (now := perf_counter()) < until:
            number += 1
            await pair(number)
            taken.append(perf_counter() - now)

    await asyncio.gather(*(client() for _ in range(in_flight)))
    elapsed = perf_counter() - started
    taken.sort()
    return Measured(
        in_flight=in_flight,
        pairs=len(taken),
        pairs_per_second=len(taken) / elapsed,
        p50_milliseconds=taken[len(taken) // 2] * 1_000,
        p99_milliseconds=taken[int(len(taken) * 0.99)] * 1_000,
    )


def through_lanes(lanes: ledger.Lanes, places: Sequence[Place]) -> Callable[[int], Awaitable[None]]:
    """A call on one of the places' members, through the lanes, as the gateway makes it."""

    async def pair(number: int) -> None:
        place = places[number % len(places)]
        member_id = place.members[number // len(places) % len(place.members)]
        opening, settling = _pair(member_id)
        (await lanes.submit(place.tenant_id, opening)).unwrap()
        (await lanes.submit(place.tenant_id, settling)).unwrap()

    return pair


@asynccontextmanager
async def one_transaction_each(
    database: Database, place: Place, *, connections: int
) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """The same call posted the usual way: every operation a transaction of its own, on one of so many connections.

    The connections are the ledger's own kind, so that the comparison is of the design and not of plans.
    """
    opening_text = opening_statements(Mode.WRITING, [place.tenant_id])
    free = [await database.connect_posting() for _ in range(connections)]
    all_connections = list(free)

    async def post_alone(command: ledger.Command) -> None:
        connection = free.pop()
        try:
            await connection.execute(opening_text)
            (outcome,) = await ledger.post(connection, place.tenant_id, [command], as_it_is)
            await connection.execute("commit")
        finally:
            free.append(connection)
        outcome.unwrap()

    async def pair(number: int) -> None:
        for command in _pair(place.members[number % len(place.members)]):
            await post_alone(command)

    try:
        yield pair
    finally:
        for connection in all_connections:
            await connection.close()


def _pair(member_id: UUID) -> tuple[ledger.OpenHold, ledger.SettleHold]:
    hold_id = new_uuid()
    return (
        ledger.OpenHold(actor_id=ACTOR, hold_id=hold_id, member_id=member_id, amount=HELD, seconds=60),
        ledger.SettleHold(actor_id=ACTOR, hold_id=hold_id, cost=COST),
    )
