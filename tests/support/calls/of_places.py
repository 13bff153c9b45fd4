"""The platform and its tenants."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.reports.pool import see_tenant_figures
from tests.support.calls.scenes import PERSON, Call, Sample, Scene, somebody_new, unique


async def create_tenant(_: Scene) -> Call:
    return Call("POST", "/tenants", {"name": f"Initech {unique()}", "admin": somebody_new()})


async def create_grant(scene: Scene) -> Call:
    tenant_id = public_id("tenant", scene.tenant_id)
    return Call("POST", f"/tenants/{tenant_id}/grants", {"amount": "5", "note": "A gift"})


async def reset_cycle(scene: Scene) -> Call:
    desk = scene.house.desk
    cycle = (await see_tenant_figures(desk.tenants, scene.tenant_id, desk.clock.of_ledger)).cycle
    return Call("POST", "/cycle/reset", {"epoch": cycle.epoch})


SAMPLES: Mapping[str, Sample] = {
    "create_tenant_with_admin": Sample(create_tenant, by=Role.SUPER_ADMIN, changes=PERSON | {"name"}),
    "create_grant": Sample(create_grant, by=Role.SUPER_ADMIN, changes=frozenset({"pool"})),
    "reset_cycle_now": Sample(reset_cycle, changes=frozenset({"epoch"})),
}
