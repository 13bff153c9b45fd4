"""A process that posts without a pause until it is killed, and keeps a diary of what it asked for and was told.

Run as `python -m tests.support.relentless <url of the application's role> <diary> <seed> <tenancies as JSON>`. The
diary has a line for each command before it is submitted, and one for each answer, on the disk before the next step.
`tests.support.diary` reads it."""

from __future__ import annotations

import asyncio
import os
import sys
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import structlog
from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.domain.credits import Credits
from bursar.ledger.answers import encode_outcome
from tests.support.tenancies import CREDIT, Tenancy, hold, real_time

CLIENTS = 12
TENANCIES = msgspec.json.Decoder(list[Tenancy])


class Diary:
    """Lines appended to a file. What was answered is on the disk when `answered` returns."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def sent(self, tenant_id: UUID, command: ledger.Command) -> None:
        """Note a command that is about to be submitted."""
        self._write({"tenant": tenant_id, "sent": command})

    def answered(self, tenant_id: UUID, command: ledger.Command, outcome: ledger.Outcome) -> None:
        """Note what a caller was told."""
        self._write({"tenant": tenant_id, "answered": command, "stored": encode_outcome(outcome).decode()})
        os.fsync(self._file)

    def _write(self, entry: dict[str, Any]) -> None:
        os.write(self._file, msgspec.json.encode(entry) + b"\n")


class Client:
    """Somebody who calls, allocates and reclaims, and asks again when the ledger could not be reached."""

    def __init__(self, lanes: ledger.Lanes, diary: Diary, tenancies: list[Tenancy], random: Random) -> None:
        self._lanes = lanes
        self._diary = diary
        self._tenancies = tenancies
        self._random = random

    async def run(self) -> None:
        """Never ends."""
        while True:
            tenancy = self._random.choice(self._tenancies)
            if self._random.random() < 0.3:
                # Without a key, so that posting it twice would move it twice.
                await self._once(tenancy, self._transfer(tenancy))
                continue
            opening = hold(tenancy, self._random.randint(1, 3), self._random.choice(tenancy.member_ids))
            if isinstance((await self._surely(tenancy, opening)).answer, ledger.Held):
                await self._surely(tenancy, self._ending(opening))

    async def _once(self, tenancy: Tenancy, command: ledger.Command) -> None:
        self._diary.sent(tenancy.tenant_id, command)
        try:
            outcome = await self._lanes.submit(tenancy.tenant_id, command)
        except ledger.LedgerUnavailable:
            return
        self._diary.answered(tenancy.tenant_id, command, outcome)

    async def _surely(self, tenancy: Tenancy, command: ledger.Command) -> ledger.Outcome:
        self._diary.sent(tenancy.tenant_id, command)
        while True:
            try:
                outcome = await self._lanes.submit(tenancy.tenant_id, command)
            except ledger.LedgerUnavailable:
                continue
            self._diary.answered(tenancy.tenant_id, command, outcome)
            return outcome

    def _transfer(self, tenancy: Tenancy) -> ledger.Transfer:
        return ledger.Transfer(
            actor_id=tenancy.actor_id,
            transfer_id=uuid7(),
            kind=self._random.choice(["allocation", "reclaim"]),
            amount=Credits(self._random.randint(1, 5 * CREDIT)),
            member_id=self._random.choice(tenancy.member_ids),
        )

    def _ending(self, opening: ledger.OpenHold) -> ledger.Command:
        if self._random.random() < 0.2:
            return ledger.VoidHold(actor_id=None, hold_id=opening.hold_id)
        cost = Credits(self._random.randint(0, 4 * CREDIT))
        return ledger.SettleHold(actor_id=None, hold_id=opening.hold_id, cost=cost)


async def run(url: str, path: str, seed: int, tenancies: list[Tenancy]) -> None:
    """Post until killed."""
    database = await Database.open(url, application_name="bursar relentless", size=1)
    lanes = ledger.Lanes(database, real_time, posters=2, tenants_per_round=8)
    await lanes.open()
    diary = Diary(path)
    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(Client(lanes, diary, tenancies, Random(seed + number)).run())


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), TENANCIES.decode(sys.argv[4])))
