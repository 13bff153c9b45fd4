"""Connections to PostgreSQL: the pool that everybody shares, and the ledger's own connections beside it.

Transactions and the tenant scope are in `transaction.py`; nothing here begins one."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from bursar.db.addresses import address_for_asyncpg

if TYPE_CHECKING:
    # asyncpg's classes take a type parameter in its stubs only.
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]

# A server that does not answer within this time is down as far as a waiting person is concerned.
CONNECT_TIMEOUT_SECONDS: Final = 10.0

# Statements live in the code, so their number is bounded by it; this keeps every one of them prepared.
STATEMENT_CACHE_SIZE: Final = 500

# Bursar's statements are short. Compiling one costs more than running it, whatever the planner estimates.
_POOL_SETTINGS: Final = {"jit": "off"}

# A round waits for a tenant's books no longer than this before it goes on with other tenants and comes back later.
POSTING_LOCK_TIMEOUT_MILLISECONDS: Final = 1_000
# A full round's largest statement takes tens of milliseconds. One that takes this long never ends by itself.
POSTING_STATEMENT_TIMEOUT_MILLISECONDS: Final = 10_000
# Between its statements a round only computes, for milliseconds. A poster that is silent for this long was stopped or
# has lost its machine, and the tenants it keeps locked wait for nothing: the server ends its transaction.
POSTING_IDLE_TIMEOUT_MILLISECONDS: Final = 5_000
# When the server itself has fallen silent, nothing of the above is enforced; then the client gives the connection up.
POSTING_ANSWER_TIMEOUT_SECONDS: Final = 15.0

# A posting round sends a handful of statements, thousands of times. Their plans are made once, often while the tables
# are still nearly empty, and must be the right ones for full tables: probes of the primary keys, nothing else.
_POSTING_SETTINGS: Final = {
    "jit": "off",
    "lock_timeout": f"{POSTING_LOCK_TIMEOUT_MILLISECONDS}ms",
    "statement_timeout": f"{POSTING_STATEMENT_TIMEOUT_MILLISECONDS}ms",
    "idle_in_transaction_session_timeout": f"{POSTING_IDLE_TIMEOUT_MILLISECONDS}ms",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}


@dataclass(frozen=True)
class Database:
    """One database, signed in as one role: `pool` for everybody, `connect_posting` for the ledger's rounds.

    Nothing may leave a mark on a pooled connection: settings are made with `set local`, locks are those of the
    transaction, and there are no temporary tables and no listeners. So nothing is reset when one is given back, which
    saves a round trip for each transaction."""

    url: str = field(repr=False)
    application_name: str
    pool: "Pool"

    @classmethod
    async def open(cls, url: str, *, application_name: str, size: int) -> "Database":
        """Connects to a libpq URL; the pool grows to `size` connections when they are needed."""
        address = address_for_asyncpg(url)
        pool = await asyncpg.create_pool(
            address,
            connect=_connect,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_SECONDS,
            reset=_leave_as_it_is,
            statement_cache_size=STATEMENT_CACHE_SIZE,
            # A prepared statement stays good for as long as its connection; asyncpg would drop it after five minutes.
            max_cached_statement_lifetime=0,
            server_settings={**_POOL_SETTINGS, "application_name": application_name},
        )
        return cls(url=address, application_name=application_name, pool=pool)

    @property
    def connections_open(self) -> int:
        """How many connections the pool has at this moment."""
        return self.pool.get_size()

    @property
    def connections_lent(self) -> int:
        """How many of them somebody works with."""
        return self.pool.get_size() - self.pool.get_idle_size()

    async def close(self) -> None:
        """Waits for the connections that are lent out, then closes all."""
        await self.pool.close()

    async def connect_posting(self) -> "Connection":
        """A connection of its own for posting rounds, planned for full tables. The caller closes it."""
        connection = await _connect(
            self.url,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=POSTING_ANSWER_TIMEOUT_SECONDS,
            statement_cache_size=STATEMENT_CACHE_SIZE,
            max_cached_statement_lifetime=0,
            server_settings={**_POSTING_SETTINGS, "application_name": f"{self.application_name} posting"},
        )
        # An answer leaves after the commit, so a commit must be on disk by then, whatever the server is set to.
        # Stronger settings, such as waiting for a standby, are left as they are.
        await connection.execute(
            "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
        )
        return connection


async def _connect(*address: Any, **options: Any) -> "Connection":
    """A new connection. A server that ended cleanly took its socket's file along: that is nobody listening, like any
    other server that is down."""
    try:
        return await asyncpg.connect(*address, **options)
    except FileNotFoundError as gone:
        raise ConnectionRefusedError(gone.errno, "nobody listens at the database's socket") from gone


async def _leave_as_it_is(connection: "Connection") -> None:
    """asyncpg rolls back what is still open before it calls this; there is nothing else to undo."""
