"""Adding up what calls come to, batch by batch of the ledger; and forgetting it, to be added up anew.

No event is left: nothing is decided here, and whatever people see is the same before and after.
"""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Desk
from bursar.db.transaction import writing
from bursar.store.call_days import (
    add_batches,
    delete_days,
    ensure_mark,
    get_last_batch,
    lock_mark,
    lock_mark_if_free,
    set_mark,
)

BATCHES_MAX = 500
"""Batches that are added up in one transaction. Each has a thousand calls at the most, and mostly a few."""


async def add_up_some(desk: Desk, tenant_id: UUID) -> int:
    """Adds the tenant's next batches to their days; returns how many, 0 if there are none or another process does it.

    Rule: USAGE-5
    """
    async with writing(desk.tenants, tenant_id) as transaction:
        await ensure_mark(transaction, tenant_id)
        mark = await lock_mark_if_free(transaction, tenant_id)
        if mark is None:
            return 0
        until = min(await get_last_batch(transaction, tenant_id), mark + BATCHES_MAX)
        if until <= mark:
            return 0
        await add_batches(transaction, tenant_id, after=mark, until=until)
        await set_mark(transaction, tenant_id, until)
    return until - mark


async def forget_days(desk: Desk, tenant_id: UUID) -> None:
    """Forgets what was added up of the tenant, so that all of it is added up anew. Until then figures are as exact as
    ever, and only slower, since they are counted from the calls themselves.

    Rule: USAGE-5
    """
    async with writing(desk.tenants, tenant_id) as transaction:
        await ensure_mark(transaction, tenant_id)
        await lock_mark(transaction, tenant_id)
        await delete_days(transaction, tenant_id)
        await set_mark(transaction, tenant_id, 0)
