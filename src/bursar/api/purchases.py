"""Buying credits: what they cost, orders of them, and how these end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query

from bursar.actions.once import Done
from bursar.actions.purchases import NewPurchase, cancel, confirm, order, withdraw
from bursar.api.amounts import Amount, TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import PurchaseId
from bursar.api.money import CreditPriceText, CurrencyText
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, Visit, platform, tenant, tenant_change
from bursar.api.texts import Note
from bursar.domain.currencies import coin_digits, parse_price
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.purchases import PurchaseStatus
from bursar.domain.roles import Permission
from bursar.reports.purchases import (
    PurchaseNames,
    names_in,
    see_platform_purchases,
    see_purchase,
    see_purchase_terms,
    see_purchases,
)
from bursar.store.purchases import Purchase

routes = APIRouter(tags=["purchases"])

Status = Annotated[PurchaseStatus | None, Query(description="Only orders of this status.")]


class PurchaseTerms(Shape):
    """On what terms credits can be bought at this moment: the price of one, and how many at once.

    An order comes to its amount times the price, rounded up to so many digits of the currency.
    """

    sells_credits: bool
    currency: str
    currency_digits: int
    credit_price: str
    purchase_min: Amount
    purchase_max: Amount | None


class PurchaseDraft(Shape):
    """How many credits to order. Whoever has seen a price names it, and is refused if it is another one by now."""

    amount: TypedAmount
    note: Note = None
    seen_price: CreditPriceText | None = None
    seen_currency: CurrencyText | None = None


class PurchaseDecision(Shape):
    """Why an order ends so; for a confirmation, such as the bank's own reference."""

    note: Note = None


class PurchaseShape(Shape):
    """One order: what it comes to, how it is paid, and what became of it. Price and instructions are as they were when
    it was made. `transfer_id` is the transfer that brought the credits.
    """

    id: str
    number: int
    status: PurchaseStatus
    amount: Amount
    credit_price: str
    currency: str
    total: str
    provider: str
    instructions: str | None
    payment_link: str | None
    note: str | None
    ordered_by: str
    ordered_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_note: str | None
    transfer_id: str | None


class PurchaseList(Shape):
    """A page of orders, the last first, and how many there are in all."""

    purchases: list[PurchaseShape]
    total: int
    next_cursor: str | None


class PlatformPurchaseShape(PurchaseShape):
    """One order, and whose it is."""

    tenant_id: str
    tenant_name: str


class PlatformPurchaseList(Shape):
    """A page of orders of all tenants, the last first, and how many there are in all."""

    purchases: list[PlatformPurchaseShape]
    total: int
    next_cursor: str | None


@routes.get("/purchase-terms", responses=problems(401, 403, 404, 422))
async def get_purchase_terms(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> PurchaseTerms:
    """What credits cost, and how many can be ordered at once."""
    terms = await see_purchase_terms(visit.desk.tenants, visit.tenant_id)
    price = terms.credit_price
    return PurchaseTerms(
        sells_credits=terms.sells_credits,
        currency=price.currency,
        currency_digits=coin_digits(price.currency),
        credit_price=str(price),
        purchase_min=terms.purchase_min,
        purchase_max=terms.purchase_max,
    )


@routes.post("/purchases", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_purchase(
    body: PurchaseDraft, visit: Annotated[TenantVisit, tenant_change(Permission.REDEEM)]
) -> PurchaseShape:
    """Orders credits. They come into the pool once the order is paid; the order says how."""
    seen = body.seen_price
    # Written as we write it, so that a price counts and not its spelling.
    seen_price = None if seen is None else str(parse_price(seen, "", field="seen_price"))
    new = NewPurchase(body.amount, body.note, seen_price, body.seen_currency)
    return await _told(visit, await order(visit.desk, visit.asked, visit.tenant_id, new))


@routes.get("/purchases", responses=problems(401, 403, 404, 422))
async def list_purchases_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)],
    status: Status = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> PurchaseList:
    """The tenant's orders of credits, the last first."""
    before: int | None = None if cursor is None else decode_cursor(cursor, int)[0]
    page = await see_purchases(visit.desk.tenants, visit.tenant_id, status, before=before, limit=limit + 1)
    shown = [_shape(purchase, page.names) for purchase in page.purchases[:limit]]
    has_more = len(page.purchases) > limit
    return PurchaseList(
        purchases=shown, total=page.total, next_cursor=encode_cursor(shown[-1].number) if has_more else None
    )


@routes.get("/purchases/{purchase_id}", responses=problems(401, 403, 404, 422))
async def get_purchase(
    purchase_id: PurchaseId, visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]
) -> PurchaseShape:
    """One order of credits."""
    return _shape(*await see_purchase(visit.desk.tenants, visit.tenant_id, purchase_id))


@routes.post("/purchases/{purchase_id}/withdraw", responses=problems(401, 403, 404, 409, 422))
async def withdraw_purchase(
    purchase_id: PurchaseId,
    body: Annotated[PurchaseDecision, Body(default_factory=PurchaseDecision)],
    visit: Annotated[TenantVisit, tenant_change(Permission.REDEEM)],
) -> PurchaseShape:
    """Takes back an order that is not paid."""
    done = await withdraw(visit.desk, visit.asked, visit.tenant_id, purchase_id, note=body.note)
    return await _told(visit, done)


@routes.post("/purchases/{purchase_id}/confirm", responses=problems(401, 403, 404, 409, 422))
async def confirm_purchase(
    purchase_id: PurchaseId,
    body: Annotated[PurchaseDecision, Body(default_factory=PurchaseDecision)],
    visit: Annotated[TenantVisit, tenant_change(Permission.MANAGE_PURCHASES)],
) -> PurchaseShape:
    """The order is paid: its credits come into the tenant's pool, once."""
    done = await confirm(visit.desk, visit.asked, visit.tenant_id, purchase_id, note=body.note)
    return await _told(visit, done)


@routes.post("/purchases/{purchase_id}/cancel", responses=problems(401, 403, 404, 409, 422))
async def cancel_purchase(
    purchase_id: PurchaseId,
    body: Annotated[PurchaseDecision, Body(default_factory=PurchaseDecision)],
    visit: Annotated[TenantVisit, tenant_change(Permission.MANAGE_PURCHASES)],
) -> PurchaseShape:
    """The order will not be paid: it ends without credits."""
    done = await cancel(visit.desk, visit.asked, visit.tenant_id, purchase_id, note=body.note)
    return await _told(visit, done)


@routes.get("/platform-purchases", responses=problems(401, 403, 422))
async def list_platform_purchases(
    visit: Annotated[Visit, platform(Permission.MANAGE_PURCHASES)],
    status: Status = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> PlatformPurchaseList:
    """The orders of all tenants, the last first."""
    before: UUID | None = None
    if cursor is not None:
        before = parse_public_id("purchase", decode_cursor(cursor, str)[0], field="cursor")
    desk = visit.desk
    page = await see_platform_purchases(desk.platform, desk.tenants, status, before=before, limit=limit + 1)
    shown = [
        PlatformPurchaseShape(
            tenant_id=public_id("tenant", purchase.tenant_id),
            tenant_name=page.tenants[purchase.tenant_id],
            **_fields(purchase, page.names),
        )
        for purchase in page.purchases[:limit]
    ]
    has_more = len(page.purchases) > limit
    return PlatformPurchaseList(
        purchases=shown, total=page.total, next_cursor=encode_cursor(shown[-1].id) if has_more else None
    )


async def _told(visit: TenantVisit, done: Done[Purchase]) -> PurchaseShape:
    purchase = visit.told(done)
    return _shape(purchase, await names_in(visit.desk.tenants, purchase))


def _shape(purchase: Purchase, names: PurchaseNames) -> PurchaseShape:
    return PurchaseShape(**_fields(purchase, names))


def _fields(purchase: Purchase, names: PurchaseNames) -> dict[str, Any]:
    decision = purchase.decision
    transfer_id = None if decision is None else decision.transfer_id
    return {
        "id": public_id("purchase", purchase.purchase_id),
        "number": purchase.number,
        "status": purchase.status,
        "amount": purchase.amount,
        "credit_price": str(purchase.price),
        "currency": purchase.price.currency,
        "total": str(purchase.total),
        "provider": purchase.payment.provider,
        "instructions": purchase.payment.instructions,
        "payment_link": purchase.payment.link,
        "note": purchase.note,
        "ordered_by": names.orderer(purchase),
        "ordered_at": purchase.ordered_at,
        "decided_by": names.decider(purchase),
        "decided_at": None if decision is None else decision.at,
        "decision_note": None if decision is None else decision.note,
        "transfer_id": None if transfer_id is None else public_id("transfer", transfer_id),
    }
