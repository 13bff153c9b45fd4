"""Works off batches of allocations, some rows at a time, in any tenant, until none is under way.

A batch is rows in the database and nothing else: whoever finds it goes on with it, in this process or another, after
whatever has happened. Why there is no library for jobs: decision 0016.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from bursar.actions.allocation_batches import work_on_batch
from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading
from bursar.store.allocation_batches import list_running_batches

log = structlog.get_logger("bursar.worker")

BATCHES_AT_ONCE = 50
"""So many take turns; the next ones begin when one of these has ended."""

PAUSE_SECONDS = 0.003
"""After each turn. A call that waits for the books is woken when they are free, and without a pause the next turn has
them again before it is awake. Measured by `make bench-batches`."""


async def work_on_batches(desk: Desk) -> int:
    """Gives every batch under way its turn, again and again, until all have ended; returns how many turns there were.

    After each turn comes another batch's, so that a small one does not wait for a large one. One with a fault keeps no
    other waiting: it is left for the next time, and the fault is raised when the others have ended.

    Rule: BATCH-5, BATCH-6
    """
    turns = 0
    reached: dict[UUID, int] = {}
    faults: dict[UUID, Exception] = {}
    while True:
        # Asked after every round: it takes less than a millisecond, and lets in what has come meanwhile.
        async with platform_reading(desk.platform) as transaction:
            running = await list_running_batches(transaction, limit=BATCHES_AT_ONCE + len(faults))
        running = [batch for batch in running if batch.batch_id not in faults]
        if not running:
            break
        for batch in running:
            after = reached.get(batch.batch_id, 0)
            try:
                reached[batch.batch_id] = await work_on_batch(desk, batch.tenant_id, batch.batch_id, after=after)
            except Exception as fault:
                # The outermost loop of one batch: told here, and raised when the others have had their turns.
                log.exception("a batch of allocations is stuck", batch=batch.batch_id.hex)
                faults[batch.batch_id] = fault
            turns += 1
            await asyncio.sleep(PAUSE_SECONDS)
    if faults:
        raise next(iter(faults.values()))
    return turns
