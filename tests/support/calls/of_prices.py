"""Prices: set, withdrawn and taken over by the platform, and what they are multiplied with for a tenant or group."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.prices import NewPrice, Refresh, refresh_prices, set_price
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene, unique
from tests.support.prices import terms


async def set_by_hand(_: Scene) -> Call:
    bands = [{"rates": {"input": "2.50", "output": "10"}}]
    return Call("POST", "/prices", {"provider": "openai", "model": unique(), "bands": bands, "note": "A contract"})


async def withdraw(scene: Scene) -> Call:
    new = NewPrice("openai", unique(), terms(input="2.50"), None, None)
    price = (await set_price(scene.house.desk, scene.operator, new)).answer
    return Call("POST", f"/prices/{public_id('price', price.price_id)}/withdraw", {"note": "The contract ended"})


async def take_over(scene: Scene) -> Call:
    looked = await refresh_prices(scene.house.desk, scene.operator, Refresh(is_trial=True, difference=None))
    return Call("POST", "/price-list/refresh", {"dry_run": False, "difference": looked.answer.name})


async def multiply_for_tenant(scene: Scene) -> Call:
    return Call("PUT", f"/tenants/{scene.place.tenant_id}/price-factor", {"price_factor": "1.10"})


async def multiply_for_group(scene: Scene) -> Call:
    path = f"/tenants/{scene.place.tenant_id}/groups/{scene.place.group_id}/price-factor"
    return Call("PUT", path, {"price_factor": "0.90"})


FACTOR = frozenset({"price_factor"})

SAMPLES: Mapping[str, Sample] = {
    "create_price": Sample(set_by_hand, by=Role.SUPER_ADMIN, changes=frozenset({"standard input", "standard output"})),
    "withdraw_price_set_by_hand": Sample(withdraw, by=Role.SUPER_ADMIN, changes=frozenset({"standard input"})),
    "refresh_price_list": Sample(take_over, by=Role.SUPER_ADMIN),
    "set_price_factor_of_tenant": Sample(multiply_for_tenant, by=Role.SUPER_ADMIN, changes=FACTOR),
    "set_price_factor_of_group": Sample(multiply_for_group, by=Role.SUPER_ADMIN, changes=FACTOR),
}
