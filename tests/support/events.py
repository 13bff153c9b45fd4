"""What the audit log of a tenant says, for tests that look whether something was told."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.support.offices import Place, TestOffice


@dataclass(frozen=True)
class ToldEvent:
    """One event: what about it a test asks for."""

    kind: str
    subject: str
    detail: dict[str, str | None]
    changes: dict[str, tuple[str | None, str | None]]


async def events_of(house: TestOffice, place: Place, *kinds: str) -> list[ToldEvent]:
    """The tenant's events of these kinds, or all, in the order they happened."""
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id}}}'")
        rows = await connection.fetch(
            "select kind, subject_id, detail, changes from events"
            " where tenant_id = $1 and (cardinality($2::text[]) = 0 or kind = any($2)) order by event_id",
            place.tenant.tenant_id,
            kinds,
        )
    return [
        ToldEvent(
            row["kind"],
            f"mem_{row['subject_id'].hex}",
            json.loads(row["detail"]),
            {name: (change["before"], change["after"]) for name, change in json.loads(row["changes"]).items()},
        )
        for row in rows
    ]
