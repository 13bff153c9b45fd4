"""Signing in, members and groups."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.domain.roles import Role
from tests.support.calls.scenes import PERSON, Call, Sample, Scene, somebody_new, unique
from tests.support.offices import PASSWORD


async def start_session(scene: Scene) -> Call:
    return Call("POST", "/session", {"name": scene.target.username, "password": PASSWORD})


async def end_session(_: Scene) -> Call:
    return Call("DELETE", "/session")


async def create_new_member(_: Scene) -> Call:
    return Call("POST", "/members", somebody_new())


async def create_group(_: Scene) -> Call:
    return Call("POST", "/groups", {"name": f"Group {unique()}"})


SAMPLES: Mapping[str, Sample] = {
    "start_session": Sample(start_session, by=None),
    "end_session": Sample(end_session, by=Role.MEMBER, on_oneself=True, knows_repeats=False),
    "create_member_with_password": Sample(create_new_member, changes=PERSON | {"role"}),
    "create_group_of_tenant": Sample(create_group, changes=frozenset({"name"})),
}
