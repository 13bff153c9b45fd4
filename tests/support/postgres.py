"""PostgreSQL for tests: one server for the session, one database for each test, copied from a migrated template.

`BURSAR_TEST_DATABASE_URL`, a superuser's URL of any PostgreSQL 15+, wins; otherwise a server is started. The fixtures
that hand these out are in `tests/conftest.py`."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from bursar.db.addresses import address_of_database
from bursar.db.embedded import running
from bursar.db.migrate import migrate
from bursar.db.partitions import ensure_journal_partitions
from bursar.db.roles import provision

SECRET_KEY: Final = b"the secret key of test databases"
_WITHOUT_FSYNC: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # The log is in memory too, so it is kept short.
    "min_wal_size": "80MB",
    "max_wal_size": "512MB",
}
FOLDER_PREFIX: Final = "bursar-test-"
IN_USE: Final = "in-use"
DISK: Final = Path("/tmp")
MEMORY: Final = Path("/dev/shm")
# Two servers beside each other take a few hundred MB each; where shared memory is as small as containers have it, the
# disk does.
MEMORY_BYTES_MIN: Final = 4 * 1024**3
SCRAM_ITERATIONS_SINCE: Final = 160_000

# On purpose, a sign-in hashes a password 4 096 times on either side; each test signs in to its database a dozen times.
_CHEAP_SIGN_IN: Final = "alter system set scram_iterations = 1"
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
    settings, parent = ({}, DISK) if fsync else (_WITHOUT_FSYNC, _folder_for_speed())
    with _own_server(settings, parent=parent) as admin_url:
        _make_sign_in_cheap(admin_url)
        yield Server(admin_url=admin_url)


@contextmanager
def template_database(server: Server) -> Iterator[str]:
    """A migrated database without any rows, by name, for others to be copied from."""
    with empty_database(server) as admin_url:
        migrate(admin_url)
        # As they are after every start, and so that no copy has to make them for itself.
        ensure_journal_partitions(admin_url)
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
def _own_server(settings: Mapping[str, str], *, parent: Path) -> Iterator[str]:
    # A short path: that of a socket is limited.
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, dir=parent, ignore_cleanup_errors=True) as folder:
        # As root, the server runs as another user, who has to get through here.
        Path(folder).chmod(0o711)
        with _marked_in_use(Path(folder)), running(Path(folder) / "bursar", settings=settings) as embedded:
            yield embedded.admin_url


@contextmanager
def _marked_in_use(folder: Path) -> Iterator[None]:
    with (folder / "mark").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        # Locked before it can be seen, so that another run never takes the folder for one that was left behind.
        (folder / "mark").rename(folder / IN_USE)
        yield


def _folder_for_speed() -> Path:
    """Where a server that keeps nothing keeps its files: in memory if there is room. Making a database writes some
    three hundred files, which takes 10 ms there and ten times as long or worse on a disk's file system."""
    try:
        has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    except OSError:
        has_room = False
    if not has_room:
        return DISK
    _clear_up_after_the_killed()
    return MEMORY


def _clear_up_after_the_killed() -> None:
    """Gives back the memory of runs that were killed; the system drops their locks."""
    for left in MEMORY.glob(f"{FOLDER_PREFIX}*/{IN_USE}"):
        with suppress(OSError), left.open() as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent, ignore_errors=True)


@contextmanager
def _database(server: Server, *, template: str) -> Iterator[str]:
    name = f"bursar_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        connection.execute(
            # Copying files takes a fifth of the time of PostgreSQL's own choice, which writes every page to the log.
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield name
    finally:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            # Forced, because a test that failed may have left connections behind.
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            for role in (f"{name}_app_login", f"{name}_platform_login"):
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def _make_sign_in_cheap(admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        if connection.info.server_version >= SCRAM_ITERATIONS_SINCE:
            connection.execute(_CHEAP_SIGN_IN)
            connection.execute("select pg_reload_conf()")


def _name_of(admin_url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(admin_url)["dbname"])
