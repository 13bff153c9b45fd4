"""What a tenant chooses for itself, beside its budgeting period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import locked_figures, post_one
from bursar.db.transaction import Transaction
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.domain.settings import TenantSettings, check_settings
from bursar.ledger import Changed, SetExpiredHolds
from bursar.store.tenants import lock_tenant, update_tenant


async def change_settings(
    desk: Desk, asked: Asked, tenant_id: UUID, wanted: Mapping[str, str | None]
) -> Done[TenantSettings]:
    """Changes the settings that are named in `wanted` and leaves the others. Refuses `invalid_input`.

    Rule: TENANT-7
    """
    check_permission(asked.actor, Permission.CHANGE_SETTINGS)

    async def act(transaction: Transaction) -> TenantSettings:
        # The books first: whoever holds both locks took them in this order.
        expired_holds = (await locked_figures(transaction, desk, tenant_id)).expired_holds
        tenant = await lock_tenant(transaction, tenant_id)
        if tenant is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        before = TenantSettings(tenant.display, tenant.contact, expired_holds)
        after = replace(before, **wanted)  # type: ignore[arg-type]  # checked in the next line
        check_settings(after)
        if after == before:
            return after
        if after.expired_holds != before.expired_holds:
            command = SetExpiredHolds(actor_id=asked.actor.identity, is_charged=after.expired_holds == "settle")
            await post_one(transaction, desk, tenant_id, command, Changed)
        await update_tenant(transaction, replace(tenant, display=after.display, contact=after.contact))
        told = Told("settings_changed", Subject("tenant", tenant_id), changes=_changes(before, after))
        await record(transaction, desk, asked, tenant_id, told)
        return after

    return await once(desk, asked, tenant_id, TenantSettings, act)


def _changes(before: TenantSettings, after: TenantSettings) -> dict[str, Change]:
    pairs = {field.name: (getattr(before, field.name), getattr(after, field.name)) for field in fields(after)}
    return {name: Change(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}
