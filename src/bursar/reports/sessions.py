"""Where somebody is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.store.sessions import SessionRow, list_live_sessions


@dataclass(frozen=True)
class LiveAt:
    """The moment that is asked about, and how long an unused sign-in stays alive."""

    now: datetime
    idle: timedelta


async def see_sessions(
    database: Database, principal_id: UUID, at: LiveAt, *, before: UUID | None, limit: int
) -> list[SessionRow]:
    """The sign-ins of one person that can still be used, the latest first.

    Rule: SESSION-13
    """
    async with platform_reading(database) as transaction:
        return await list_live_sessions(
            transaction, principal_id, now=at.now, seen_after=at.now - at.idle, before=before, limit=limit
        )
