"""What the operator chose for the whole installation: one row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.currencies import PRICE_DECIMALS_MAX, CreditPrice
from bursar.domain.platform_settings import PlatformSettings, UnpricedModels


async def get_platform_settings(transaction: Transaction) -> PlatformSettings:
    """The settings of this installation."""
    row = await transaction.fetchrow(
        """
        select currency, credit_price, purchase_min_micro, purchase_max_micro, payment_instructions,
               unpriced_models
        from platform_settings
        """
    )
    return _settings(row)


async def lock_platform_settings(transaction: Transaction) -> PlatformSettings:
    """The settings of this installation, which nobody else changes until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select currency, credit_price, purchase_min_micro, purchase_max_micro, payment_instructions,
               unpriced_models
        from platform_settings
        for no key update
        """
    )
    return _settings(row)


async def update_platform_settings(transaction: Transaction, settings: PlatformSettings) -> None:
    """Writes all of them."""
    await transaction.execute(
        """
        update platform_settings
        set currency = $1,
            credit_price = $2,
            purchase_min_micro = $3,
            purchase_max_micro = $4,
            payment_instructions = $5,
            unpriced_models = $6
        """,
        settings.credit_price.currency,
        price_as_kept(settings.credit_price),
        settings.purchase_min.micro,
        None if settings.purchase_max is None else settings.purchase_max.micro,
        settings.payment_instructions,
        settings.unpriced_models,
    )


def price_as_kept(price: CreditPrice) -> Decimal:
    """The price as a number of the database, exact: it has no more digits than the column."""
    return Decimal(price.nano).scaleb(-PRICE_DECIMALS_MAX)


def price_from_kept(currency: str, kept: Decimal) -> CreditPrice:
    """The price that a number of the database stands for."""
    return CreditPrice(currency, int(kept.scaleb(PRICE_DECIMALS_MAX)))


def _settings(row: Any) -> PlatformSettings:
    largest = row["purchase_max_micro"]
    return PlatformSettings(
        price_from_kept(row["currency"], row["credit_price"]),
        Credits(row["purchase_min_micro"]),
        None if largest is None else Credits(largest),
        row["payment_instructions"],
        UnpricedModels(row["unpriced_models"]),
    )
