"""The platform and its tenants."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from bursar.actions.super_admins import add_super_admin, disable_super_admin
from bursar.actions.tenants import suspend_tenant
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.ledger import TenantFigures
from bursar.reports.pool import see_tenant_figures
from tests.support.calls.scenes import PERSON, Call, Sample, Scene, somebody_new, unique
from tests.support.offices import person


async def create_tenant(_: Scene) -> Call:
    return Call("POST", "/tenants", {"name": f"Initech {unique()}", "admin": somebody_new()})


async def create_grant(scene: Scene) -> Call:
    return Call("POST", f"/tenants/{tenant_of(scene)}/grants", {"amount": "5", "note": "A gift"})


async def withdraw_grant(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    return Call("POST", f"/tenants/{tenant_of(scene)}/grant-withdrawals", {"amount": "5"})


async def rename_tenant(scene: Scene) -> Call:
    return Call("PATCH", f"/tenants/{tenant_of(scene)}", {"name": f"Acme {unique()}"})


async def suspend(scene: Scene) -> Call:
    return Call("POST", f"/tenants/{tenant_of(scene)}/suspend", {"note": "Unpaid"})


async def resume(scene: Scene) -> Call:
    await suspend_tenant(scene.house.desk, scene.operator, scene.tenant_id, note=None)
    return Call("POST", f"/tenants/{tenant_of(scene)}/resume", {"note": "Paid"})


async def set_total(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    granted = (await figures(scene)).granted
    return Call("PUT", f"/tenants/{tenant_of(scene)}/total", {"total": str(granted + FIVE), "seen": str(granted)})


async def set_ceiling(scene: Scene) -> Call:
    ceiling = (await figures(scene)).cycle.per_cycle + FIVE
    return Call("PUT", f"/tenants/{tenant_of(scene)}/cycle-ceiling", {"ceiling": str(ceiling)})


async def set_per_cycle(scene: Scene) -> Call:
    present = (await figures(scene)).cycle.per_cycle
    body = {"credits_per_cycle": str(present + FIVE), "seen": str(present)}
    return Call("PUT", "/cycle/credits-per-cycle", body)


async def set_cadence(scene: Scene) -> Call:
    cycle = (await figures(scene)).cycle
    body = {"cadence": "1_week", "time_zone": "Europe/Berlin", "epoch": cycle.epoch}
    return Call("PUT", "/cycle/cadence", body)


async def change_settings(_: Scene) -> Call:
    return Call("PATCH", "/settings", {"display": "dollars", "contact": "mailto:help@example.com"})


async def create_super_admin(_: Scene) -> Call:
    return Call("POST", "/super-admins", somebody_new())


async def disable_super_admin_of(scene: Scene) -> Call:
    return Call("POST", f"/super-admins/{public_id('platform_admin', await another(scene))}/disable", {})


async def enable_super_admin_of(scene: Scene) -> Call:
    admin_id = await another(scene)
    await disable_super_admin(scene.house.desk, scene.operator, admin_id, note=None)
    return Call("POST", f"/super-admins/{public_id('platform_admin', admin_id)}/enable", {})


async def another(scene: Scene) -> UUID:
    """A super admin who has just been added."""
    return (await add_super_admin(scene.house.desk, scene.operator, person(f"root-{unique()}"))).answer.admin_id


async def figures(scene: Scene) -> TenantFigures:
    desk = scene.house.desk
    return await see_tenant_figures(desk.tenants, scene.tenant_id, desk.clock.of_ledger)


def tenant_of(scene: Scene) -> str:
    return public_id("tenant", scene.tenant_id)


async def reset_cycle(scene: Scene) -> Call:
    return Call("POST", "/cycle/reset", {"epoch": (await figures(scene)).cycle.epoch})


FIVE = parse_level("5", field="amount")
STATUS = frozenset({"status"})

SAMPLES: Mapping[str, Sample] = {
    "create_tenant_with_admin": Sample(create_tenant, by=Role.SUPER_ADMIN, changes=PERSON | {"name"}),
    "rename_tenant_to": Sample(rename_tenant, by=Role.SUPER_ADMIN, changes=frozenset({"name"})),
    "suspend_tenant_now": Sample(suspend, by=Role.SUPER_ADMIN, changes=STATUS),
    "resume_tenant_again": Sample(resume, by=Role.SUPER_ADMIN, changes=STATUS),
    "create_grant": Sample(create_grant, by=Role.SUPER_ADMIN, changes=frozenset({"pool"})),
    "create_grant_withdrawal": Sample(withdraw_grant, by=Role.SUPER_ADMIN, changes=frozenset({"pool"})),
    "set_total_of_tenant": Sample(set_total, by=Role.SUPER_ADMIN, changes=frozenset({"total"})),
    "set_cycle_ceiling_of_tenant": Sample(set_ceiling, by=Role.SUPER_ADMIN, changes=frozenset({"ceiling"})),
    "set_credits_per_cycle": Sample(set_per_cycle, changes=frozenset({"credits_per_cycle"})),
    "set_cadence_of_cycles": Sample(set_cadence, changes=frozenset({"cadence", "time_zone"})),
    "reset_cycle_now": Sample(reset_cycle, changes=frozenset({"epoch"})),
    "change_settings_of_tenant": Sample(change_settings, changes=frozenset({"display", "contact"})),
    "create_super_admin_with_password": Sample(create_super_admin, by=Role.SUPER_ADMIN, changes=PERSON),
    "disable_super_admin_now": Sample(disable_super_admin_of, by=Role.SUPER_ADMIN, changes=STATUS),
    "enable_super_admin_again": Sample(enable_super_admin_of, by=Role.SUPER_ADMIN, changes=STATUS),
}
