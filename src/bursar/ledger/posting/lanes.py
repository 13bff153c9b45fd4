"""Lanes: where the commands of many callers become few batches.

Each tenant with something to post has a lane, a queue of commands. A *poster* takes what its lanes hold, posts it in
one round, answers, and takes what has arrived meanwhile. There is no timer: one command is posted at once, a thousand
in one batch. A tenant always has the same poster, so it has at most one batch under way in this process. Other
processes may post for the same tenant; the lock on the control row keeps that right.

Answers leave only after the commit is confirmed; how that is made sure is in `session`.

Rule: POSTING-3
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import structlog

from bursar.db.engine import Database
from bursar.ledger.answers import Outcome
from bursar.ledger.commands import Command, OpenHold
from bursar.ledger.posting.loading import Clock
from bursar.ledger.posting.rounds import Posted
from bursar.ledger.posting.session import LedgerUnavailable, LockedElsewhere, OutcomeUnknown, PostingSession

log = structlog.get_logger(__name__)

COMMANDS_PER_ROUND_MAX = 1_000
"""Enough that a commit costs a command almost nothing, few enough that nobody waits for a full batch to be decided."""

COMMANDS_WAITING_MAX = 200_000
"""What one tenant may have in its lane. More would be answered too late to be of use, and only fill the memory."""

COLLISIONS_MAX = 20
"""How often in a row a tenant's batch is put back because its books are locked elsewhere. Each time takes the lock
timeout of a posting connection, about a second, so this outlives every transaction that may hold them."""


class RoundWatch(Protocol):
    """Whoever wants to know of rounds: each is told when it has ended, with how long its oldest command had waited."""

    def __call__(self, *, outcome: str, commands: int, waited_seconds: float, took_seconds: float) -> None: ...


def nobody_watches(*, outcome: str, commands: int, waited_seconds: float, took_seconds: float) -> None:
    """For those who do not want to know."""


class PostingFault(Exception):
    """The tenant's batch could not be decided or written: a fault of ours. Nothing of it was posted."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One command in a lane, and everybody who waits for its outcome."""

    command: Command
    futures: list[asyncio.Future[Outcome]]
    since: float
    """By the event loop's clock."""


@dataclass(slots=True, eq=False)
class _Lane:
    """One tenant's queue. It exists only while there is something in it."""

    tenant_id: UUID
    queue: deque[_Waiting] = field(default_factory=deque)
    holds: dict[UUID, _Waiting] = field(default_factory=dict)


_Taken = Mapping[UUID, list[_Waiting]]


class Lanes:
    """The way to post from many tasks at once. Open it, `submit` commands, close it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        posters: int,
        tenants_per_round: int,
        watch: RoundWatch = nobody_watches,
    ) -> None:
        """`posters` rounds may be under way at once, each on a connection of its own. `tenants_per_round` is 1 on a
        distributed PostgreSQL, where a transaction should stay on one node, and more elsewhere."""
        self._posters = [_Poster(PostingSession(database, clock), tenants_per_round, watch) for _ in range(posters)]

    async def open(self) -> None:
        """Start posting."""
        for poster in self._posters:
            poster.start()

    async def close(self) -> None:
        """Post what has been submitted, then stop. If the database is gone, what waits is told so and not tried on."""
        await asyncio.gather(*(poster.stop() for poster in self._posters))

    @property
    def is_posting(self) -> bool:
        """Whether every poster is at work, for readiness."""
        return all(poster.is_running for poster in self._posters)

    async def submit(self, tenant_id: UUID, command: Command) -> Outcome:
        """The command's outcome, once it is durable.

        Raises `LedgerUnavailable` (or, of its kind, `OutcomeUnknown`) or `PostingFault`. A caller that is cancelled
        leaves its command in the lane: it may be posted all the same, and asking again with the same id or key tells.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._posters[tenant_id.int % len(self._posters)].add(tenant_id, command, future)
        return await future


class _Poster:
    """One loop on one connection: take, post, answer."""

    def __init__(self, session: PostingSession, tenants_per_round: int, watch: RoundWatch) -> None:
        self._session = session
        self._watch = watch
        self._tenants_per_round = tenants_per_round
        # In the order in which they are served. A tenant without commands is not in it, however many there are.
        self._lanes: dict[UUID, _Lane] = {}
        # Tenants whose last batch collided or failed, and how often in a row it collided. They are posted alone, so
        # that nobody shares their trouble, until it goes well again.
        self._troubled: dict[UUID, int] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
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
            # Not awaited itself: had it been cancelled, that is no cancellation of whoever stops it.
            await asyncio.wait({self._task})
        self._abandon_queued()

    def add(self, tenant_id: UUID, command: Command, future: asyncio.Future[Outcome]) -> None:
        """Put a command at the end of its tenant's lane. A hold twice in it is one command with two waiters."""
        if self._is_closing:
            raise LedgerUnavailable("the ledger is closing")
        lane = self._lane(tenant_id)
        if isinstance(command, OpenHold):
            twin = lane.holds.get(command.hold_id)
            if twin is not None and twin.command == command:
                twin.futures.append(future)
                return
        if len(lane.queue) >= COMMANDS_WAITING_MAX:
            raise LedgerUnavailable("too many commands of this tenant are waiting")
        waiting = _Waiting(command, [future], asyncio.get_running_loop().time())
        if isinstance(command, OpenHold):
            lane.holds[command.hold_id] = waiting
        lane.queue.append(waiting)
        self._wake.set()

    def _lane(self, tenant_id: UUID) -> _Lane:
        lane = self._lanes.get(tenant_id)
        if lane is None:
            lane = self._lanes[tenant_id] = _Lane(tenant_id)
        return lane

    async def _run(self) -> None:
        taken: _Taken = {}
        try:
            while self._lanes or not self._is_closing:
                if not self._lanes:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                taken = self._take()
                await self._post(taken)
                taken = {}
        finally:
            # Nobody is left waiting for a poster that has ended, even one that was cancelled in the middle of a round.
            self._is_closing = True
            _fail(taken, OutcomeUnknown, "the poster was stopped")
            self._abandon_queued()
            await self._session.close()

    def _take(self) -> dict[UUID, list[_Waiting]]:
        """What the next round posts: whatever is queued, up to the round's bounds, tenants in turn."""
        taken: dict[UUID, list[_Waiting]] = {}
        room = COMMANDS_PER_ROUND_MAX
        for lane in list(self._first_lanes()):
            is_troubled = lane.tenant_id in self._troubled
            if is_troubled and taken:
                break
            count = min(room, len(lane.queue))
            waitings = [lane.queue.popleft() for _ in range(count)]
            room -= count
            taken[lane.tenant_id] = waitings
            del self._lanes[lane.tenant_id]
            if lane.queue:
                for waiting in waitings:
                    if isinstance(waiting.command, OpenHold):
                        lane.holds.pop(waiting.command.hold_id, None)
                # Its turn comes again after everybody else's.
                self._lanes[lane.tenant_id] = lane
            if is_troubled or not room:
                break
        return taken

    def _first_lanes(self) -> Iterable[_Lane]:
        for _, lane in zip(range(self._tenants_per_round), self._lanes.values(), strict=False):
            yield lane

    async def _post(self, taken: _Taken) -> None:
        """Post a round and answer everybody in it; where a tenant has a fault, the others again without it."""
        batches = {tenant_id: [waiting.command for waiting in waitings] for tenant_id, waitings in taken.items()}
        began_at = asyncio.get_running_loop().time()
        outcome = "failed"
        try:
            posted = await self._session.post(batches)
        except LedgerUnavailable as fault:
            log.error("commands could not be posted", tenants=len(taken), exc_info=fault)
            _fail(taken, type(fault), str(fault))
            if self._is_closing:
                self._abandon_queued()
        except Exception as fault:  # noqa: BLE001 - the outermost loop: reported, and whoever waits is told
            if len(taken) > 1:
                log.warning("a round is posted tenant by tenant", tenants=len(taken), fault=repr(fault))
                for tenant_id, waitings in taken.items():
                    await self._post({tenant_id: waitings})
            else:
                for tenant_id, waitings in taken.items():
                    self._bear(tenant_id, waitings, fault)
        else:
            outcome = "posted"
            for tenant_id in taken:
                self._troubled.pop(tenant_id, None)
            _answer(taken, posted)
        finally:
            self._watch(
                outcome=outcome,
                commands=sum(map(len, taken.values())),
                waited_seconds=began_at - min(waitings[0].since for waitings in taken.values()),
                took_seconds=asyncio.get_running_loop().time() - began_at,
            )

    def _bear(self, tenant_id: UUID, waitings: list[_Waiting], fault: Exception) -> None:
        """Put a tenant's batch back if its books are only locked elsewhere; else tell its waiters of the fault."""
        collisions = self._troubled.get(tenant_id, 0)
        self._troubled[tenant_id] = 0
        if not isinstance(fault, LockedElsewhere):
            log.error("a tenant's batch cannot be written", tenant=tenant_id.hex, exc_info=fault)
            _fail({tenant_id: waitings}, PostingFault, "the batch could not be written")
        elif collisions + 1 >= COLLISIONS_MAX:
            log.error("a tenant's books stay locked elsewhere", tenant=tenant_id.hex, collisions=collisions + 1)
            _fail({tenant_id: waitings}, LedgerUnavailable, "the tenant's books are locked elsewhere")
        else:
            log.warning("a tenant's books are locked elsewhere", tenant=tenant_id.hex, collisions=collisions + 1)
            self._troubled[tenant_id] = collisions + 1
            # First in its lane again, so that a tenant's commands keep their order; its lane's turn is the last.
            lane = self._lane(tenant_id)
            lane.queue.extendleft(reversed(waitings))

    def _abandon_queued(self) -> None:
        lanes, self._lanes = self._lanes, {}
        queued = {tenant_id: list(lane.queue) for tenant_id, lane in lanes.items()}
        _fail(queued, LedgerUnavailable, "the ledger is closing")


def _answer(taken: _Taken, posted: Posted) -> None:
    for tenant_id, waitings in taken.items():
        fault = posted.faults.get(tenant_id)
        if fault is not None:
            log.error("a tenant's batch cannot be decided", tenant=tenant_id.hex, exc_info=fault)
            _fail({tenant_id: waitings}, PostingFault, "the batch could not be decided")
            continue
        for waiting, outcome in zip(waitings, posted.outcomes[tenant_id], strict=True):
            for future in waiting.futures:
                if not future.done():
                    future.set_result(outcome)


def _fail(taken: _Taken, fault_type: type[Exception], message: str) -> None:
    """Raise the fault for everybody who still waits; an exception each, since each collects its own traceback."""
    for waitings in taken.values():
        for waiting in waitings:
            for future in waiting.futures:
                if not future.done():
                    future.set_exception(fault_type(message))
