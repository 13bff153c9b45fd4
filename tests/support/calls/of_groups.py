"""Groups: renamed, shared and deleted, and what they and their members have."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from bursar.actions.budgets import NewLevel, set_group_monthly
from bursar.actions.groups import create_group
from bursar.domain.credits import ZERO, parse_level
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.reports.groups import see_group
from bursar.reports.members import see_member
from tests.support.calls.scenes import Call, Sample, Scene, unique

FIVE = parse_level("5", field="amount")


async def rename(scene: Scene) -> Call:
    return Call("PATCH", f"/groups/{public_id('group', await new_group(scene))}", {"name": f"Group {unique()}"})


async def delete(scene: Scene) -> Call:
    return Call("DELETE", f"/groups/{public_id('group', await new_group(scene))}")


async def share(scene: Scene) -> Call:
    return Call("PUT", f"/groups/{public_id('group', await new_group(scene))}/shared", {"is_shared": True})


async def set_monthly(scene: Scene) -> Call:
    body = {"monthly": "5", "seen": "0", "note": "More to do"}
    return Call("PUT", f"/groups/{public_id('group', await new_group(scene))}/monthly", body)


async def set_extra(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    body = {"extra": "5", "seen": "0.00"}
    return Call("PUT", f"/groups/{public_id('group', await new_group(scene))}/extra", body)


async def set_auto_approve(scene: Scene) -> Call:
    body = {"auto_approve": "5", "seen": "0"}
    return Call("PUT", f"/groups/{public_id('group', await new_group(scene))}/auto-approve", body)


async def set_monthly_of_member(scene: Scene) -> Call:
    """Five more for the target, for which its group is given five more."""
    desk, group_id, member_id = scene.house.desk, scene.target.group_id, scene.target.member_id
    budget = (await see_group(desk.tenants, scene.tenant_id, group_id, desk.clock.of_ledger)).columns.figures.monthly
    wanted = NewLevel(budget + FIVE, seen=budget)
    await set_group_monthly(desk, scene.operator, scene.tenant_id, group_id, wanted)
    monthly = (await see_member(desk.tenants, scene.tenant_id, member_id, desk.clock.of_ledger)).figures.monthly
    body = {"monthly": str(monthly + FIVE), "seen": str(monthly)}
    return Call("PUT", f"/members/{scene.target_id}/monthly", body)


async def set_extra_of_member(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    desk, member_id = scene.house.desk, scene.target.member_id
    row = await see_member(desk.tenants, scene.tenant_id, member_id, desk.clock.of_ledger)
    present = row.extra or ZERO
    body = {"extra": str(present + FIVE), "seen": str(present)}
    return Call("PUT", f"/members/{scene.target_id}/extra", body)


async def new_group(scene: Scene) -> UUID:
    """An empty group without a budget."""
    made = await create_group(scene.house.desk, scene.operator, scene.tenant_id, f"Group {unique()}")
    return made.answer.group_id


SAMPLES: Mapping[str, Sample] = {
    "rename_group_to": Sample(rename, by=Role.ADMIN, changes=frozenset({"name"})),
    "delete_empty_group": Sample(delete, by=Role.ADMIN, changes=frozenset({"name"})),
    "share_group_budget": Sample(share, by=Role.ADMIN, changes=frozenset({"is_shared"})),
    "set_monthly_of_group": Sample(set_monthly, by=Role.ADMIN, changes=frozenset({"monthly"})),
    "set_extra_of_group": Sample(set_extra, by=Role.ADMIN, changes=frozenset({"extra"})),
    "set_auto_approve_of_group": Sample(set_auto_approve, by=Role.ADMIN, changes=frozenset({"auto_approve"})),
    "set_monthly_of_member": Sample(set_monthly_of_member, by=Role.ADMIN, changes=frozenset({"monthly"})),
    "set_extra_of_member": Sample(set_extra_of_member, by=Role.ADMIN, changes=frozenset({"extra"})),
}
