"""What the probes look at: whether the parts are there, for /readyz, and figures that nobody counts, for /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bursar.actions.desk import Desk
from bursar.api.probes import Check
from bursar.db.faults import DatabaseFault
from bursar.db.migrate import pending
from bursar.db.outages import OUTAGES
from bursar.db.transaction import platform_reading
from bursar.ledger import count_open_holds
from bursar.outside.clock import Stopwatch
from bursar.outside.metrics import HOLDS_OPEN, POOL_CONNECTIONS
from bursar.store.tenants import TenantFilter, count_tenants

MIGRATIONS_SEEN_SECONDS = 60.0
"""Looking takes a connection and 50 ms, and only another version of Bursar can change the answer."""

HOLDS_COUNTED_SECONDS = 5.0
"""Holds are counted no more often than this, however often /metrics is asked, since anybody who reaches it may ask."""


def readiness(desk: Desk, *, admin_url: str, failing: Callable[[], Sequence[str]]) -> dict[str, Check]:
    """What /readyz looks at. `admin_url` is the role that migrates, `failing` names duties that do not get through."""

    async def database() -> str | None:
        try:
            async with platform_reading(desk.platform) as transaction:
                await count_tenants(transaction, TenantFilter())
        except OUTAGES:
            return "the database cannot be reached"
        return None

    async def ledger() -> str | None:
        return None if desk.lanes.is_posting else "the ledger is not posting"

    seen_current: Stopwatch | None = None

    async def migrations() -> str | None:
        nonlocal seen_current
        if seen_current is not None and seen_current.seconds() < MIGRATIONS_SEEN_SECONDS:
            return None
        try:
            missing = await asyncio.to_thread(pending, admin_url)
        except OUTAGES:
            return "the database cannot be reached"
        except DatabaseFault as fault:
            return fault.sentence
        if missing:
            return f"these migrations are missing: {', '.join(missing)}"
        seen_current = Stopwatch()
        return None

    async def duties_done() -> str | None:
        duties = failing()
        return f"these duties keep failing: {', '.join(duties)}" if duties else None

    return {"database": database, "migrations": migrations, "ledger": ledger, "worker": duties_done}


def levels(desk: Desk) -> Callable[[], Awaitable[None]]:
    """What /metrics looks at before it answers: figures that nobody counts, because they are there to be seen."""
    looked: Stopwatch | None = None

    async def look() -> None:
        nonlocal looked
        for name, database in (("requests", desk.tenants), ("platform", desk.platform)):
            desk.metrics.level(POOL_CONNECTIONS, (name, "open"), database.connections_open)
            desk.metrics.level(POOL_CONNECTIONS, (name, "lent"), database.connections_lent)
        if looked is not None and looked.seconds() < HOLDS_COUNTED_SECONDS:
            return
        looked = Stopwatch()
        try:
            async with platform_reading(desk.platform) as transaction:
                desk.metrics.level(HOLDS_OPEN, (), await count_open_holds(transaction))
        except OUTAGES:
            # What is not known is not shown, and the other figures are wanted most when the database is away.
            desk.metrics.forget_level(HOLDS_OPEN)

    return look
