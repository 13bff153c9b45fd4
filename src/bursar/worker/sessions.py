"""Clears away sign-ins that ended long ago."""

from __future__ import annotations

from datetime import timedelta

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_writing
from bursar.store.sessions import delete_expired_sessions

KEPT_FOR = timedelta(days=1)
ROWS_MAX = 1_000


async def clear_sessions(desk: Desk) -> int:
    """Deletes some sign-ins that expired more than a day ago; returns how many."""
    async with platform_writing(desk.platform) as transaction:
        return await delete_expired_sessions(transaction, before=desk.clock.now() - KEPT_FOR, rows_max=ROWS_MAX)
