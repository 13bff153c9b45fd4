"""What the clock is waiting for: tenants whose cycle has ended, and those with holds past their deadline."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading, reading

DUE_MAX = 500
"""Most tenants, or holds of one tenant, that one look returns; the next look sees the rest."""


async def list_tenants_with_ended_cycle(platform: Database, *, now: datetime) -> list[UUID]:
    """Tenants whose running cycle has passed its end, those that wait longest first."""
    async with platform_reading(platform) as transaction:
        rows = await transaction.fetch(
            """
            select tenant_id
            from ledger_control
            where epoch_ends_at <= $1
            order by epoch_ends_at
            limit $2
            """,
            now,
            DUE_MAX,
        )
    return [row["tenant_id"] for row in rows]


async def list_tenants_with_expired_holds(platform: Database, *, now: datetime) -> list[UUID]:
    """Tenants that have an open hold past its deadline."""
    async with platform_reading(platform) as transaction:
        rows = await transaction.fetch(
            """
            select distinct tenant_id
            from ledger_holds
            where state = 'open'
              and expires_at <= $1
            limit $2
            """,
            now,
            DUE_MAX,
        )
    return [row["tenant_id"] for row in rows]


async def list_expired_holds(database: Database, tenant_id: UUID, *, now: datetime) -> list[UUID]:
    """Open holds of this tenant past their deadline, the oldest deadline first."""
    async with reading(database, tenant_id) as transaction:
        rows = await transaction.fetch(
            """
            select hold_id
            from ledger_holds
            where tenant_id = $1
              and state = 'open'
              and expires_at <= $2
            order by expires_at
            limit $3
            """,
            tenant_id,
            now,
            DUE_MAX,
        )
    return [row["hold_id"] for row in rows]
