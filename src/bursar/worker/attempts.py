"""Forgets attempts to sign in that count no more."""

from __future__ import annotations

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_writing
from bursar.domain.attempts import FORGOTTEN_AFTER
from bursar.store.sign_in_attempts import delete_attempt_counts

ROWS_MAX = 10_000
"""More than a minute can bring in, at the rate at which passwords can be checked."""


async def forget_old_attempts(desk: Desk) -> int:
    """Deletes some counts whose every window is over; returns how many.

    Rule: SESSION-5
    """
    async with platform_writing(desk.platform) as transaction:
        return await delete_attempt_counts(transaction, before=desk.clock.now() - FORGOTTEN_AFTER, rows_max=ROWS_MAX)
