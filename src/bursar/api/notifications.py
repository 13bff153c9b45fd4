"""What one is told of: one's own notifications, and that they were read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from bursar.actions.notifications import mark_all_read, mark_read
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import NotificationId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.notifications import NOTIFICATIONS, Place, Tone, title_of
from bursar.domain.roles import Permission
from bursar.reports.names import Named
from bursar.reports.notifications import OwnNotifications, actor_of, see_notifications
from bursar.store.notifications import Notification

routes = APIRouter(tags=["notifications"])


class NotificationPlace(Shape):
    """Where a notification leads: a list, and in it the one thing that it is about, if it is about one."""

    place: Place
    id: str | None


class NotificationShape(Shape):
    """One thing that one is told. `facts` are texts as they were when it happened, and what people are called now."""

    id: str
    kind: str
    title: str
    tone: Tone
    leads_to: NotificationPlace
    facts: dict[str, str | None]
    created_at: datetime
    read_at: datetime | None


class NotificationList(Shape):
    """A page of one's own notifications, newest first, and how many are unread in all."""

    notifications: list[NotificationShape]
    unread_count: int
    next_cursor: str | None


class ReadNotification(Shape):
    """A notification that was read, since when, and how many are still unread."""

    id: str
    read_at: datetime
    unread_count: int


class NotificationsSeen(Shape):
    """The newest notification that was seen. What came after it stays unread."""

    until: NotificationId


class ReadNotifications(Shape):
    """How many notifications were marked as read, and how many are still unread."""

    read_count: int
    unread_count: int


@routes.get("/notifications", responses=problems(401, 403, 422))
async def list_own_notifications(
    visit: Annotated[Visit, platform(Permission.OWN_ACCOUNT)],
    unread: Annotated[bool, Query(description="Only those that were not read.")] = False,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> NotificationList:
    """What one was told of, newest first. A super admin is told of nothing: what happens in tenants is theirs."""
    before = None if cursor is None else parse_public_id("notification", decode_cursor(cursor, str)[0], field="cursor")
    actor = visit.asked.actor
    page = OwnNotifications([], {}, 0)
    if actor.tenant_id is not None and actor.identity is not None:
        page = await see_notifications(
            visit.desk.tenants, actor.tenant_id, actor.identity, is_unread=unread, before=before, limit=limit + 1
        )
    shown = [_shape(one, page.names) for one in page.notifications[:limit]]
    return NotificationList(
        notifications=shown,
        unread_count=page.unread_count,
        next_cursor=encode_cursor(shown[-1].id) if len(page.notifications) > limit else None,
    )


@routes.post("/notifications/read", responses=problems(401, 403, 422))
async def read_own_notifications(
    body: NotificationsSeen, visit: Annotated[Visit, platform_change(Permission.OWN_ACCOUNT)]
) -> ReadNotifications:
    """Marks all as read that came no later than the one named."""
    read = visit.told(await mark_all_read(visit.desk, visit.asked, until=body.until))
    return ReadNotifications(read_count=read.read_count, unread_count=read.unread_count)


@routes.post("/notifications/{notification_id}/read", responses=problems(401, 403, 404, 422))
async def read_own_notification(
    notification_id: NotificationId, visit: Annotated[Visit, platform_change(Permission.OWN_ACCOUNT)]
) -> ReadNotification:
    """Marks one as read."""
    read = visit.told(await mark_read(visit.desk, visit.asked, notification_id))
    return ReadNotification(
        id=public_id("notification", read.notification_id), read_at=read.read_at, unread_count=read.unread_count
    )


def _shape(notification: Notification, names: Mapping[UUID, Named]) -> NotificationShape:
    kind = NOTIFICATIONS[notification.kind]
    subject_id = notification.subject_id
    facts = {**notification.facts, **_named(notification, names)}
    is_thing = subject_id is not None and notification.subject_kind != "tenant"
    return NotificationShape(
        id=public_id("notification", notification.notification_id),
        kind=notification.kind,
        title=title_of(notification.kind, facts),
        tone=kind.tone,
        leads_to=NotificationPlace(
            place=kind.leads_to,
            id=public_id(notification.subject_kind, subject_id) if is_thing and subject_id is not None else None,
        ),
        facts=facts,
        created_at=notification.created_at,
        read_at=notification.read_at,
    )


def _named(notification: Notification, names: Mapping[UUID, Named]) -> dict[str, str]:
    """What the people and things in a notification are called now.

    Rule: NOTIFY-4
    """
    ids = {"actor": actor_of(notification), "subject": notification.subject_id}
    return {name: names[identity].name for name, identity in ids.items() if identity is not None and identity in names}
