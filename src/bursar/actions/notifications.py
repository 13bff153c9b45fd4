"""Marking one's own notifications as read. What somebody has read is nobody else's business, and no event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.actions.desk import Asked, Desk
from bursar.actions.once import Done, once_of_own
from bursar.db.transaction import Transaction
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.store.notifications import count_unread, update_read, update_read_until


@dataclass(frozen=True)
class ReadOne:
    """A notification that was read, since when, and how many are still unread."""

    notification_id: UUID
    read_at: datetime
    unread_count: int


@dataclass(frozen=True)
class ReadSeveral:
    """How many notifications were marked as read, and how many are still unread."""

    read_count: int
    unread_count: int


async def mark_read(desk: Desk, asked: Asked, notification_id: UUID) -> Done[ReadOne]:
    """Marks one of one's own notifications as read; one that was read stays as it is. Refuses `notification_unknown`.

    Rule: NOTIFY-6
    """
    check_permission(asked.actor, Permission.OWN_ACCOUNT)
    tenant_id, member_id = asked.actor.tenant_id, asked.actor.identity

    async def act(transaction: Transaction) -> ReadOne:
        if tenant_id is None or member_id is None:
            raise _unknown()
        now = desk.clock.now()
        read_at = await update_read(transaction, tenant_id, member_id, notification_id, now=now)
        if read_at is None:
            raise _unknown()
        return ReadOne(notification_id, read_at, await count_unread(transaction, tenant_id, member_id))

    return await once_of_own(desk, asked, ReadOne, act)


async def mark_all_read(desk: Desk, asked: Asked, *, until: UUID) -> Done[ReadSeveral]:
    """Marks all of one's own notifications as read that came no later than the one that was seen last.

    Rule: NOTIFY-6
    """
    check_permission(asked.actor, Permission.OWN_ACCOUNT)
    tenant_id, member_id = asked.actor.tenant_id, asked.actor.identity

    async def act(transaction: Transaction) -> ReadSeveral:
        if tenant_id is None or member_id is None:
            return ReadSeveral(read_count=0, unread_count=0)
        count = await update_read_until(transaction, tenant_id, member_id, until, now=desk.clock.now())
        return ReadSeveral(count, await count_unread(transaction, tenant_id, member_id))

    return await once_of_own(desk, asked, ReadSeveral, act)


def _unknown() -> Refusal:
    return Refusal("notification_unknown", "There is no such notification.", field="notification_id")
