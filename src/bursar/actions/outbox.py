"""Telling people what happened: events go out of the outbox, and into what every channel needs, in one transaction.

The one channel that there is writes notifications. Mail and webhooks join here: each writes what is to be sent into a
queue of its own in this same transaction, and sends it outside of any. Read next: `domain/notifications`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Desk
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.notifications import KEPT_MAX, NOTIFICATIONS, RECIPIENTS_MAX, Happened, Staff, recipients
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid_at
from bursar.store.alerts import lock_marks
from bursar.store.events import Event, list_events_with_ids
from bursar.store.notifications import (
    Notification,
    delete_beyond,
    delete_from_outbox,
    insert_notifications,
    list_owners,
    list_staff,
)

EVENTS_MAX = 500
"""The most events told of in one transaction: about what one takes 100 ms for, where all of them are told to somebody.
The rest are told of in the next round."""

NOTIFICATIONS_MAX = 5_000
"""The most notifications written in one transaction, so of fewer events where many run the tenant. The tenant's row is
locked meanwhile, and whoever adds a member or orders credits waits for it, some of them with the books in hand."""


@dataclass(frozen=True)
class Passed:
    """How many events left the outbox, and whether more of them may be waiting there."""

    count: int
    has_more: bool


async def tell_of_events(desk: Desk, tenant_id: UUID) -> Passed:
    """Tells of the tenant's first events that nobody was told of.

    One process at a time does this for a tenant, so that what is told later has a higher id; another one passes on.

    Rule: NOTIFY-1, NOTIFY-2
    """

    async def attempt() -> Passed:
        async with writing(desk.tenants, tenant_id) as transaction:
            if await lock_marks(transaction, tenant_id) is None:
                return Passed(0, has_more=False)
            staff = await _staff(transaction, tenant_id)
            events_max = min(EVENTS_MAX, NOTIFICATIONS_MAX // max(1, staff.count))
            waiting = await delete_from_outbox(transaction, tenant_id, limit=events_max)
            wanted = [one.event_id for one in waiting if one.kind in NOTIFICATIONS]
            if wanted:
                events = await list_events_with_ids(transaction, tenant_id, wanted)
                await _notify(transaction, desk, tenant_id, events, staff)
            return Passed(len(waiting), has_more=len(waiting) == events_max)

    return await retrying(attempt)


async def _staff(transaction: Transaction, tenant_id: UUID) -> Staff:
    running = await list_staff(transaction, tenant_id, limit=RECIPIENTS_MAX)
    return Staff(
        tenant_admins=frozenset(member_id for member_id, role in running if role == Role.TENANT_ADMIN),
        admins=frozenset(member_id for member_id, role in running if role == Role.ADMIN),
    )


async def _notify(transaction: Transaction, desk: Desk, tenant_id: UUID, events: Sequence[Event], staff: Staff) -> None:
    """Writes a notification for each of those who are told, and leaves none of them more than are kept.

    Rule: NOTIFY-3, NOTIFY-7
    """
    subjects = [event.subject_id for event in events if event.subject_id is not None]
    owners = await list_owners(transaction, tenant_id, subjects)
    now = desk.clock.now()
    added = [
        Notification(
            notification_id=new_uuid_at(now),
            member_id=member_id,
            kind=event.kind,
            event_id=event.event_id,
            subject_kind=event.subject_kind,
            subject_id=event.subject_id,
            facts=_facts(event),
            created_at=event.happened_at,
        )
        for event in events
        for member_id in sorted(recipients(_happened(event, owners), staff))
    ]
    if added:
        await insert_notifications(transaction, tenant_id, added)
        told = sorted({one.member_id for one in added})
        await delete_beyond(transaction, tenant_id, told, kept_max=KEPT_MAX)


def _happened(event: Event, owners: Mapping[UUID, UUID]) -> Happened:
    """Whose matter it is, the event may say itself: a batch can be tried again by another than who started it."""
    asked_by = event.detail.get("asked_by")
    owner_id = None if event.subject_id is None else owners.get(event.subject_id)
    if asked_by is not None:
        owner_id = parse_public_id("member", asked_by, field="asked_by")
    return Happened(event.kind, event.subject_id, owner_id, event.actor_id, event.detail)


def _facts(event: Event) -> dict[str, str | None]:
    """What the event tells. A member who did it is kept by id, and named as they are called when somebody reads.

    Rule: NOTIFY-4
    """
    facts = dict(event.detail)
    if event.note is not None:
        facts["note"] = event.note
    if event.actor_kind == "member" and event.actor_id is not None:
        facts["actor"] = public_id("member", event.actor_id)
    return facts
