"""The diaries of processes that were killed, compared with the database they posted to.

They are written by `tests.support.relentless`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg

from bursar.ledger.answers import decode_outcome
from tests.support.acknowledged import Acknowledged
from tests.support.poster_child import COMMANDS
from tests.support.posters import ROOT
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import Tenancy

_STARTS_WITHIN_SECONDS: Final = 60


class Diaries:
    """The diaries of all the processes of one test, in one folder."""

    def __init__(self, folder: Path, database: FreshDatabase, tenancies: list[Tenancy]) -> None:
        self._folder = folder
        self._database = database
        self._tenancies = tenancies
        self._paths: list[Path] = []
        self._counted: dict[Path, tuple[int, int]] = {}

    @contextmanager
    def relentless(self, seed: int) -> Iterator[subprocess.Popen[bytes]]:
        """A process that posts and writes a diary; it is killed at the end of the block, unless it died before."""
        path = self._folder / f"diary {len(self._paths)}"
        self._paths.append(path)
        arguments = [self._database.app_url, str(path), str(seed), msgspec.json.encode(self._tenancies).decode()]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.relentless", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stderr=(self._folder / f"log {len(self._paths)}").open("wb"),
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def wait_for_answers(self, number: int) -> None:
        """Until the newest process has been answered so often since now."""
        wanted = self._count_answers() + number
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while self._count_answers() < wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"no more answers: {self._count_answers()} of {wanted}")
            time.sleep(0.01)

    async def check(self) -> Acknowledged:
        """Every answer is in the database, nothing is there twice, and nothing is there that was not asked for."""
        acknowledged = Acknowledged()
        asked: set[tuple[UUID, UUID]] = set()
        for entry in self._entries():
            tenant_id = UUID(entry["tenant"])
            command = COMMANDS.decode(msgspec.json.encode(entry.get("sent") or entry["answered"]))
            asked.add((tenant_id, getattr(command, "hold_id", None) or command.transfer_id))
            if "stored" in entry:
                acknowledged.note(tenant_id, command, decode_outcome(entry["stored"].encode()))
        acknowledged.check(self._database.admin_url)
        for tenancy in self._tenancies:
            await check_books(self._database, tenancy.tenant_id)
        with psycopg.connect(self._database.admin_url) as connection:
            stored = set(
                connection.execute(
                    "select tenant_id, hold_id from bursar.ledger_holds "
                    "union select tenant_id, transfer_id from bursar.ledger_journal where kind <> 'grant' "
                    # The members' first credits were allocated by the test itself, before anything was killed.
                    "and batch_number > 2"
                )
            )
        assert stored <= asked, f"nobody asked for {stored - asked}"
        return acknowledged

    def _count_answers(self) -> int:
        path = self._paths[-1]
        if not path.exists():
            return 0
        with path.open("rb") as diary:
            # Only what is new since the last look: a long diary is looked at very often.
            offset, answers = self._counted.get(path, (0, 0))
            diary.seek(offset)
            complete = diary.read().rpartition(b"\n")[0]
        self._counted[path] = offset + len(complete), answers + complete.count(b'"stored"')
        return self._counted[path][1]

    def _entries(self) -> Iterator[dict[str, Any]]:
        for path in self._paths:
            for line in path.read_bytes().splitlines(keepends=True):
                # A process that was killed may have left half a line at the end.
                if line.endswith(b"\n"):
                    yield msgspec.json.decode(line)
