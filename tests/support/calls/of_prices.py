"""The price list, and what prices are multiplied with."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.prices import NewPrice, Refresh, refresh_prices, set_price
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene, unique
from tests.support.prices import terms


async def create(_: Scene) -> Call:
    band = {"rates": {"input": "2.50", "output": "10.00"}}
    return Call("POST", "/prices", {"provider": "openai", "model": f"gpt-{unique()}", "bands": [band]})


async def refresh(scene: Scene) -> Call:
    found = (await refresh_prices(scene.house.desk, scene.operator, Refresh(is_trial=True, difference=None))).answer
    return Call("POST", "/price-list/refresh", {"dry_run": False, "difference": found.name})


async def withdraw(scene: Scene) -> Call:
    new = NewPrice("openai", f"gpt-{unique()}", terms(input="2.50"), None, None)
    price = (await set_price(scene.house.desk, scene.operator, new)).answer
    return Call("POST", f"/prices/{public_id('price', price.price_id)}/withdraw", {"note": "Wrong"})


async def set_tenants_factor(scene: Scene) -> Call:
    return Call("PUT", f"/tenants/{public_id('tenant', scene.tenant_id)}/price-factor", {"price_factor": "1.10"})


async def set_groups_factor(scene: Scene) -> Call:
    tenant_id, group_id = public_id("tenant", scene.tenant_id), public_id("group", scene.target.group_id)
    return Call("PUT", f"/tenants/{tenant_id}/groups/{group_id}/price-factor", {"price_factor": "1.20"})


FACTOR = frozenset({"price_factor"})

SAMPLES: Mapping[str, Sample] = {
    "create_price": Sample(create, by=Role.SUPER_ADMIN, changes=frozenset({"standard input"})),
    "refresh_price_list": Sample(refresh, by=Role.SUPER_ADMIN),
    "withdraw_price_set_by_hand": Sample(withdraw, by=Role.SUPER_ADMIN, changes=frozenset({"standard input"})),
    "set_price_factor_of_tenant": Sample(set_tenants_factor, by=Role.SUPER_ADMIN, changes=FACTOR),
    "set_price_factor_of_group": Sample(set_groups_factor, by=Role.SUPER_ADMIN, changes=FACTOR),
}
