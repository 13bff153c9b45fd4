"""What the API keys of a tenant inherit where they have no limit of their own."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.api_keys import KeyLimits, check_tenant_limits, limits_as_text
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.store.key_limits import lock_tenant_key_limits, update_tenant_key_limits


async def set_key_limits(desk: Desk, asked: Asked, tenant_id: UUID, limits: KeyLimits) -> Done[KeyLimits]:
    """Replaces what keys inherit; it counts from their next call on. Refuses `invalid_input`, `tenant_unknown`.

    Rule: KEY-5
    """
    check_permission(asked.actor, Permission.CHANGE_SETTINGS)
    check_tenant_limits(limits)

    async def act(transaction: Transaction) -> KeyLimits:
        present = await lock_tenant_key_limits(transaction, tenant_id)
        if present is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        before, after = limits_as_text(present), limits_as_text(limits)
        changes = {
            f"key_limits.{name}": Change(before[name], after[name]) for name in after if before[name] != after[name]
        }
        if changes:
            await update_tenant_key_limits(transaction, tenant_id, limits)
            told = Told("settings_changed", Subject("tenant", tenant_id), changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return limits

    return await once(desk, asked, tenant_id, KeyLimits, act)
