"""Idempotency keys of model calls: which call a key stands for, and when it is free again.

Rule: CALL-12
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

import structlog

from bursar.actions.desk import Desk
from bursar.db.outages import OUTAGES
from bursar.db.transaction import writing
from bursar.store.callers import delete_call_key, find_or_insert_call_key

log = structlog.get_logger(__name__)


async def call_id_of(desk: Desk, tenant_id: UUID, caller_id: UUID, once: str, call_id: UUID, *, now: datetime) -> UUID:
    """The id of the call that this key stands for: the first one's, which its hold makes known.

    Rule: CALL-12
    """
    async with writing(desk.tenants, tenant_id) as transaction:
        return await find_or_insert_call_key(transaction, tenant_id, _digest(caller_id, once), call_id, now=now)


async def free_key(desk: Desk, tenant_id: UUID, caller_id: UUID, once: str) -> None:
    """Lets the key be used again: its call came to nothing, and its client is told to try once more. Where the database
    is away, the key stays used for its day.

    Rule: CALL-12
    """
    try:
        async with writing(desk.tenants, tenant_id) as transaction:
            await delete_call_key(transaction, tenant_id, _digest(caller_id, once))
    except OUTAGES as fault:
        log.warning("a call's key was not freed", tenant=tenant_id.hex, fault=repr(fault))


def _digest(caller_id: UUID, once: str) -> bytes:
    """Each caller's keys are apart from all others'."""
    return hashlib.sha256(caller_id.bytes + once.encode()).digest()
