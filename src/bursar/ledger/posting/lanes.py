"""Lanes: where the commands of many callers become few batches.

Each tenant has a lane, a queue of commands. A *poster* takes what its lanes hold, posts it in one round, answers, and
takes what has arrived meanwhile. There is no timer: one command is posted at once, a thousand in one batch. A tenant
always has the same poster, so it has at most one batch under way in this process. Other processes may post for the
same tenant; the lock on the control row keeps that right.

Answers leave only after the commit is confirmed.

Rule: POSTING-3
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import structlog

from bursar.db.engine import Database
from bursar.domain.refusals import Broken
from bursar.ledger.answers import Outcome
from bursar.ledger.commands import Command, OpenHold
from bursar.ledger.posting.loading import Clock
from bursar.ledger.posting.rounds import Posted, post_round

if TYPE_CHECKING:
    from bursar.db.engine import Connection

log = structlog.get_logger(__name__)

COMMANDS_PER_ROUND_MAX = 1_000
"""Enough that a commit costs a command almost nothing, few enough that nobody waits for a full batch to be decided."""

ATTEMPTS_MAX = 6
"""How often a round is tried again when its connection fails: with the pauses below, about three seconds in all."""

FIRST_PAUSE_SECONDS = 0.1

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    TimeoutError,
    OSError,
)

# A lock that another process held for too long, and the collisions PostgreSQL resolves by choosing a loser.
_COLLIDED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class LedgerUnavailable(Exception):
    """The command could not be posted, and was not: the database cannot be reached, or the lanes are closing."""


class PostingFault(Exception):
    """The tenant's batch could not be decided or written: a fault of ours. Nothing of it was posted."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One command in a lane, and everybody who waits for its outcome."""

    command: Command
    futures: list[asyncio.Future[Outcome]]


@dataclass(slots=True, eq=False)
class _Lane:
    tenant_id: UUID
    queue: deque[_Waiting] = field(default_factory=deque)
    holds: dict[UUID, _Waiting] = field(default_factory=dict)
    is_listed: bool = False


class Lanes:
    """The way to post from many tasks at once. Open it, `submit` commands, close it."""

    def __init__(self, database: Database, clock: Clock, *, posters: int, tenants_per_round: int) -> None:
        """`posters` rounds may be under way at once, each on a connection of its own. `tenants_per_round` is 1 on a
        distributed PostgreSQL, where a transaction should stay on one node, and more elsewhere."""
        self._lanes: dict[UUID, _Lane] = {}
        self._posters = [_Poster(database, clock, tenants_per_round) for _ in range(posters)]

    async def open(self) -> None:
        """Start posting."""
        for poster in self._posters:
            poster.start()

    async def close(self) -> None:
        """Post what has been submitted, then stop."""
        await asyncio.gather(*(poster.stop() for poster in self._posters))

    @property
    def is_posting(self) -> bool:
        """Whether every poster is at work, for readiness."""
        return all(poster.is_running for poster in self._posters)

    async def submit(self, tenant_id: UUID, command: Command) -> Outcome:
        """The command's outcome, once it is durable.

        Raises `LedgerUnavailable` or `PostingFault`. A caller that is cancelled leaves its command in the lane: it may
        be posted all the same, and asking again with the same id or key tells.
        """
        lane = self._lanes.get(tenant_id)
        if lane is None:
            lane = self._lanes[tenant_id] = _Lane(tenant_id)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        # A command twice in the queue is one command with two waiters.
        if isinstance(command, OpenHold):
            twin = lane.holds.get(command.hold_id)
            if twin is not None and twin.command == command:
                twin.futures.append(future)
                return await future
        waiting = _Waiting(command, [future])
        if isinstance(command, OpenHold):
            lane.holds[command.hold_id] = waiting
        lane.queue.append(waiting)
        if not lane.is_listed:
            self._posters[tenant_id.int % len(self._posters)].add(lane)
        return await future


class _Poster:
    """One loop on one connection: take, post, answer."""

    def __init__(self, database: Database, clock: Clock, tenants_per_round: int) -> None:
        self._database = database
        self._clock = clock
        self._tenants_per_round = tenants_per_round
        self._ready: deque[_Lane] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._is_closing = False

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ledger poster")

    async def stop(self) -> None:
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()

    def add(self, lane: _Lane) -> None:
        if self._is_closing:
            for waiting in _drain(lane):
                _fail(waiting, LedgerUnavailable("the ledger is closing"))
            return
        lane.is_listed = True
        self._ready.append(lane)
        self._wake.set()

    async def _run(self) -> None:
        while self._ready or not self._is_closing:
            if not self._ready:
                self._wake.clear()
                await self._wake.wait()
                continue
            taken = self._take()
            try:
                await self._post(taken)
            except Exception as fault:  # the outermost loop: whoever waits is told, and the next round goes on
                log.exception("a posting round failed", tenants=len(taken))
                for waitings in taken.values():
                    for waiting in waitings:
                        _fail(waiting, fault)

    def _take(self) -> dict[UUID, list[_Waiting]]:
        """What the next round posts: whatever is queued, up to the round's bounds, first come first served."""
        taken: dict[UUID, list[_Waiting]] = {}
        room = COMMANDS_PER_ROUND_MAX
        while self._ready and room and len(taken) < self._tenants_per_round:
            lane = self._ready.popleft()
            count = min(room, len(lane.queue))
            waitings = [lane.queue.popleft() for _ in range(count)]
            room -= count
            for waiting in waitings:
                if isinstance(waiting.command, OpenHold):
                    lane.holds.pop(waiting.command.hold_id, None)
            taken[lane.tenant_id] = waitings
            lane.is_listed = bool(lane.queue)
            if lane.is_listed:
                self._ready.append(lane)
                break
        return taken

    async def _post(self, taken: Mapping[UUID, Sequence[_Waiting]]) -> None:
        batches = {tenant_id: [waiting.command for waiting in waitings] for tenant_id, waitings in taken.items()}
        try:
            posted = await self._post_durably(batches)
        except (asyncpg.IntegrityConstraintViolationError, Broken) as fault:
            if len(batches) == 1:
                raise PostingFault("the batch was refused by the database") from fault
            # One tenant's batch is at fault: each on its own, so that the others go through.
            for tenant_id, waitings in taken.items():
                try:
                    await self._post({tenant_id: waitings})
                except PostingFault as own:
                    log.exception("a tenant's batch cannot be written", tenant=tenant_id.hex)
                    for waiting in waitings:
                        _fail(waiting, own)
            return
        for tenant_id, waitings in taken.items():
            fault_of_tenant = posted.faults.get(tenant_id)
            if fault_of_tenant is not None:
                log.error("a tenant's batch cannot be decided", tenant=tenant_id.hex, exc_info=fault_of_tenant)
                for waiting in waitings:
                    _fail(waiting, PostingFault("the batch could not be decided"))
                continue
            for waiting, outcome in zip(waitings, posted.outcomes[tenant_id], strict=True):
                for future in waiting.futures:
                    if not future.done():
                        future.set_result(outcome)

    async def _post_durably(self, batches: Mapping[UUID, Sequence[Command]]) -> Posted:
        """Post and commit; over a new connection if this one fails.

        A connection lost during the commit leaves its outcome in doubt. Then the batch is looked for: if it is there,
        it was committed, and if not, it never will be and is posted again.

        Rule: POSTING-4
        """
        pause_seconds = FIRST_PAUSE_SECONDS
        in_doubt: Posted | None = None
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                connection = await self._connected()
                if in_doubt is not None and await _was_committed(connection, in_doubt):
                    return in_doubt
                in_doubt = None
                tenants = ",".join(f"{tenant_id.int:032x}" for tenant_id in batches)
                await connection.execute(
                    f"begin isolation level read committed, read write;set local bursar.scope = '{{{tenants}}}'"
                )
                posted = await post_round(connection, batches, self._clock)
                in_doubt = posted
                await connection.execute("commit")
                return posted
            except (*_LOST, *_COLLIDED) as fault:
                if isinstance(fault, _COLLIDED):
                    in_doubt = None
                await self._disconnect()
                if attempt == ATTEMPTS_MAX:
                    raise LedgerUnavailable("the database cannot be reached") from fault
                log.warning("posting again", attempt=attempt, fault=repr(fault))
                await asyncio.sleep(pause_seconds)
                pause_seconds *= 2
            except BaseException:
                await self._disconnect()
                raise
        raise AssertionError("unreachable")

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect_posting()
        return self._connection

    async def _disconnect(self) -> None:
        """Drop the connection, and with it whatever transaction it was in."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


_FIND_BATCHES = """
select batch.tenant_id, batch.hash
from unnest($1::uuid[], $2::bigint[]) as wanted (tenant_id, batch_number)
join bursar.ledger_batches as batch
  on batch.tenant_id = wanted.tenant_id and batch.batch_number = wanted.batch_number
"""


async def _was_committed(connection: Connection, posted: Posted) -> bool:
    """Whether the round that was in doubt is in the database: each batch by its number and its hash.

    The old transaction may still be under way on the server. Waiting for its locks waits for its end.
    """
    changed = {tenant_id: books for tenant_id, books in posted.books.items() if books.is_changed}
    tenants = ",".join(f"{tenant_id.int:032x}" for tenant_id in posted.books)
    async with connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{tenants}}}'")
        await connection.fetch(
            "select tenant_id from bursar.ledger_control where tenant_id = any($1::uuid[]) "
            "order by tenant_id for no key update",
            sorted(posted.books),
        )
        rows = await connection.fetch(_FIND_BATCHES, list(changed), [books.batch_number for books in changed.values()])
    hashes = {row["tenant_id"]: row["hash"] for row in rows}
    if not changed:
        # Nothing was to be written, so nothing can have been lost: the answers stand.
        return True
    return all(hashes.get(tenant_id) == books.control.chain_hash for tenant_id, books in changed.items())


def _drain(lane: _Lane) -> list[_Waiting]:
    waitings = list(lane.queue)
    lane.queue.clear()
    lane.holds.clear()
    return waitings


def _fail(waiting: _Waiting, fault: Exception) -> None:
    for future in waiting.futures:
        if not future.done():
            future.set_exception(fault)
