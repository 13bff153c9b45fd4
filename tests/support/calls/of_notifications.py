"""One's own notifications."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.db.transaction import writing
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid, new_uuid_at
from bursar.store.notifications import Notification, insert_notifications
from tests.support.calls.scenes import Call, Sample, Scene

HABIT = "What somebody has read is nobody else's business, and nothing in the tenant is different for it."


async def read_one(scene: Scene) -> Call:
    return Call("POST", f"/notifications/{await notified(scene)}/read")


async def read_all(scene: Scene) -> Call:
    return Call("POST", "/notifications/read", {"until": await notified(scene)})


async def notified(scene: Scene) -> str:
    """The id of something that the scene's member was told."""
    now = scene.house.clock.now()
    notification_id = new_uuid_at(now)
    facts = {"remaining": "1.00", "mark": "5.00"}
    member_id = scene.target.member_id
    one = Notification(notification_id, member_id, "balance_low", new_uuid(), "member", member_id, facts, now)
    async with writing(scene.house.desk.tenants, scene.tenant_id) as transaction:
        await insert_notifications(transaction, scene.tenant_id, [one])
    return public_id("notification", notification_id)


SAMPLES: Mapping[str, Sample] = {
    "read_own_notification": Sample(read_one, by=Role.MEMBER, on_oneself=True, no_event=HABIT),
    "read_own_notifications": Sample(read_all, by=Role.MEMBER, on_oneself=True, no_event=HABIT),
}
