"""What was done, by whom, to what: the audit log. Rows are added and never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Event:
    """One thing that happened, in a tenant or to the platform."""

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


@dataclass(frozen=True)
class EventFilter:
    """Which events a page shows; None and no kinds let everything through.

    Ids are in the order of time, so `since` and `until` are ids: from this one on, and before this one.
    """

    kinds: tuple[str, ...] = ()
    actor_id: UUID | None = None
    subject_kind: str | None = None
    subject_id: UUID | None = None
    since: UUID | None = None
    until: UUID | None = None
    note: str | None = None
    request_id: str | None = None


async def insert_events(transaction: Transaction, tenant_id: UUID, events: Sequence[Event]) -> None:
    """Adds events to the tenant's audit log, in the transaction of the changes they tell of."""
    await transaction.executemany(
        """
        insert into events
            (tenant_id, event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, request_id, note,
             detail, key_id, address, changes)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, $14::jsonb)
        """,
        [
            (
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
            for event in events
        ],
    )


async def insert_into_outbox(transaction: Transaction, tenant_id: UUID, events: Sequence[Event]) -> None:
    """Notes that people have to be told of events, in the transaction that adds them."""
    await transaction.execute(
        """
        insert into outbox (tenant_id, event_id, kind)
        select $1, told.event_id, told.kind
        from unnest($2::uuid[], $3::text[]) as told (event_id, kind)
        """,
        tenant_id,
        [event.event_id for event in events],
        [event.kind for event in events],
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


# Every statement has all filters. The one that narrows most also stands alone, so that its index can be entered
# whatever else is asked; the others are looked for in the rows that it leads to.
_PAGE = """
        select event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, request_id, note, detail,
               key_id, address, changes
        from events
        where tenant_id = $1
          and event_id < $2
          and event_id >= $3
          and {narrowest}
          and ($4::uuid is null or subject_id = $4)
          and ($5::uuid is null or actor_id = $5)
          and ($6::text[] is null or kind = any($6))
          and ($7::text is null or subject_kind = $7)
          and ($8::text is null or strpos(lower(note), lower($8)) > 0)
          and ($9::text is null or request_id = $9)
        order by event_id desc
        limit $10
"""
_BY_TIME = _PAGE.format(narrowest="true")
_BY_SUBJECT = _PAGE.format(narrowest="subject_id = $4")
_BY_ACTOR = _PAGE.format(narrowest="actor_id = $5")
# The newest of each kind, each by its own part of the index, and of those the newest.
_EACH_KIND = """
        select newest.*
        from unnest($6::text[]) as wanted (kind)
        cross join lateral ({page}) as newest
        order by event_id desc
        limit $10
"""
_BY_KIND = _EACH_KIND.format(page=_PAGE.format(narrowest="kind = wanted.kind"))

_OF_PLATFORM = """
        select event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, request_id, note, detail,
               null::uuid as key_id, address, changes
        from platform_events
        where event_id < $1
          and event_id >= $2
          and ($3::uuid is null or subject_id = $3)
          and ($4::uuid is null or actor_id = $4)
          and ($5::text[] is null or kind = any($5))
          and ($6::text is null or subject_kind = $6)
          and ($7::text is null or strpos(lower(note), lower($7)) > 0)
          and ($8::text is null or request_id = $8)
        order by event_id desc
        limit $9
"""

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


async def list_events(
    transaction: Transaction, tenant_id: UUID, wanted: EventFilter, *, before: UUID | None, limit: int
) -> list[Event]:
    """The tenant's events, newest first, those before the event `before`.

    Rule: AUDIT-4
    """
    if wanted.subject_id is not None:
        statement = _BY_SUBJECT
    elif wanted.actor_id is not None:
        statement = _BY_ACTOR
    else:
        statement = _BY_KIND if wanted.kinds else _BY_TIME
    rows = await transaction.fetch(statement, tenant_id, *_asked(wanted, before), limit)
    return [_event(row) for row in rows]


async def list_platform_events(
    transaction: Transaction, wanted: EventFilter, *, before: UUID | None, limit: int
) -> list[Event]:
    """The platform's own events, newest first, those before the event `before`. There are few."""
    rows = await transaction.fetch(_OF_PLATFORM, *_asked(wanted, before), limit)
    return [_event(row) for row in rows]


async def list_events_with_ids(transaction: Transaction, tenant_id: UUID, event_ids: Sequence[UUID]) -> list[Event]:
    """These events of the tenant, oldest first."""
    rows = await transaction.fetch(
        """
        select event_id, happened_at, kind, actor_id, actor_kind, subject_kind, subject_id, request_id, note, detail,
               key_id, address, changes
        from events
        where tenant_id = $1
          and event_id = any($2::uuid[])
        order by event_id
        """,
        tenant_id,
        event_ids,
    )
    return [_event(row) for row in rows]


def _asked(wanted: EventFilter, before: UUID | None) -> tuple[object, ...]:
    return (
        min(before or _LAST, wanted.until or _LAST),
        wanted.since or _FIRST,
        wanted.subject_id,
        wanted.actor_id,
        list(wanted.kinds) or None,
        wanted.subject_kind,
        wanted.note,
        wanted.request_id,
    )


def _event(row: asyncpg.Record) -> Event:
    columns = dict(row)
    columns["detail"] = json.loads(columns["detail"])
    changes = json.loads(columns["changes"])
    columns["changes"] = {name: (changes[name]["before"], changes[name]["after"]) for name in sorted(changes)}
    return Event(**columns)


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
