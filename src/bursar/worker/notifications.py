"""Clears away notifications that are too old to be of use to anybody."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading, writing
from bursar.domain.ids import first_uuid_of
from bursar.domain.notifications import KEPT_FOR
from bursar.store.notifications import delete_older
from bursar.store.tenants import TenantFilter, list_tenants
from bursar.worker.turns import Turns

TENANTS_AT_ONCE = 200
ROWS_MAX = 10_000
"""The most that go of one tenant in one round. What is left goes in the next."""


async def clear_notifications(desk: Desk) -> int:
    """Goes through all tenants, one transaction each; returns how many notifications went.

    Rule: NOTIFY-7
    """
    before = first_uuid_of(desk.clock.now() - KEPT_FOR)

    async def clear(tenant_id: UUID) -> int:
        async with writing(desk.tenants, tenant_id) as transaction:
            return await delete_older(transaction, tenant_id, before=before, rows_max=ROWS_MAX)

    turns, after = Turns(), None
    while True:
        async with platform_reading(desk.platform) as transaction:
            page = await list_tenants(transaction, TenantFilter(), after=after, limit=TENANTS_AT_ONCE)
        await turns.give([tenant.tenant_id for tenant in page], clear)
        if len(page) < TENANTS_AT_ONCE:
            return turns.finish()
        after = page[-1].tenant_id
