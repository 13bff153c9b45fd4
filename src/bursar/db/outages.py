"""What it looks like when PostgreSQL is not there, or is not one that Bursar can use."""

from __future__ import annotations

from typing import Final

import asyncpg
import psycopg

POSTGRESQL_MAJOR_MIN: Final = 15
CONNECT_TIMEOUT_SECONDS: Final = 10

OUTAGES: Final[tuple[type[Exception], ...]] = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    psycopg.OperationalError,
    ConnectionError,
    TimeoutError,
)
"""The exceptions of the drivers that say: not now. The same request may well succeed later."""


class ServerUnusable(Exception):
    """PostgreSQL cannot be reached with this URL, or is too old; a plain sentence and what to do."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


def check_server(admin_url: str) -> None:
    """Raises `ServerUnusable` unless a PostgreSQL new enough answers at this URL."""
    try:
        with psycopg.connect(admin_url, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            version = connection.info.server_version
    except psycopg.ProgrammingError as error:
        raise ServerUnusable(
            f"The database URL cannot be read: {_first_line(error)}.",
            hint="it looks like postgresql://owner:password@host:5432/bursar",
        ) from None
    except psycopg.OperationalError as error:
        raise ServerUnusable(
            f"The database cannot be reached: {_first_line(error)}.",
            hint="check BURSAR_DATABASE_URL, and that PostgreSQL is running and lets this address in",
        ) from None
    major = version // 10000
    if major < POSTGRESQL_MAJOR_MIN:
        raise ServerUnusable(
            f"The database is PostgreSQL {major}, and Bursar needs {POSTGRESQL_MAJOR_MIN} or newer.",
            hint="point BURSAR_DATABASE_URL to a newer server, or leave it out to use the embedded one",
        )


def _first_line(error: Exception) -> str:
    """psycopg quotes no password; its first line names host, port and reason."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
