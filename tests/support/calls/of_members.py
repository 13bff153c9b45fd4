"""Members, once they are there: edited, promoted, disabled, moved and deleted."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.groups import create_group
from bursar.actions.member_standing import switch_member
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene, unique


async def change(scene: Scene) -> Call:
    word = unique()
    body = {"display_name": f"Ada {word}", "job_title": "Planner", "password": f"a new password {word}"}
    return Call("PATCH", f"/members/{scene.target_id}", body)


async def set_role(scene: Scene) -> Call:
    """A member becomes an admin, everybody else a member."""
    role = "admin" if scene.target.role == Role.MEMBER else "member"
    return Call("PUT", f"/members/{scene.target_id}/role", {"role": role})


async def disable(scene: Scene) -> Call:
    return Call("POST", f"/members/{scene.target_id}/disable")


async def enable(scene: Scene) -> Call:
    if scene.target.member_id != scene.place.admin.member_id:  # the last tenant admin cannot be disabled
        desk, member_id = scene.house.desk, scene.target.member_id
        await switch_member(desk, scene.operator, scene.tenant_id, member_id, is_active=False)
    return Call("POST", f"/members/{scene.target_id}/enable")


async def move(scene: Scene) -> Call:
    group = (await create_group(scene.house.desk, scene.operator, scene.tenant_id, f"Group {unique()}")).answer
    return Call("PUT", f"/members/{scene.target_id}/group", {"group_id": public_id("group", group.group_id)})


async def delete(scene: Scene) -> Call:
    return Call("DELETE", f"/members/{scene.target_id}")


SAMPLES: Mapping[str, Sample] = {
    "change_member": Sample(change, by=Role.ADMIN, changes=frozenset({"display_name", "job_title"})),
    "set_member_role": Sample(set_role, by=Role.ADMIN, changes=frozenset({"role"})),
    "disable_member": Sample(disable, by=Role.ADMIN, changes=frozenset({"status"})),
    "enable_member": Sample(enable, by=Role.ADMIN, changes=frozenset({"status"})),
    "move_member_to_group": Sample(move, by=Role.ADMIN, changes=frozenset({"group_id"})),
    "delete_member_for_good": Sample(delete, changes=frozenset({"status"})),
}
