"""Forgets the answers to requests that nobody will repeat any more."""

from __future__ import annotations

from datetime import timedelta

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_writing
from bursar.store.remembered_answers import delete_remembered_answers

REMEMBERED_FOR = timedelta(days=7)
"""How long a request can be repeated: over a long weekend and the outage that began it."""
ROWS_MAX = 1_000


async def forget_old_answers(desk: Desk) -> int:
    """Deletes some answers older than a week; returns how many.

    Rule: ONCE-3
    """
    async with platform_writing(desk.platform) as transaction:
        return await delete_remembered_answers(transaction, before=desk.clock.now() - REMEMBERED_FOR, rows_max=ROWS_MAX)
