"""Which names of models lead where."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from bursar.db.transaction import Transaction
from bursar.domain.routing import ConfiguredRoute, Route, Target


async def list_routes(transaction: Transaction) -> list[ConfiguredRoute]:
    """All of them, by name."""
    rows = await transaction.fetch(
        """
        select route_id, name, targets, note, created_at, changed_at
        from model_routes
        order by lower(name)
        """
    )
    return [_route(row) for row in rows]


async def list_routes_behind(transaction: Transaction, after: str | None, *, limit: int) -> list[ConfiguredRoute]:
    """Some of them, by name, those behind `after`."""
    rows = await transaction.fetch(
        """
        select route_id, name, targets, note, created_at, changed_at
        from model_routes
        where $1::text is null or lower(name) > lower($1)
        order by lower(name)
        limit $2
        """,
        after,
        limit,
    )
    return [_route(row) for row in rows]


async def count_routes(transaction: Transaction) -> int:
    """How many there are."""
    return int(await transaction.fetchval("select count(*) from model_routes"))


async def find_route(transaction: Transaction, name: str) -> ConfiguredRoute | None:
    """The route of this name, in whatever capitals."""
    row = await transaction.fetchrow(
        """
        select route_id, name, targets, note, created_at, changed_at
        from model_routes
        where lower(name) = lower($1)
        """,
        name,
    )
    return None if row is None else _route(row)


async def list_routes_to(transaction: Transaction, provider: str) -> list[ConfiguredRoute]:
    """The routes that lead to this provider, by name."""
    rows = await transaction.fetch(
        """
        select route_id, name, targets, note, created_at, changed_at
        from model_routes
        where targets @> jsonb_build_array(jsonb_build_object('provider', $1::text))
        order by lower(name)
        """,
        provider,
    )
    return [_route(row) for row in rows]


async def upsert_route(transaction: Transaction, configured: ConfiguredRoute) -> None:
    """Adds a route, or writes all of one that is there."""
    await transaction.execute(
        """
        insert into model_routes (route_id, name, targets, note, created_at, changed_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (route_id) do update
        set name = excluded.name,
            targets = excluded.targets,
            note = excluded.note,
            changed_at = excluded.changed_at
        """,
        configured.route_id,
        configured.route.name,
        msgspec.json.encode(configured.route.targets).decode(),
        configured.route.note,
        configured.created_at,
        configured.changed_at,
    )


async def delete_route(transaction: Transaction, route_id: UUID) -> None:
    """Takes one away."""
    await transaction.execute("delete from model_routes where route_id = $1", route_id)


_targets = msgspec.json.Decoder(tuple[Target, ...])


def _route(row: Any) -> ConfiguredRoute:
    route = Route(row["name"], _targets.decode(row["targets"]), row["note"])
    return ConfiguredRoute(row["route_id"], route, row["created_at"], row["changed_at"])
