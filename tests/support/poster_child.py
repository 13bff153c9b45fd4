"""A process that posts for a test: it has lanes of its own and does what it is told in lines of JSON.

Run as `python -m tests.support.poster_child <url of the application's role> <posters> <tenants in a round>`. Each line
on standard input is an order with an `id`; each line on standard output is the answer to the order with that id. The
end of the input closes the lanes and ends the process. The other side is `tests.support.posters`."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

import msgspec
import structlog

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import retrying, writing
from bursar.ledger.answers import encode_outcome
from bursar.ledger.core.decide import HANDLERS

LINE_BYTES_MAX = 2**24

COMMANDS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(reduce(or_, HANDLERS))
"""Reads a command of any kind."""


class Child:
    """What the process knows: its database, its lanes, and what its next posting is to suffer."""

    def __init__(self, database: Database, *, posters: int, tenants_per_round: int) -> None:
        self.database = database
        self.turned_by = timedelta(0)
        self.signal: int | None = None
        self.lanes = ledger.Lanes(database, self.clock, posters=posters, tenants_per_round=tenants_per_round)

    def clock(self, now: datetime) -> datetime:
        """The ledger's time. It is asked under the lock, so this is where a process dies or stops while it holds it."""
        if self.signal is not None:
            signal, self.signal = self.signal, None
            os.kill(os.getpid(), signal)
        return now + self.turned_by

    async def obey(self, order: dict[str, Any]) -> None:
        """Do one order and write its answer."""
        try:
            answer = await self._answer(order)
        except Exception as fault:  # noqa: BLE001 - the outermost loop: whoever ordered is told
            answer = {"fault": type(fault).__name__, "detail": repr(fault)}
        sys.stdout.buffer.write(msgspec.json.encode({"id": order["id"], **answer}) + b"\n")
        sys.stdout.buffer.flush()

    async def _answer(self, order: dict[str, Any]) -> dict[str, Any]:
        match order["do"]:
            case "submit":
                command = COMMANDS.decode(msgspec.json.encode(order["command"]))
                return {"outcomes": [_written(await self.lanes.submit(UUID(order["tenant"]), command))]}
            case "post":
                tenant_id = UUID(order["tenant"])
                commands = [COMMANDS.decode(msgspec.json.encode(command)) for command in order["commands"]]

                async def act() -> list[ledger.Outcome]:
                    async with writing(self.database, tenant_id) as tx:
                        return await ledger.post(tx, tenant_id, commands, self.clock)

                return {"outcomes": [_written(outcome) for outcome in await retrying(act)]}
            case "turn":
                self.turned_by = timedelta(seconds=order["seconds"])
                return {"outcomes": []}
            case "arm":
                self.signal = order["signal"]
                return {"outcomes": []}
            case other:
                raise ValueError(other)


def _written(outcome: ledger.Outcome) -> dict[str, Any]:
    return {"stored": encode_outcome(outcome).decode(), "replayed": outcome.replayed}


async def run(url: str, *, posters: int, tenants_per_round: int) -> None:
    """Obey until the input ends, then post what is left and close."""
    database = await Database.open(url, application_name="bursar child", size=8)
    child = Child(database, posters=posters, tenants_per_round=tenants_per_round)
    await child.lanes.open()
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as orders:
        while line := await reader.readline():
            orders.create_task(child.obey(msgspec.json.decode(line)))
    await child.lanes.close()
    await database.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(run(sys.argv[1], posters=int(sys.argv[2]), tenants_per_round=int(sys.argv[3])))
