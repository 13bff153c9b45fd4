"""Credits handed out to many at once, and tried again for those who failed."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.allocation_batches import BatchWanted, start_batch
from bursar.actions.desk import Asked
from bursar.actions.member_standing import switch_member
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene, fresh_member

BY_BURSAR = frozenset({"batch_finished"})
"""That a batch has ended is told by Bursar itself, whoever asked for it."""


async def create_allocation_batch(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    member_ids = [scene.target_id, public_id("member", (await fresh_member(scene.house, scene.place)).member_id)]
    return Call("POST", "/allocation-batches", {"member_ids": member_ids, "amount": "2.50", "note": "For the launch"})


async def create_allocation_import(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    return Call("POST", "/allocation-imports", {"csv": f"member,amount\n{scene.target.username},2.50"})


async def retry_allocation_batch(scene: Scene) -> Call:
    return Call("POST", f"/allocation-batches/{await batch_id(scene)}/retry", {})


async def batch_id(scene: Scene) -> str:
    """The id of a finished batch of the target and somebody disabled, for whom it failed."""
    desk, tenant_id = scene.house.desk, scene.tenant_id
    await scene.house.granted(scene.place, "10")
    failing = await fresh_member(scene.house, scene.place)
    await switch_member(desk, scene.operator, tenant_id, failing.member_id, is_active=False)
    admin = Asked(Actor(Role.TENANT_ADMIN, scene.place.admin.member_id, tenant_id, "Admin"))
    wanted = BatchWanted((scene.target.member_id, failing.member_id), parse_level("1", field="amount"))
    ordered = (await start_batch(desk, admin, tenant_id, wanted)).answer
    return public_id("allocation_batch", ordered.batch_id)


SAMPLES: Mapping[str, Sample] = {
    "create_allocation_batch": Sample(create_allocation_batch, by=Role.ADMIN, by_bursar=BY_BURSAR),
    "create_allocation_import": Sample(create_allocation_import, by=Role.ADMIN, by_bursar=BY_BURSAR),
    "retry_allocation_batch": Sample(retry_allocation_batch, by=Role.ADMIN, by_bursar=BY_BURSAR),
}
