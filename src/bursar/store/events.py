"""What was done, by whom, to what: the audit log. Rows are added and never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Event:
    """One thing that happened in a tenant."""

    event_id: UUID
    happened_at: datetime
    kind: str
    actor_id: UUID | None
    actor_kind: str
    subject_kind: str
    subject_id: UUID | None
    request_id: str | None = None
    note: str | None = None
    detail: Mapping[str, str | None] = field(default_factory=dict)
    key_id: UUID | None = None
    address: str | None = None
    changes: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


async def insert_event(transaction: Transaction, tenant_id: UUID, event: Event) -> None:
    """Adds an event to the tenant's audit log, in the transaction of the change it tells of."""
    await transaction.execute(
        """
        insert into events
            (tenant_id, event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, request_id, note,
             detail, key_id, address, changes)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, $14::jsonb)
        """,
        tenant_id,
        event.event_id,
        event.happened_at,
        event.kind,
        event.actor_id,
        event.actor_kind,
        event.subject_kind,
        event.subject_id,
        event.request_id,
        event.note,
        json.dumps(dict(event.detail)),
        event.key_id,
        event.address,
        _changes_json(event),
    )


async def insert_platform_event(transaction: Transaction, event: Event) -> None:
    """Adds an event to the platform's own audit log."""
    await transaction.execute(
        """
        insert into platform_events
            (event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, request_id, address, note,
             detail, changes)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12::jsonb)
        """,
        event.event_id,
        event.happened_at,
        event.kind,
        event.actor_id,
        event.actor_kind,
        event.subject_kind,
        event.subject_id,
        event.request_id,
        event.address,
        event.note,
        json.dumps(dict(event.detail)),
        _changes_json(event),
    )


def _changes_json(event: Event) -> str:
    return json.dumps({name: {"before": before, "after": after} for name, (before, after) in event.changes.items()})


async def has_event(transaction: Transaction, tenant_id: UUID, *, kind: str) -> bool:
    """Whether something of this kind happened to the tenant itself."""
    return bool(
        await transaction.fetchval(
            """
            select exists (
                select from events
                where tenant_id = $1
                  and subject_id = $1
                  and kind = $2
            )
            """,
            tenant_id,
            kind,
        )
    )
