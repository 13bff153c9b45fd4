"""PostgreSQL for tests: one server for the session, one database for each test, copied from a migrated template.

`BURSAR_TEST_DATABASE_URL`, a superuser's URL of any PostgreSQL 15+, wins; otherwise a server is started. The fixtures
that hand these out are in `tests/conftest.py`."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from bursar.db.addresses import address_of_database
from bursar.db.embedded import running
from bursar.db.migrate import migrate
from bursar.db.roles import provision

SECRET_KEY: Final = b"the secret key of test databases"
_WITHOUT_FSYNC: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_numbers: Final = count(1)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, as its superuser."""

    admin_url: str


@dataclass(frozen=True)
class FreshDatabase:
    """A database of one test, migrated and provisioned, and the URLs of those who sign in to it."""

    name: str
    admin_url: str
    app_url: str
    platform_url: str


@contextmanager
def running_server(*, fsync: bool) -> Iterator[Server]:
    """The given server, else one of our own. Ours may do without `fsync`, which makes tests quick; a test that pulls
    the plug asks for it. A given server is left as it is."""
    given = os.environ.get("BURSAR_TEST_DATABASE_URL")
    if given:
        yield Server(admin_url=given)
        return
    with _own_server({} if fsync else _WITHOUT_FSYNC) as admin_url:
        yield Server(admin_url=admin_url)


@contextmanager
def template_database(server: Server) -> Iterator[str]:
    """A migrated database without any rows, by name, for others to be copied from."""
    with empty_database(server) as admin_url:
        migrate(admin_url)
        yield _name_of(admin_url)


@contextmanager
def empty_database(server: Server) -> Iterator[str]:
    """A database with nothing in it: the superuser's URL."""
    with _database(server, template="template0") as name:
        yield address_of_database(server.admin_url, database=name)


@contextmanager
def copied_database(server: Server, template: str) -> Iterator[FreshDatabase]:
    """A database of one's own with the schema in it."""
    with _database(server, template=template) as name:
        admin_url = address_of_database(server.admin_url, database=name)
        endpoints = provision(admin_url, SECRET_KEY)
        yield FreshDatabase(
            name=name, admin_url=admin_url, app_url=endpoints.app_url, platform_url=endpoints.platform_url
        )


@contextmanager
def _own_server(settings: Mapping[str, str]) -> Iterator[str]:
    # A short path: that of a socket is limited.
    with tempfile.TemporaryDirectory(prefix="bursar-test-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        # As root, the server runs as another user, who has to get through here.
        Path(folder).chmod(0o711)
        with running(Path(folder) / "bursar", settings=settings) as embedded:
            yield embedded.admin_url


@contextmanager
def _database(server: Server, *, template: str) -> Iterator[str]:
    name = f"bursar_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    try:
        yield name
    finally:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            # Forced, because a test that failed may have left connections behind.
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            for role in (f"{name}_app_login", f"{name}_platform_login"):
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def _name_of(admin_url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(admin_url)["dbname"])
