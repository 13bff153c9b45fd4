"""Rows that a test needs to exist and does not care about, written as plainly as can be."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, writing

SOME_TIME: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


async def insert_tenant(database: Database, name: str, tenant_id: UUID | None = None) -> UUID:
    """An active tenant with nobody in it."""
    tenant_id = tenant_id or uuid4()
    async with writing(database, tenant_id) as tx:
        await tx.execute(
            "insert into tenants (tenant_id, name, status, created_at) values ($1, $2, 'active', $3)",
            tenant_id,
            name,
            SOME_TIME,
        )
    return tenant_id


async def insert_group(tx: Transaction, tenant_id: UUID, name: str) -> UUID:
    """A group that is not the default."""
    group_id = uuid4()
    await tx.execute(
        "insert into groups (tenant_id, group_id, name, is_default) values ($1, $2, $3, false)",
        tenant_id,
        group_id,
        name,
    )
    return group_id


async def insert_event(tx: Transaction, tenant_id: UUID, kind: str) -> UUID:
    """Something that the system did to the tenant."""
    event_id = uuid4()
    await tx.execute(
        """
        insert into events (tenant_id, event_id, happened_at, kind, actor_kind, subject_kind, subject_id, detail)
        values ($1, $2, $3, $4, 'system', 'tenant', $1, '{}')
        """,
        tenant_id,
        event_id,
        SOME_TIME,
        kind,
    )
    return event_id


async def insert_platform_event(tx: Transaction, kind: str) -> UUID:
    """Something that the system did to the platform."""
    event_id = uuid4()
    await tx.execute(
        """
        insert into platform_events
            (event_id, happened_at, kind, actor_kind, subject_kind, detail, changes)
        values ($1, $2, $3, 'system', 'price', '{}', '{}')
        """,
        event_id,
        SOME_TIME,
        kind,
    )
    return event_id
