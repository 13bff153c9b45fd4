"""Providers and routes as super admins see them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.domain.providers import ConfiguredProvider
from bursar.domain.refusals import Refusal
from bursar.domain.routing import ConfiguredRoute
from bursar.store.model_routes import count_routes, list_routes_behind
from bursar.store.providers import find_provider, list_providers


async def see_providers(database: Database) -> list[ConfiguredProvider]:
    """All of them, in the order in which they are asked."""
    async with platform_reading(database) as transaction:
        return await list_providers(transaction)


async def see_provider(database: Database, provider_id: UUID) -> ConfiguredProvider:
    """One of them. Refuses `provider_unknown`."""
    async with platform_reading(database) as transaction:
        provider = await find_provider(transaction, provider_id)
    if provider is None:
        raise Refusal("provider_unknown", "There is no such provider.", field="provider_id")
    return provider


@dataclass(frozen=True)
class RoutePage:
    """Some routes, and how many there are in all."""

    routes: list[ConfiguredRoute]
    total: int


async def see_routes(database: Database, *, after: str | None, limit: int) -> RoutePage:
    """A page of the routes, by name."""
    async with platform_reading(database) as transaction:
        return RoutePage(await list_routes_behind(transaction, after, limit=limit), await count_routes(transaction))
