"""What the crash tests share: the seed of what they do at random, and a server that may be killed."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest

from bursar.db.embedded import EmbeddedServer, running
from tests.support.postgres import FreshDatabase, Server, copied_database, template_database

RECOVERY_SECONDS_MAX: Final = 60
"""A server whose processes were killed waits some seconds for the rest of them before it recovers."""


@pytest.fixture(scope="session")
def _seed_of_session() -> int:
    return int(os.environ.get("BURSAR_CRASH_SEED") or secrets.randbelow(2**32))


@pytest.fixture
def seed(_seed_of_session: int) -> int:
    """The seed of this run; BURSAR_CRASH_SEED sets it. It is printed with every test that fails."""
    print(f"BURSAR_CRASH_SEED={_seed_of_session}")
    return _seed_of_session


@dataclass(frozen=True)
class Mortal:
    """A database on a server of its own, which writes to the disk what it says it has written."""

    server: EmbeddedServer
    database: FreshDatabase

    def wait_until_up(self) -> None:
        """Until the server has recovered; it does so by itself."""
        deadline = time.monotonic() + RECOVERY_SECONDS_MAX
        while True:
            self.server.ensure_running()
            try:
                psycopg.connect(self.database.admin_url).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    """A server with fsync that nobody else uses, so that it may be killed; it is started again when it dies."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="bursar-crash-", dir="/tmp", ignore_cleanup_errors=True)
            )
        )
        # As root, the server runs as another user, who has to get through here.
        folder.chmod(0o711)
        server = stack.enter_context(running(folder / "bursar", settings={"fsync": "on", "synchronous_commit": "on"}))
        mine = Server(admin_url=server.admin_url)
        template = stack.enter_context(template_database(mine))
        yield Mortal(server, stack.enter_context(copied_database(mine, template)))
