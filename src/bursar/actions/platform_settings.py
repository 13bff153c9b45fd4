"""What the operator chooses for the whole installation: what credits cost, and how orders of them are paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once_on_platform
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.currencies import check_currency, parse_price
from bursar.domain.permissions import check_permission
from bursar.domain.platform_settings import PlatformSettings, UnpricedModels, check_platform_settings
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.store.catalogue_version import raise_catalogue_version
from bursar.store.platform_settings import lock_platform_settings, update_platform_settings


@dataclass(frozen=True)
class Selling:
    """How credits are to be sold: None leaves the currency or the price as it is. The rest is named in `other` with its
    value, which may be None: `purchase_min`, `purchase_max`, `payment_instructions`, `unpriced_models`.
    """

    currency: str | None
    credit_price: str | None
    other: Mapping[str, Credits | UnpricedModels | str | None]


async def change_platform_settings(desk: Desk, asked: Asked, wanted: Selling) -> Done[PlatformSettings]:
    """Changes the settings that are named and leaves the others. Orders that were made stay as they are.

    Refuses `invalid_input`: also for another currency without a price, since what costs 1 in one is given away in
    another.

    Rule: PURCHASE-1
    """
    check_permission(asked.actor, Permission.MANAGE_PLATFORM_SETTINGS)

    async def act(transaction: Transaction) -> PlatformSettings:
        before = await lock_platform_settings(transaction)
        after = _changed(before, wanted)
        check_platform_settings(after)
        if after != before:
            await update_platform_settings(transaction, after)
            await raise_catalogue_version(transaction)
            told = Told(
                "platform_settings_changed", Subject("platform_settings", None), changes=_changes(before, after)
            )
            await record(transaction, desk, asked, None, told)
        return after

    return await once_on_platform(desk, asked, PlatformSettings, act)


def _changed(before: PlatformSettings, wanted: Selling) -> PlatformSettings:
    present = before.credit_price
    currency = present.currency if wanted.currency is None else wanted.currency
    check_currency(currency)
    if wanted.credit_price is not None:
        price = parse_price(wanted.credit_price, currency, field="credit_price")
    elif currency == present.currency or not before.sells_credits:
        price = replace(present, currency=currency)
    else:
        raise Refusal("invalid_input", f"Name the price of a credit in {currency} as well.", field="credit_price")
    other: Mapping[str, Any] = wanted.other
    return replace(before, credit_price=price, **other)


def _changes(before: PlatformSettings, after: PlatformSettings) -> dict[str, Change]:
    one, other = _texts(before), _texts(after)
    return {name: Change(one[name], other[name]) for name in one if one[name] != other[name]}


def _texts(settings: PlatformSettings) -> dict[str, str | None]:
    return {
        "currency": settings.credit_price.currency,
        "credit_price": str(settings.credit_price),
        "purchase_min": str(settings.purchase_min),
        "purchase_max": None if settings.purchase_max is None else str(settings.purchase_max),
        "payment_instructions": settings.payment_instructions,
        "unpriced_models": str(settings.unpriced_models),
    }
