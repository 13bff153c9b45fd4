"""What a member has left, set as a figure, and allocations reversed."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.allocations import Handing, Holder, allocate
from bursar.db.transaction import reading
from bursar.domain.credits import Credits, parse_level
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.ledger import member_balance
from tests.support.calls.scenes import Call, Sample, Scene


async def set_remaining(scene: Scene) -> Call:
    """Upwards, whatever the member has by now: an admin may take credits back from oneself, and give oneself none."""
    await scene.house.granted(scene.place, "10")
    present = await _remaining(scene)
    wanted = present + parse_level("8", field="remaining")
    body = {"remaining": str(wanted), "seen": str(present), "note": "For the launch"}
    return Call("PUT", f"/members/{scene.target_id}/remaining", body)


async def reverse(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    handing = Handing(Holder("member", scene.target.member_id), parse_level("2", field="amount"))
    given = (await allocate(scene.house.desk, scene.operator, scene.tenant_id, handing)).answer
    return Call("POST", f"/transactions/{public_id('transfer', given.transfer_id)}/reversal", {"note": "Wrong one"})


async def _remaining(scene: Scene) -> Credits:
    async with reading(scene.house.desk.tenants, scene.tenant_id) as transaction:
        clock = scene.house.desk.clock.of_ledger
        return (await member_balance(transaction, scene.tenant_id, scene.target.member_id, clock)).remaining


SAMPLES: Mapping[str, Sample] = {
    "set_remaining_of_member": Sample(set_remaining, by=Role.ADMIN, changes=frozenset({"remaining"})),
    "reverse_transaction": Sample(reverse, by=Role.ADMIN, changes=frozenset({"balance"})),
}
