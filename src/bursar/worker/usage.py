"""Adds calls to the figures of their day, so that a report reads as many rows as there were days, and not calls."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Desk
from bursar.actions.usage import add_up_some
from bursar.db.transaction import platform_reading
from bursar.store.call_days import list_tenants_behind
from bursar.worker.turns import Turns

TENANTS_AT_ONCE = 200
ROUNDS_MAX = 100
"""Rounds that a tenant gets in one turn; what is left of it then waits for the next, so that others come to theirs."""


async def add_up_usage(desk: Desk) -> int:
    """Gives every tenant whose books went on its turn; returns how many batches were added up."""
    turns = Turns()
    after: UUID | None = None
    while True:
        async with platform_reading(desk.platform) as transaction:
            behind = await list_tenants_behind(transaction, after=after, limit=TENANTS_AT_ONCE)
        await turns.give(behind, lambda tenant_id: _turn(desk, tenant_id))
        if len(behind) < TENANTS_AT_ONCE:
            return turns.finish()
        after = behind[-1]


async def _turn(desk: Desk, tenant_id: UUID) -> int:
    added = 0
    for _ in range(ROUNDS_MAX):
        batches = await add_up_some(desk, tenant_id)
        if batches == 0:
            break
        added += batches
    return added
