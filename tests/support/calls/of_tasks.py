"""Tasks that are stopped."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.of_credits import funded
from tests.support.calls.scenes import Call, Sample, Scene
from tests.support.jobs import job_of


async def stop_task(scene: Scene) -> Call:
    return Call("POST", f"/tasks/{await task_id(scene)}/cancel")


async def task_id(scene: Scene) -> str:
    """The id of a batch of calls that the target asked for, and that is under way."""
    await funded(scene)
    job = await job_of(scene.house.desk, scene.tenant_id, scene.target.member_id, scene.target.group_id)
    return public_id("provider_job", job)


SAMPLES: Mapping[str, Sample] = {
    "stop_task": Sample(stop_task, by=Role.MEMBER, on_oneself=True),
}
