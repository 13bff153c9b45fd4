"""Asking about tenants as a super admin does, and what the logs tell of it."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx

from tests.support.offices import Place, TestOffice


def path_of(place: Place, *rest: str) -> str:
    """The tenant's path, or what is below it."""
    return "/".join(("/api/v1/tenants", place.tenant_id, *rest))


async def seen(client: httpx.AsyncClient, path: str) -> Any:
    """What is shown at this path."""
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def total_set(
    root: httpx.AsyncClient, place: Place, total: str, seen: str, note: str | None = None
) -> httpx.Response:
    """The answer to setting the tenant's total."""
    return await root.put(path_of(place, "total"), json={"total": total, "seen": seen, "note": note})


async def events(house: TestOffice, kind: str) -> list[dict[str, Any]]:
    """The events of one kind, of the platform's log and then of all tenants', oldest first."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        found = []
        for table in ("platform_events", "events"):
            rows = await connection.fetch(
                f"select actor_id, note, changes::text from bursar.{table} where kind = $1 order by event_id", kind
            )
            found += [dict(row) for row in rows]
        return found
    finally:
        await connection.close()
