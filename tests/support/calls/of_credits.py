"""Credits handed out, taken back, and set aside for calls."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.allocations import Handing, Holder, allocate
from bursar.actions.holds import NewHold, open_hold
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene

HOLD_SECONDS = 600


async def create_allocation(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    return Call("POST", "/allocations", {"member_id": scene.target_id, "amount": "2.50", "note": "For the launch"})


async def create_reclaim(scene: Scene) -> Call:
    await funded(scene)
    return Call("POST", "/reclaims", {"member_id": scene.target_id, "amount": "2.50"})


async def create_hold(scene: Scene) -> Call:
    await funded(scene)
    return Call("POST", "/holds", {"member_id": scene.target_id, "amount": "1"})


async def create_charge(scene: Scene) -> Call:
    await funded(scene)
    return Call("POST", "/charges", {"member_id": scene.target_id, "amount": "1", "label": "Report"})


async def settle_hold(scene: Scene) -> Call:
    return Call("POST", f"/holds/{await held(scene)}/settle", {"cost": "0.5"})


async def void_hold(scene: Scene) -> Call:
    return Call("POST", f"/holds/{await held(scene)}/void")


async def extend_hold(scene: Scene) -> Call:
    return Call("POST", f"/holds/{await held(scene)}/extend", {"seconds": 2 * HOLD_SECONDS})


async def funded(scene: Scene) -> None:
    """Gives the target 5 credits; a tenant admin has the pool's."""
    await scene.house.granted(scene.place, "10")
    if scene.target.role != Role.TENANT_ADMIN:
        handing = Handing(Holder("member", scene.target.member_id), parse_level("5", field="amount"))
        await allocate(scene.house.desk, scene.operator, scene.tenant_id, handing)


async def held(scene: Scene) -> str:
    """The id of a hold that the target opened."""
    await funded(scene)
    wanted = NewHold(scene.target.member_id, parse_level("1", field="amount"), HOLD_SECONDS)
    opened = await open_hold(scene.house.desk, scene.by_target, scene.tenant_id, wanted)
    return public_id("hold", opened.answer.hold_id)


HOT = "Calls under way leave no event: their hold and the journal tell all of it, thousands of times a second."

SAMPLES: Mapping[str, Sample] = {
    "create_allocation": Sample(create_allocation, by=Role.ADMIN, changes=frozenset({"balance"})),
    "create_reclaim": Sample(create_reclaim, by=Role.ADMIN, changes=frozenset({"balance"})),
    "create_hold": Sample(create_hold, by=Role.MEMBER, on_oneself=True, no_event=HOT),
    "create_charge": Sample(create_charge, by=Role.MEMBER, on_oneself=True, no_event=HOT),
    "settle_open_hold": Sample(settle_hold, by=Role.ADMIN, no_event=HOT),
    "void_open_hold": Sample(void_hold, by=Role.MEMBER, on_oneself=True, no_event=HOT),
    "extend_open_hold": Sample(extend_hold, by=Role.ADMIN, no_event=HOT),
}
