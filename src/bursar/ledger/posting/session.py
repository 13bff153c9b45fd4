"""Posting durably: a connection that posts rounds, commits them, and finds out what became of one when it is lost.

Which commands make a round is not decided here; see `lanes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import structlog

from bursar.db.engine import Database
from bursar.domain.refusals import Broken
from bursar.ledger.commands import Command
from bursar.ledger.posting.loading import Clock
from bursar.ledger.posting.rounds import Posted, post_round

if TYPE_CHECKING:
    from bursar.db.engine import Connection

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 6
"""How often a round is tried when its connection fails: with the pauses below, about three seconds in all."""

FIRST_PAUSE_SECONDS = 0.1

PATIENCE_SECONDS = 20.0
"""After this long no further attempt is made, where each takes its time to fail: nobody waits for longer than that."""

CLOSE_TIMEOUT_SECONDS = 2.0
"""A polite farewell to the server takes milliseconds; one that takes longer is not waited for."""

_COLLIDED = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

# What a new connection may mend: the old one is gone or was ended by the server (for idling in a transaction, too), the
# server is starting, stopping, full or now a standby, or the schema has been migrated beneath the prepared statements.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)


class LedgerUnavailable(Exception):
    """The command could not be posted, and was not: the database cannot be reached, or the lanes are closing."""


class OutcomeUnknown(LedgerUnavailable):
    """The database was lost while it committed and has not come back, so the command was posted or it was not.

    Asking again with the same id or key tells, and does it only if it was not.
    """


class LockedElsewhere(Exception):
    """Someone else keeps the books of one of the tenants locked for longer than a posting waits. Nothing was posted."""


class PostingSession:
    """One connection for posting rounds, one after the other; replaced by a new one whenever it fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._connection: Connection | None = None

    async def post(self, batches: Mapping[UUID, Sequence[Command]]) -> Posted:
        """Post and commit; over a new connection if this one fails.

        A connection lost during the commit leaves its outcome in doubt. Then the round is looked for: if it is there,
        it was committed, and if not, it never will be and is posted again. The doubt ends with that look and with
        nothing else.

        Raises `LedgerUnavailable`, `OutcomeUnknown`, `LockedElsewhere`, or the fault that keeps the round from being
        written.

        Rule: POSTING-4
        """
        pause_seconds = FIRST_PAUSE_SECONDS
        in_doubt: Posted | None = None
        gives_up_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                connection = await self._connected()
                if in_doubt is not None and await _was_committed(connection, in_doubt):
                    return in_doubt
                in_doubt = None
                await connection.execute(_begin(batches))
                posted = await post_round(connection, batches, self._clock)
                in_doubt = posted
                status = await connection.execute("commit")
                if status != "COMMIT":
                    raise Broken("PostgreSQL had given the round up before its commit", status=status)
                return posted
            except (*_LOST, *_COLLIDED, asyncpg.LockNotAvailableError) as fault:
                await self._drop()
                if isinstance(fault, asyncpg.LockNotAvailableError) and in_doubt is None:
                    raise LockedElsewhere from fault
                if attempt == ATTEMPTS_MAX or asyncio.get_running_loop().time() > gives_up_at:
                    if in_doubt is not None:
                        raise OutcomeUnknown("the database was lost during the commit") from fault
                    raise LedgerUnavailable("the database cannot be reached") from fault
                log.warning("posting again", attempt=attempt, is_in_doubt=in_doubt is not None, fault=repr(fault))
                await asyncio.sleep(pause_seconds)
                pause_seconds *= 2
            except BaseException:
                await self._drop()
                raise
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """End the connection; politely if the server listens."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)
            except _LOST:
                connection.terminate()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect_posting()
        return self._connection

    async def _drop(self) -> None:
        """Leave the connection, and with it whatever transaction it was in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _scope(tenants: Mapping[UUID, object]) -> str:
    # The text protocol takes no parameters. An id is rendered from its number, so it can hold nothing but hex digits.
    return f"set local bursar.scope = '{{{','.join(f'{tenant_id.int:032x}' for tenant_id in tenants)}}}'"


def _begin(batches: Mapping[UUID, object]) -> str:
    return f"begin isolation level read committed, read write;{_scope(batches)}"


_LOCK_CONTROLS = """
select control.tenant_id
from bursar.ledger_control as control
where control.tenant_id = any($1::uuid[])
order by control.tenant_id
for no key update
"""

_FIND_POSTING = """
select batch.tenant_id
from unnest($1::uuid[], $2::bigint[]) as wanted (tenant_id, batch_number)
join bursar.ledger_batches as batch
  on batch.tenant_id = wanted.tenant_id and batch.batch_number = wanted.batch_number
where batch.posting_id = $3
"""


async def _was_committed(connection: Connection, posted: Posted) -> bool:
    """Whether the round that was in doubt is in the database: its batches by their numbers and the round's own id.

    The hash would not do: two batches that open holds of one size at one moment have the same. The old transaction may
    still be under way on the server. Waiting for its locks waits for its end.
    """
    numbers = {tenant_id: books.batch_number for tenant_id, books in posted.books.items() if books.is_changed}
    if not numbers:
        # Nothing was to be written, so nothing can have been lost: the answers stand.
        return True
    async with connection.transaction(isolation="read_committed"):
        await connection.execute(_scope(numbers))
        await connection.fetch(_LOCK_CONTROLS, sorted(numbers))
        found = await connection.fetch(_FIND_POSTING, list(numbers), list(numbers.values()), posted.posting_id)
    if found and len(found) != len(numbers):
        raise Broken("a round was committed in part", posting=posted.posting_id, found=len(found), sent=len(numbers))
    return bool(found)
