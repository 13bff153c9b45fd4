"""What bounds the calls of each member of a tenant, over all of the member's keys."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.call_limits import MemberLimits, check_member_limits, member_limits_as_text
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.store.member_limits import lock_member_limits, update_member_limits


async def set_member_limits(desk: Desk, asked: Asked, tenant_id: UUID, limits: MemberLimits) -> Done[MemberLimits]:
    """Replaces what bounds members; it counts from their next call on. Refuses `invalid_input`, `tenant_unknown`.

    Rule: LIMIT-1
    """
    check_permission(asked.actor, Permission.CHANGE_SETTINGS)
    check_member_limits(limits)

    async def act(transaction: Transaction) -> MemberLimits:
        present = await lock_member_limits(transaction, tenant_id)
        if present is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        before, after = member_limits_as_text(present), member_limits_as_text(limits)
        changes = {
            f"member_limits.{name}": Change(before[name], after[name]) for name in after if before[name] != after[name]
        }
        if changes:
            await update_member_limits(transaction, tenant_id, limits)
            told = Told("settings_changed", Subject("tenant", tenant_id), changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return limits

    return await once(desk, asked, tenant_id, MemberLimits, act)
