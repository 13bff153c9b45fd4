"""Transactions: where they begin, whose rows they see, how long they may take, and when they are tried again.

An action opens one with `writing`, a report with `reading`; nothing beneath them commits. Row-level security shows the
rows of the tenants in the transaction's *scope* and no others; without a scope it shows none. `platform_writing` and
`platform_reading` are for the few tables that belong to no tenant (see `tests/architecture/schema_rules.py`)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg

from bursar.db.engine import Database

if TYPE_CHECKING:
    Transaction: TypeAlias = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    # asyncpg's classes take a type parameter in its stubs only.
    Transaction = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_Result = TypeVar("_Result")

# A person waits for this: longer means that something is stuck, and then the next attempt is better than the wait.
LOCK_TIMEOUT_MILLISECONDS: Final = 3_000
WRITING_STATEMENT_TIMEOUT_MILLISECONDS: Final = 10_000
# A report over a year of a large tenant may take this long before a person gives up on it.
READING_STATEMENT_TIMEOUT_MILLISECONDS: Final = 30_000
# No network call happens inside a transaction, so one that idles has lost its process; its locks must not outlive it.
IDLE_TIMEOUT_MILLISECONDS: Final = 15_000
# All connections being lent out for this long is an overload, and waiting longer makes it worse.
ACQUIRE_TIMEOUT_SECONDS: Final = 10.0

# Two writers that collide are apart after one repetition. Five collisions in a row are a fault to be seen, not hidden.
ATTEMPTS_MAX: Final = 5
# Doubled after each attempt: 10, 20, 40, 80 ms, so the last attempt starts within a person's blink.
FIRST_PAUSE_SECONDS: Final = 0.01

# A plan that was made while a table was nearly empty goes through all of it when it is full; see `engine`.
_FOR_FULL_TABLES: Final = (
    ";set local enable_seqscan = off;set local enable_hashjoin = off;set local enable_mergejoin = off"
)

_WORTH_REPEATING: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)


class NotCommitted(Exception):
    """The block ended as if all was well, but PostgreSQL had already given the transaction up.

    This happens when a block swallows the error of one of its statements. Nothing of it was written."""


class Mode(Enum):
    """How a transaction begins. Writing is READ COMMITTED: what must not change under it is locked, see `ledger`.
    Reading sees one moment throughout, so the figures of one report agree with each other."""

    WRITING = "begin isolation level read committed, read write"
    READING = "begin isolation level repeatable read, read only"


def writing(database: Database, tenant_id: UUID) -> AbstractAsyncContextManager[Transaction]:
    """A transaction that may change this tenant's rows; it commits when the block ends well."""
    return _transaction(database, Mode.WRITING, [tenant_id])


def writing_in_bulk(database: Database, tenant_id: UUID) -> AbstractAsyncContextManager[Transaction]:
    """The same for what changes hundreds of rows at a time, and does so hundreds of times: planned for full tables."""
    return _transaction(database, Mode.WRITING, [tenant_id], settings=_FOR_FULL_TABLES)


def reading(database: Database, tenant_id: UUID) -> AbstractAsyncContextManager[Transaction]:
    """A transaction that sees this tenant's rows as of one moment and can change nothing."""
    return _transaction(database, Mode.READING, [tenant_id])


def reading_several(database: Database, tenant_ids: Sequence[UUID]) -> AbstractAsyncContextManager[Transaction]:
    """A transaction that sees these tenants' rows as of one moment: for the platform, which looks at many at once."""
    return _transaction(database, Mode.READING, tenant_ids)


def platform_writing(database: Database) -> AbstractAsyncContextManager[Transaction]:
    """A transaction that may change what belongs to no tenant; it sees no tenant's rows."""
    return _transaction(database, Mode.WRITING, [])


def platform_reading(database: Database) -> AbstractAsyncContextManager[Transaction]:
    """A transaction that sees what belongs to no tenant as of one moment."""
    return _transaction(database, Mode.READING, [])


async def retrying(action: Callable[[], Awaitable[_Result]]) -> _Result:
    """Runs a whole action, and again if it collided with another: serialization failure, deadlock or lock timeout.

    The action opens its transaction itself, so every attempt starts from nothing. The last collision is raised."""
    pause_seconds = FIRST_PAUSE_SECONDS
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await action()
        except _WORTH_REPEATING:
            await asyncio.sleep(pause_seconds)
            pause_seconds *= 2
    return await action()


def opening_statements(mode: Mode, scope: Sequence[UUID]) -> str:
    """What begins a transaction: its isolation, its timeouts and the tenants it may see, in one round trip.

    These are utility statements, which take no snapshot: what the transaction sees is decided by its first query."""
    statement_timeout = (
        READING_STATEMENT_TIMEOUT_MILLISECONDS if mode is Mode.READING else WRITING_STATEMENT_TIMEOUT_MILLISECONDS
    )
    # The text protocol takes no parameters. An id is rendered from its number, so it can hold nothing but hex digits.
    tenants = ",".join(f"{tenant_id.int:032x}" for tenant_id in scope)
    return (
        f"{mode.value};"
        f"set local lock_timeout = {LOCK_TIMEOUT_MILLISECONDS};"
        f"set local statement_timeout = {statement_timeout};"
        f"set local idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MILLISECONDS};"
        f"set local bursar.scope = '{{{tenants}}}'"
    )


@asynccontextmanager
async def _transaction(
    database: Database, mode: Mode, scope: Sequence[UUID], *, settings: str = ""
) -> AsyncIterator[Transaction]:
    async with database.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        await connection.execute(opening_statements(mode, scope) + settings)
        try:
            yield connection
        except BaseException:
            # Shielded, because being cancelled is a normal way to get here.
            await asyncio.shield(_roll_back(connection))
            raise
        # Asked of a failed transaction, PostgreSQL answers a commit with a rollback, and calls that a success.
        if await connection.execute("commit") != "COMMIT":
            raise NotCommitted


async def _roll_back(connection: Transaction) -> None:
    """A connection that is gone took its transaction with it."""
    if not connection.is_closed():
        await connection.execute("rollback")
