"""Orders of credits as they are looked at: on what terms credits are sold, a tenant's orders, and those of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, platform_reading, reading, reading_several
from bursar.domain.platform_settings import PlatformSettings
from bursar.domain.purchases import PurchaseStatus, purchase_unknown
from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Role
from bursar.reports.names import list_member_names, list_names, list_platform_names
from bursar.store.platform_settings import get_platform_settings
from bursar.store.purchases import (
    Purchase,
    count_platform_purchases,
    count_purchases,
    find_purchase,
    find_purchase_numbered,
    list_platform_purchases,
    list_purchases,
)
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class PurchaseNames:
    """What those who ordered and decided are called, as far as whoever looks is told their names."""

    people: Mapping[UUID, str]

    def orderer(self, purchase: Purchase) -> str:
        """Who ordered it."""
        return self.people[purchase.ordered_by]

    def decider(self, purchase: Purchase) -> str | None:
        """Who paid or cancelled it, if that has happened. A tenant is not told the names of super admins."""
        if purchase.decision is None:
            return None
        by = purchase.decision.by
        return ROLE_LABELS[Role.SYSTEM] if by is None else self.people.get(by, ROLE_LABELS[Role.SUPER_ADMIN])


@dataclass(frozen=True)
class PurchasePage:
    """Some orders with the names in them, and how many the filter lets through in all."""

    purchases: list[Purchase]
    names: PurchaseNames
    total: int


@dataclass(frozen=True)
class PlatformPurchasePage(PurchasePage):
    """The same over all tenants, with what these are called."""

    tenants: Mapping[UUID, str]


async def see_platform_settings(platform: Database) -> PlatformSettings:
    """What the operator chose for the whole installation."""
    async with platform_reading(platform) as transaction:
        return await get_platform_settings(transaction)


async def see_purchase_terms(database: Database, tenant_id: UUID) -> PlatformSettings:
    """On what terms credits are sold to this tenant at this moment. Refuses `tenant_unknown`.

    Rule: PURCHASE-3
    """
    async with reading(database, tenant_id) as transaction:
        await _check_tenant(transaction, tenant_id)
        return await get_platform_settings(transaction)


async def see_purchases(
    database: Database, tenant_id: UUID, status: PurchaseStatus | None, *, before: int | None, limit: int
) -> PurchasePage:
    """A page of the tenant's orders, the last first. Refuses `tenant_unknown`.

    Rule: PURCHASE-9
    """
    async with reading(database, tenant_id) as transaction:
        await _check_tenant(transaction, tenant_id)
        purchases = await list_purchases(transaction, tenant_id, status, before=before, limit=limit)
        total = await count_purchases(transaction, tenant_id, status)
        return PurchasePage(purchases, await _names(transaction, tenant_id, purchases), total)


async def see_purchase(database: Database, tenant_id: UUID, purchase_id: UUID) -> tuple[Purchase, PurchaseNames]:
    """One order of the tenant. Refuses `tenant_unknown`, `purchase_unknown`.

    Rule: PURCHASE-9
    """
    async with reading(database, tenant_id) as transaction:
        await _check_tenant(transaction, tenant_id)
        purchase = await find_purchase(transaction, tenant_id, purchase_id)
        if purchase is None:
            raise purchase_unknown("purchase_id")
        return purchase, await _names(transaction, tenant_id, [purchase])


async def names_in(database: Database, purchase: Purchase) -> PurchaseNames:
    """The names in an order that has just been made or decided."""
    async with reading(database, purchase.tenant_id) as transaction:
        return await _names(transaction, purchase.tenant_id, [purchase])


async def purchase_numbered(database: Database, tenant_id: UUID, number: int) -> Purchase:
    """The tenant's order with this number, as an operator names it. Refuses `purchase_unknown`."""
    async with reading(database, tenant_id) as transaction:
        purchase = await find_purchase_numbered(transaction, tenant_id, number)
    if purchase is None:
        raise purchase_unknown("number")
    return purchase


async def see_platform_purchases(
    platform: Database, tenants: Database, status: PurchaseStatus | None, *, before: UUID | None, limit: int
) -> PlatformPurchasePage:
    """A page of the orders of all tenants, the last first.

    Rule: PURCHASE-9
    """
    async with platform_reading(platform) as transaction:
        purchases = await list_platform_purchases(transaction, status, before=before, limit=limit)
        total = await count_platform_purchases(transaction, status)
        tenant_ids = {purchase.tenant_id for purchase in purchases}
        deciders = {purchase.decision.by for purchase in purchases if purchase.decision and purchase.decision.by}
        named = await list_platform_names(transaction, tenant_ids | deciders)
    names = {identity: found.name for identity, found in named.items()}
    people = dict(names)
    if purchases:
        # A tenant's own people have withdrawn orders, so whoever decided is looked for among them as well.
        wanted = {(purchase.tenant_id, who) for purchase in purchases for who in _people_in(purchase)}
        async with reading_several(tenants, list(tenant_ids)) as transaction:
            people.update(await list_member_names(transaction, wanted))
    return PlatformPurchasePage(
        purchases, PurchaseNames(people), total, {tenant_id: names[tenant_id] for tenant_id in tenant_ids}
    )


async def _check_tenant(transaction: Transaction, tenant_id: UUID) -> None:
    if await get_tenant(transaction, tenant_id) is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")


async def _names(transaction: Transaction, tenant_id: UUID, purchases: list[Purchase]) -> PurchaseNames:
    named = await list_names(transaction, tenant_id, {who for purchase in purchases for who in _people_in(purchase)})
    return PurchaseNames({identity: found.name for identity, found in named.items()})


def _people_in(purchase: Purchase) -> set[UUID]:
    decided_by = None if purchase.decision is None else purchase.decision.by
    return {purchase.ordered_by} if decided_by is None else {purchase.ordered_by, decided_by}
