"""What prices are multiplied with for a tenant or one of its groups: the platform's doing, since it is the price."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.costs import Factor
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.store.groups import find_group
from bursar.store.price_factors import (
    delete_price_factor,
    find_price_factor,
    lock_price_factors,
    update_price_factor,
)


@dataclass(frozen=True)
class FactorSet:
    """The factor that a tenant or group now has of its own; None if none."""

    factor: Factor | None


async def set_price_factor(
    desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID | None, factor: Factor | None
) -> Done[FactorSet]:
    """Sets what prices are multiplied with for the tenant, or for one group instead of the tenant's factor; None takes
    it away. Calls from now on are priced so. Refuses `tenant_unknown`, `group_unknown`.

    Rule: PRICE-9
    """
    check_permission(asked.actor, Permission.MANAGE_PRICES)
    holder_id = tenant_id if group_id is None else group_id

    async def act(transaction: Transaction) -> FactorSet:
        if not await lock_price_factors(transaction, tenant_id):
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        if group_id is not None and await find_group(transaction, tenant_id, group_id) is None:
            raise Refusal("group_unknown", "There is no such group.", field="group_id")
        before = await find_price_factor(transaction, tenant_id, holder_id)
        if factor == before:
            return FactorSet(factor)
        if factor is None:
            await delete_price_factor(transaction, tenant_id, holder_id)
        else:
            await update_price_factor(transaction, tenant_id, holder_id, factor, now=desk.clock.now())
        subject = Subject("tenant" if group_id is None else "group", holder_id)
        change = Change(None if before is None else str(before), None if factor is None else str(factor))
        await record(
            transaction, desk, asked, tenant_id, Told("price_factor_set", subject, changes={"price_factor": change})
        )
        return FactorSet(factor)

    return await once(desk, asked, tenant_id, FactorSet, act)
