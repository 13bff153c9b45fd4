"""What somebody is told: their own notifications, newest first, with the names that people have now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.ids import parse_any_public_id
from bursar.reports.names import Named, list_names
from bursar.store.notifications import Notification, count_unread, list_notifications


@dataclass(frozen=True)
class OwnNotifications:
    """Some notifications, what everybody and everything in them is called, and how many are unread in all."""

    notifications: list[Notification]
    names: Mapping[UUID, Named]
    unread_count: int


async def see_notifications(
    database: Database, tenant_id: UUID, member_id: UUID, *, is_unread: bool, before: UUID | None, limit: int
) -> OwnNotifications:
    """A page of a member's own.

    Rule: NOTIFY-4, NOTIFY-5
    """
    async with reading(database, tenant_id) as transaction:
        shown = await list_notifications(
            transaction, tenant_id, member_id, is_unread=is_unread, before=before, limit=limit
        )
        names = await list_names(transaction, tenant_id, {identity for one in shown for identity in _ids_in(one)})
        return OwnNotifications(shown, names, await count_unread(transaction, tenant_id, member_id))


def actor_of(notification: Notification) -> UUID | None:
    """Who did what is told of, where it was a member."""
    actor = notification.facts.get("actor")
    return None if actor is None else parse_any_public_id(actor, field="actor")[1]


def _ids_in(notification: Notification) -> set[UUID]:
    return {identity for identity in (actor_of(notification), notification.subject_id) if identity is not None}
