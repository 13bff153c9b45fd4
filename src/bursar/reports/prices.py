"""The price list as people and the gateway see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.domain.price_list import PriceList, price_list
from bursar.domain.prices import Price
from bursar.domain.refusals import Refusal
from bursar.store.prices import (
    PriceFilter,
    count_prices_in_force,
    find_price,
    list_prices_in_force,
)


@dataclass(frozen=True)
class PricePage:
    """Some prices, and how many there are in all."""

    prices: list[Price]
    total: int


async def see_prices(
    database: Database, wanted: PriceFilter, *, at: datetime, after: tuple[str, str] | None, limit: int
) -> PricePage:
    """A page of the prices in force at a moment, by provider and model."""
    async with platform_reading(database) as transaction:
        prices = await list_prices_in_force(transaction, at, wanted, after=after, limit=limit)
        return PricePage(prices, await count_prices_in_force(transaction, at, wanted))


async def see_price(database: Database, price_id: UUID) -> Price:
    """One entry of the list, whether it counts now or not. Refuses `price_unknown`."""
    async with platform_reading(database) as transaction:
        price = await find_price(transaction, price_id)
    if price is None:
        raise Refusal("price_unknown", "There is no such price.", field="price_id")
    return price


async def see_price_list(database: Database, *, at: datetime) -> PriceList:
    """The whole list of a moment, to be asked by the names of models. For the gateway, which keeps it for a while."""
    async with platform_reading(database) as transaction:
        prices = await list_prices_in_force(transaction, at, PriceFilter(), after=None, limit=None)
    return price_list(prices, at)
