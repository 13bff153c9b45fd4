"""The outbox, which holds the events that nobody has been told of yet, and what members are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Waiting:
    """An event in the outbox."""

    event_id: UUID
    kind: str


@dataclass(frozen=True)
class Notification:
    """What one member is told of one event; `facts` are texts as they were when it happened, and ids of people."""

    notification_id: UUID
    member_id: UUID
    kind: str
    event_id: UUID
    subject_kind: str
    subject_id: UUID | None
    facts: Mapping[str, str | None]
    created_at: datetime
    read_at: datetime | None = None


async def list_tenants_with_outbox(
    platform_transaction: Transaction, *, after: UUID | None, rows_max: int
) -> list[UUID]:
    """Tenants of whom something is to be told, those after `after`, out of the first so many rows: at least one,
    if there is any, however much one of them has."""
    rows = await platform_transaction.fetch(
        """
        select distinct tenant_id
        from (
            select tenant_id
            from outbox
            where $1::uuid is null or tenant_id > $1
            order by tenant_id, event_id
            limit $2
        ) as first_rows
        order by tenant_id
        """,
        after,
        rows_max,
    )
    return [row["tenant_id"] for row in rows]


async def delete_from_outbox(transaction: Transaction, tenant_id: UUID, *, limit: int) -> list[Waiting]:
    """Takes the tenant's first events out of the outbox, in their order."""
    rows = await transaction.fetch(
        """
        delete from outbox
        where tenant_id = $1
          and event_id = any(array(
              select first.event_id
              from outbox as first
              where first.tenant_id = $1
              order by first.event_id
              limit $2
          ))
        returning event_id, kind
        """,
        tenant_id,
        limit,
    )
    return sorted((Waiting(**dict(row)) for row in rows), key=lambda waiting: waiting.event_id)


async def list_staff(transaction: Transaction, tenant_id: UUID, *, limit: int) -> list[tuple[UUID, str]]:
    """The active people who run the tenant, with their roles: tenant admins first, and who was there first."""
    rows = await transaction.fetch(
        """
        select member_id, role
        from members
        where tenant_id = $1
          and role in ('tenant_admin', 'admin')
          and status = 'active'
          and kind = 'person'
        order by role desc, member_id
        limit $2
        """,
        tenant_id,
        limit,
    )
    return [(row["member_id"], row["role"]) for row in rows]


async def list_owners(transaction: Transaction, tenant_id: UUID, subject_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Who asked for these credit requests, ordered these purchases and started these batches. Others have no owner."""
    rows = await transaction.fetch(
        """
        select request_id as subject_id, member_id as owner_id
        from credit_requests
        where tenant_id = $1
          and request_id = any($2::uuid[])
        union all
        select purchase_id, ordered_by
        from purchases
        where tenant_id = $1
          and purchase_id = any($2::uuid[])
        union all
        select batch_id, created_by
        from allocation_batches
        where tenant_id = $1
          and batch_id = any($2::uuid[])
        """,
        tenant_id,
        subject_ids,
    )
    return {row["subject_id"]: row["owner_id"] for row in rows}


async def insert_notifications(transaction: Transaction, tenant_id: UUID, added: Sequence[Notification]) -> int:
    """Tells members, except who is gone, or was told of the event before; returns how many were told.

    Who is being deleted is waited for, and nobody is deleted meanwhile: what comes after that would stay.
    """
    rows = await transaction.fetch(
        """
        insert into notifications
            (tenant_id, notification_id, member_id, kind, event_id, subject_kind, subject_id, facts, created_at)
        select $1, added.notification_id, added.member_id, added.kind, added.event_id, added.subject_kind,
               added.subject_id, added.facts::jsonb, added.created_at
        from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::text[],
                    $9::timestamptz[])
            as added (notification_id, member_id, kind, event_id, subject_kind, subject_id, facts, created_at)
        join members on members.tenant_id = $1 and members.member_id = added.member_id
        where members.status <> 'deleted'
        for share of members
        on conflict (tenant_id, event_id, member_id) do nothing
        returning 1
        """,
        tenant_id,
        [one.notification_id for one in added],
        [one.member_id for one in added],
        [one.kind for one in added],
        [one.event_id for one in added],
        [one.subject_kind for one in added],
        [one.subject_id for one in added],
        [json.dumps(dict(one.facts)) for one in added],
        [one.created_at for one in added],
    )
    return len(rows)


async def delete_beyond(transaction: Transaction, tenant_id: UUID, member_ids: Sequence[UUID], *, kept_max: int) -> int:
    """Leaves each of these members their newest notifications, so many; returns how many went."""
    rows = await transaction.fetch(
        """
        delete from notifications
        where tenant_id = $1
          and notification_id = any(array(
              select beyond.notification_id
              from unnest($2::uuid[]) as told (member_id)
              cross join lateral (
                  select theirs.notification_id
                  from notifications as theirs
                  where theirs.tenant_id = $1
                    and theirs.member_id = told.member_id
                  order by theirs.notification_id desc
                  offset $3
              ) as beyond
          ))
        returning 1
        """,
        tenant_id,
        member_ids,
        kept_max,
    )
    return len(rows)


async def delete_notifications_of_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> None:
    """Removes all that a member was told, when the member goes."""
    await transaction.execute(
        """
        delete from notifications
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
    )


async def delete_older(transaction: Transaction, tenant_id: UUID, *, before: UUID, rows_max: int) -> int:
    """Clears away some of the tenant's notifications, those with the lowest ids before this one; how many."""
    rows = await transaction.fetch(
        """
        delete from notifications
        where tenant_id = $1
          and notification_id = any(array(
              select old.notification_id
              from notifications as old
              where old.tenant_id = $1
                and old.notification_id < $2
              order by old.notification_id
              limit $3
          ))
        returning 1
        """,
        tenant_id,
        before,
        rows_max,
    )
    return len(rows)


async def list_notifications(
    transaction: Transaction,
    tenant_id: UUID,
    member_id: UUID,
    *,
    is_unread: bool,
    before: UUID | None,
    limit: int,
) -> list[Notification]:
    """A member's own, newest first, those before `before`; all of them, or the unread ones."""
    rows = await transaction.fetch(
        """
        select notification_id, member_id, kind, event_id, subject_kind, subject_id, facts, created_at, read_at
        from notifications
        where tenant_id = $1
          and member_id = $2
          and ($3::uuid is null or notification_id < $3)
          and (not $4 or read_at is null)
        order by notification_id desc
        limit $5
        """,
        tenant_id,
        member_id,
        before,
        is_unread,
        limit,
    )
    return [Notification(**{**dict(row), "facts": json.loads(row["facts"])}) for row in rows]


async def count_unread(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> int:
    """How many of a member's own notifications are unread."""
    count = await transaction.fetchval(
        """
        select count(*)
        from notifications
        where tenant_id = $1
          and member_id = $2
          and read_at is null
        """,
        tenant_id,
        member_id,
    )
    return int(count)


async def update_read(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, notification_id: UUID, *, now: datetime
) -> datetime | None:
    """Marks one of a member's own as read; when it was first read, or None where there is no such one."""
    read_at: datetime | None = await transaction.fetchval(
        """
        update notifications
        set read_at = coalesce(read_at, $4)
        where tenant_id = $1
          and member_id = $2
          and notification_id = $3
        returning read_at
        """,
        tenant_id,
        member_id,
        notification_id,
        now,
    )
    return read_at


async def update_read_until(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, notification_id: UUID, *, now: datetime
) -> int:
    """Marks all of a member's own as read that came no later than this one; returns how many were unread."""
    rows = await transaction.fetch(
        """
        update notifications
        set read_at = $4
        where tenant_id = $1
          and member_id = $2
          and notification_id <= $3
          and read_at is null
        returning 1
        """,
        tenant_id,
        member_id,
        notification_id,
        now,
    )
    return len(rows)
