"""One's own account, and sign-ins of oneself and of others."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene, unique
from tests.support.offices import PASSWORD


async def change_account(_: Scene) -> Call:
    return Call("PATCH", "/own/account", {"display_name": f"Ada {unique()}"})


async def change_password(_: Scene) -> Call:
    return Call("PUT", "/own/password", {"current_password": PASSWORD, "new_password": f"a new password {unique()}"})


async def end_others(scene: Scene) -> Call:
    await another_sign_in(scene)
    return Call("DELETE", "/own/sessions")


async def end_one(scene: Scene) -> Call:
    return Call("DELETE", f"/own/sessions/{await another_sign_in(scene)}")


async def end_all_of_member(scene: Scene) -> Call:
    await another_sign_in(scene)
    return Call("DELETE", f"/members/{scene.target_id}/sessions")


async def another_sign_in(scene: Scene) -> str:
    """The id of a sign-in of the scene's member, from another browser."""
    client = await scene.house.signed_in(scene.target.username)
    sessions = (await client.get("/api/v1/own/sessions")).json()["sessions"]
    return str(next(session["id"] for session in sessions if session["is_current"]))


SAMPLES: Mapping[str, Sample] = {
    "change_own_account": Sample(change_account, by=Role.MEMBER, on_oneself=True, changes=frozenset({"display_name"})),
    "set_own_password": Sample(change_password, by=Role.MEMBER, on_oneself=True),
    "end_other_own_sessions": Sample(end_others, by=Role.MEMBER, on_oneself=True),
    "end_one_own_session": Sample(end_one, by=Role.MEMBER, on_oneself=True),
    "end_sessions_of_member": Sample(end_all_of_member, by=Role.ADMIN),
}
