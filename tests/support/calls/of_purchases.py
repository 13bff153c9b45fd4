"""What credits cost, and orders of them: made and withdrawn by a tenant, confirmed and cancelled by the platform."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.desk import Asked
from bursar.actions.platform_settings import Selling, change_platform_settings
from bursar.actions.purchases import NewPurchase, order
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene

STATUS = frozenset({"status"})


async def price(_: Scene) -> Call:
    return Call("PATCH", "/platform-settings", {"currency": "EUR", "credit_price": "0.02", "purchase_max": "5000"})


async def buy(scene: Scene) -> Call:
    await sell(scene)
    return Call("POST", "/purchases", {"amount": "250", "note": "For the summer", "seen_price": "0.01"})


async def withdraw(scene: Scene) -> Call:
    return Call("POST", f"/purchases/{await purchase_id(scene)}/withdraw", {"note": "Twice by mistake"})


async def confirm(scene: Scene) -> Call:
    return Call("POST", f"/purchases/{await purchase_id(scene)}/confirm", {"note": "Statement of today"})


async def cancel(scene: Scene) -> Call:
    return Call("POST", f"/purchases/{await purchase_id(scene)}/cancel", {"note": "Never paid"})


async def sell(scene: Scene) -> None:
    """Credits are for sale."""
    await change_platform_settings(scene.house.desk, scene.operator, Selling("USD", "0.01", {}))


async def purchase_id(scene: Scene) -> str:
    """An order of the tenant that waits to be paid."""
    await sell(scene)
    admin = scene.place.admin
    asked = Asked(Actor(Role.TENANT_ADMIN, admin.member_id, scene.tenant_id, admin.display_name))
    new = NewPurchase(parse_level("250", field="amount"), None)
    purchase = (await order(scene.house.desk, asked, scene.tenant_id, new)).answer
    return public_id("purchase", purchase.purchase_id)


SAMPLES: Mapping[str, Sample] = {
    "change_settings_of_platform": Sample(
        price, by=Role.SUPER_ADMIN, changes=frozenset({"currency", "credit_price", "purchase_max"})
    ),
    "create_purchase": Sample(buy, changes=STATUS),
    "withdraw_purchase": Sample(withdraw, changes=STATUS),
    "confirm_purchase": Sample(confirm, by=Role.SUPER_ADMIN, changes=STATUS | {"pool"}),
    "cancel_purchase": Sample(cancel, by=Role.SUPER_ADMIN, changes=STATUS),
}
