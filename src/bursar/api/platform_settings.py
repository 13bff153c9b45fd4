"""What the operator chooses for the whole installation: what credits cost, and how orders of them are paid."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.platform_settings import Selling, change_platform_settings
from bursar.api.amounts import Amount, LevelOrNone, TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.money import CreditPriceText, CurrencyText
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import Instructions
from bursar.domain.platform_settings import SMALLEST_MINIMUM, PlatformSettings, UnpricedModels
from bursar.domain.roles import Permission
from bursar.reports.purchases import see_platform_settings

routes = APIRouter(prefix="/platform-settings", tags=["platform settings"])


class PlatformSettingsShape(Shape):
    """What one credit costs, in which currency; a price of 0 sells none. The smallest and the largest order, of which
    null is no largest; and what an order on invoice says about paying it. `unpriced_models` says what becomes of calls
    of models without a price.
    """

    currency: str
    credit_price: str
    sells_credits: bool
    purchase_min: Amount
    purchase_max: Amount | None
    payment_instructions: str | None
    unpriced_models: UnpricedModels


class PlatformSettingsChange(Shape):
    """The settings to change; those that are left out stay. Another currency takes a price as well."""

    currency: CurrencyText = "USD"
    credit_price: CreditPriceText = "0"
    purchase_min: TypedAmount = SMALLEST_MINIMUM
    purchase_max: LevelOrNone = None
    payment_instructions: Instructions = None
    unpriced_models: UnpricedModels = UnpricedModels.REFUSE


@routes.get("", responses=problems(401, 403))
async def get_platform_settings_now(
    visit: Annotated[Visit, platform(Permission.MANAGE_PLATFORM_SETTINGS)],
) -> PlatformSettingsShape:
    """The settings of this installation."""
    return _shape(await see_platform_settings(visit.desk.platform))


@routes.patch("", responses=problems(401, 403, 422))
async def change_settings_of_platform(
    body: PlatformSettingsChange, visit: Annotated[Visit, platform_change(Permission.MANAGE_PLATFORM_SETTINGS)]
) -> PlatformSettingsShape:
    """Changes the settings that are named."""
    named = body.model_fields_set
    wanted = Selling(
        body.currency if "currency" in named else None,
        body.credit_price if "credit_price" in named else None,
        {name: getattr(body, name) for name in named - {"currency", "credit_price"}},
    )
    return _shape(visit.told(await change_platform_settings(visit.desk, visit.asked, wanted)))


def _shape(settings: PlatformSettings) -> PlatformSettingsShape:
    return PlatformSettingsShape(
        currency=settings.credit_price.currency,
        credit_price=str(settings.credit_price),
        sells_credits=settings.sells_credits,
        purchase_min=settings.purchase_min,
        purchase_max=settings.purchase_max,
        payment_instructions=settings.payment_instructions,
        unpriced_models=settings.unpriced_models,
    )
