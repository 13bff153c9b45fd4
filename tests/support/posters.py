"""Other server processes for a test: each a process of the operating system with lanes of its own.

What runs in the process is in `tests.support.poster_child`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from bursar import ledger
from bursar.ledger.answers import decode_outcome
from tests.support.poster_child import LINE_BYTES_MAX

ROOT: Final = Path(__file__).resolve().parents[2]
ANSWER_SECONDS_MAX: Final = 90
"""Longer than anything a posting waits for: whoever waits for this long hangs."""


class ChildDied(Exception):
    """The process ended before it answered."""


class ChildFault(Exception):
    """The order failed in the process; the fault's name comes first."""


class Poster:
    """One process that posts. Made by `poster` and `posters`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[list[ledger.Outcome]]] = {}
        self._listener = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def submit(self, tenant_id: UUID, command: ledger.Command) -> ledger.Outcome:
        """Through the process's lanes."""
        (outcome,) = await self._order({"do": "submit", "tenant": tenant_id, "command": command})
        return outcome

    async def post(self, tenant_id: UUID, *commands: ledger.Command) -> list[ledger.Outcome]:
        """Within a transaction of the process's own."""
        return await self._order({"do": "post", "tenant": tenant_id, "commands": commands})

    async def turn(self, *, seconds: float) -> None:
        """Set the process's clock so far ahead of the database's."""
        await self._order({"do": "turn", "seconds": seconds})

    async def arm(self, number: signal.Signals) -> None:
        """Let the process send itself a signal as soon as its next posting holds its locks."""
        await self._order({"do": "arm", "signal": int(number)})

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal now."""
        self._process.send_signal(number)

    async def wait_until_stopped(self) -> None:
        """Until the process has been stopped by a signal."""
        while _state(self.pid) != "T":  # noqa: ASYNC110 - only the kernel knows when
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Let it post what it has been told to and end; a stopped or hanging one is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.returncode is None:
            if _state(self.pid) == "T":
                self._process.kill()
            try:
                await asyncio.wait_for(self._process.wait(), ANSWER_SECONDS_MAX)
            except TimeoutError:
                self._process.kill()
                raise
        await self._listener

    async def _order(self, order: dict[str, Any]) -> list[ledger.Outcome]:
        assert self._process.stdin is not None
        number = next(self._numbers)
        future: asyncio.Future[list[ledger.Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._process.stdin.write(msgspec.json.encode({"id": number, **order}) + b"\n")
        if self._listener.done():
            raise ChildDied
        return await asyncio.wait_for(future, ANSWER_SECONDS_MAX)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                answer = msgspec.json.decode(line)
            except msgspec.DecodeError:
                break  # killed in the middle of a line
            future = self._waiting.pop(answer["id"])
            if future.done():
                continue
            if "fault" in answer:
                future.set_exception(ChildFault(answer["fault"], answer["detail"]))
            else:
                future.set_result(
                    [
                        decode_outcome(written["stored"].encode())._replace(replayed=written["replayed"])
                        for written in answer["outcomes"]
                    ]
                )
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ChildDied())


@asynccontextmanager
async def poster(url: str, *, rounds: int = 1, tenants_per_round: int = 64) -> AsyncIterator[Poster]:
    """A process that posts to this database, up to `rounds` at once, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.poster_child",
        url,
        str(rounds),
        str(tenants_per_round),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        limit=LINE_BYTES_MAX,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    child = Poster(process)
    try:
        yield child
    finally:
        await child.end()


@asynccontextmanager
async def posters(url: str, number: int, *, rounds: int = 1) -> AsyncIterator[list[Poster]]:
    """Several such processes, all of them ready."""
    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(poster(url, rounds=rounds)) for _ in range(number)]
        # Whoever has answered once has started, so that races begin at one moment.
        await asyncio.gather(*(child.turn(seconds=0) for child in children))
        yield children


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
