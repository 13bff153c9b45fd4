"""Everything that decides where a call goes and what it costs, as of one moment: for the gateway, which keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.domain.platform_settings import UnpricedModels
from bursar.domain.prices import Price
from bursar.domain.providers import ConfiguredProvider
from bursar.domain.routing import ConfiguredRoute
from bursar.store.catalogue_version import get_catalogue_version
from bursar.store.model_routes import list_routes
from bursar.store.platform_settings import get_platform_settings
from bursar.store.prices import PriceFilter, find_next_price_moment, list_prices_in_force
from bursar.store.providers import list_providers


@dataclass(frozen=True)
class CatalogueRows:
    """What the catalogue is made of. `until` is the next moment at which a price becomes another one."""

    version: int
    at: datetime
    until: datetime | None
    providers: Sequence[ConfiguredProvider]
    routes: Sequence[ConfiguredRoute]
    prices: Sequence[Price]
    unpriced_models: UnpricedModels


async def read_catalogue(database: Database, *, at: datetime) -> CatalogueRows:
    """All of it, as of one snapshot. Of prices only those of the providers that are set up are read."""
    async with platform_reading(database) as transaction:
        providers = await list_providers(transaction)
        priced_as = sorted({name for provider in providers for name in provider.settings.priced_as})
        return CatalogueRows(
            version=await get_catalogue_version(transaction),
            at=at,
            until=await find_next_price_moment(transaction, at),
            providers=providers,
            routes=await list_routes(transaction),
            prices=await list_prices_in_force(transaction, at, PriceFilter(priced_as), after=None, limit=None),
            unpriced_models=(await get_platform_settings(transaction)).unpriced_models,
        )
