"""What a tenant chooses for itself, beside its budgeting period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import locked_figures, post_one
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.domain.settings import TenantSettings, check_settings
from bursar.ledger import Changed, SetExpiredHolds
from bursar.store.tenant_settings import lock_tenant_settings, update_tenant_settings


async def change_settings(
    desk: Desk, asked: Asked, tenant_id: UUID, wanted: Mapping[str, str | Credits | None]
) -> Done[TenantSettings]:
    """Changes the settings that are named in `wanted` and leaves the others. Refuses `invalid_input`,
    `amount_too_small`, `amount_too_large`.

    Rule: TENANT-7, TENANT-10
    """
    check_permission(asked.actor, Permission.CHANGE_SETTINGS)

    async def act(transaction: Transaction) -> TenantSettings:
        # The books first: whoever holds both locks took them in this order.
        expired_holds = (await locked_figures(transaction, desk, tenant_id)).expired_holds
        before = await lock_tenant_settings(transaction, tenant_id, expired_holds=expired_holds)
        if before is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        after = replace(before, **wanted)  # type: ignore[arg-type]  # checked in the next line
        check_settings(after)
        if after == before:
            return after
        if after.expired_holds != before.expired_holds:
            command = SetExpiredHolds(actor_id=asked.actor.identity, is_charged=after.expired_holds == "settle")
            await post_one(transaction, desk, tenant_id, command, Changed)
        await update_tenant_settings(transaction, tenant_id, after)
        told = Told("settings_changed", Subject("tenant", tenant_id), changes=_changes(before, after))
        await record(transaction, desk, asked, tenant_id, told)
        return after

    return await once(desk, asked, tenant_id, TenantSettings, act)


def _changes(before: TenantSettings, after: TenantSettings) -> dict[str, Change]:
    pairs = {
        field.name: (_told(getattr(before, field.name)), _told(getattr(after, field.name))) for field in fields(after)
    }
    return {name: Change(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def _told(value: str | Credits | None) -> str | None:
    return None if value is None else str(value)
