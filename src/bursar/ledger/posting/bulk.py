"""Bulk posting: many commands of one tenant, cut into batches that let others in between.

Rule: POSTING-8
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import retrying, writing
from bursar.ledger.answers import Outcome
from bursar.ledger.commands import Command
from bursar.ledger.posting.loading import Clock
from bursar.ledger.posting.rounds import post

COMMANDS_PER_BATCH = 500
"""How many commands hold the tenant's lock at a time: some tens of milliseconds, so that a call in between does not
notice, and enough that the commit is shared by many."""


async def post_in_bulk(
    database: Database, tenant_id: UUID, commands: Iterable[Command], clock: Clock
) -> AsyncIterator[tuple[Command, Outcome]]:
    """Post commands in their order and yield each with its outcome once it is durable.

    Each batch is a transaction of its own: a caller that stops half-way has posted what it has seen. Commands that
    carry a key can all be sent again after an interruption; what was posted answers from memory.

    Rule: POSTING-8
    """
    remaining = iter(commands)
    while batch := list(islice(remaining, COMMANDS_PER_BATCH)):

        async def attempt(batch: list[Command] = batch) -> list[Outcome]:
            async with writing(database, tenant_id) as transaction:
                return await post(transaction, tenant_id, batch, clock)

        for command, outcome in zip(batch, await retrying(attempt), strict=True):
            yield command, outcome
