"""Buying credits: a tenant orders them, and once the order is paid they are in the pool.

An order is confirmed by the super admin, who sees the money, or by what a payment provider tells. Either way there is
one place that ends orders, and the credits come in the same transaction. Read next: `outside/payments`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import moved, post_one
from bursar.db.transaction import Transaction, reading, retrying, writing
from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.permissions import SYSTEM, check_permission
from bursar.domain.purchases import (
    PurchaseStatus,
    check_open_purchases,
    check_pending,
    priced,
    purchase_unknown,
)
from bursar.domain.refusals import Broken, Refusal
from bursar.domain.roles import Permission
from bursar.ledger import NOTE_LENGTH_MAX, Transfer, Transferred, check_note, lock_books
from bursar.outside.identity import new_uuid
from bursar.outside.payments import Bill, NotBegun, Notice
from bursar.store.platform_settings import get_platform_settings
from bursar.store.purchases import (
    Decision,
    Payment,
    Purchase,
    count_open_purchases,
    find_purchase,
    insert_purchase,
    lock_purchase,
    take_purchase_number,
    update_purchase_begun,
    update_purchase_decided,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NewPurchase:
    """How many credits to order and what for; the price and currency that the person saw, where they saw one."""

    amount: Credits
    note: str | None
    seen_price: str | None = None
    seen_currency: str | None = None


async def order(desk: Desk, asked: Asked, tenant_id: UUID, new: NewPurchase) -> Done[Purchase]:
    """Orders credits at the platform's present price, and says how to pay. No credits move.

    Refuses `purchases_closed`, `figure_changed`, `purchase_too_small`, `purchase_too_large`, `tenant_unknown`,
    `too_many_purchases`, `note_too_long`, `note_malformed`.

    Rule: PURCHASE-3, PURCHASE-4
    """
    check_permission(asked.actor, Permission.REDEEM)
    check_note(new.note)
    ordered_by = asked.actor.identity
    assert ordered_by is not None, "credits are ordered by somebody"

    async def act(transaction: Transaction) -> Purchase:
        terms = await get_platform_settings(transaction)
        total = priced(new.amount, terms, seen_price=new.seen_price, seen_currency=new.seen_currency)
        # The number first: it locks the tenant's row, so that of many who order at once each sees those before it.
        number = await take_purchase_number(transaction, tenant_id)
        if number is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        check_open_purchases(await count_open_purchases(transaction, tenant_id))
        purchase = Purchase(
            tenant_id, new_uuid(), number, new.amount, terms.credit_price, total,
            Payment(desk.payments.name, terms.payment_instructions), new.note, ordered_by, desk.clock.now(),
        )  # fmt: skip
        await insert_purchase(transaction, purchase)
        changes = {"status": Change(None, str(PurchaseStatus.PENDING))}
        told = Told("purchase_ordered", _subject(purchase), new.note, _facts(purchase), changes)
        await record(transaction, desk, asked, tenant_id, told)
        return purchase

    done = await once(desk, asked, tenant_id, Purchase, act)
    return replace(done, answer=await _begun(desk, done))


async def _begun(desk: Desk, done: Done[Purchase]) -> Purchase:
    """The order as it was made, with what its provider says of paying it.

    After the order's own transaction, since a provider is asked over the network. A request that is sent again finds
    what was said the first time, and asks anew only where that was lost in between: of the same provider, since what
    another one is paid for this order would be unknown to it.

    Rule: PURCHASE-5
    """
    ordered = done.answer
    if done.replayed:
        async with reading(desk.tenants, ordered.tenant_id) as transaction:
            kept = await find_purchase(transaction, ordered.tenant_id, ordered.purchase_id)
        assert kept is not None, "an order is never removed"
        if kept.payment != ordered.payment or kept.decision is not None:
            return replace(ordered, payment=kept.payment)
    if ordered.payment.provider != desk.payments.name:
        return ordered
    bill = Bill(reference_of(ordered), f"Order {ordered.number}", ordered.total, ordered.payment.instructions)
    try:
        begun = await desk.payments.begin(bill)
    except NotBegun as fault:
        log.warning("payment not begun", provider=desk.payments.name, reference=bill.reference, error=str(fault))
        return ordered
    begun_order = replace(ordered, payment=Payment(ordered.payment.provider, begun.instructions, begun.link))
    if begun_order != ordered:

        async def write() -> None:
            async with writing(desk.tenants, ordered.tenant_id) as transaction:
                await update_purchase_begun(transaction, begun_order)

        await retrying(write)
    return begun_order


async def confirm(desk: Desk, asked: Asked, tenant_id: UUID, purchase_id: UUID, *, note: str | None) -> Done[Purchase]:
    """The order is paid: its credits are in the pool, once. Refuses `tenant_unknown`, `purchase_unknown`,
    `purchase_decided`, `total_too_large`, `note_too_long`, `note_malformed`.

    Rule: PURCHASE-6
    """
    check_permission(asked.actor, Permission.MANAGE_PURCHASES)
    check_note(note)

    async def act(transaction: Transaction) -> Purchase:
        purchase = await _locked(transaction, tenant_id, purchase_id)
        return await _paid(transaction, desk, asked, purchase, by=asked.actor.identity, note=note)

    return await once(desk, asked, tenant_id, Purchase, act)


async def cancel(desk: Desk, asked: Asked, tenant_id: UUID, purchase_id: UUID, *, note: str | None) -> Done[Purchase]:
    """The super admin gives up waiting for the money. Refuses as `confirm`, but for what concerns the pool.

    Rule: PURCHASE-7
    """
    check_permission(asked.actor, Permission.MANAGE_PURCHASES)
    return await _cancel(desk, asked, tenant_id, purchase_id, note)


async def withdraw(desk: Desk, asked: Asked, tenant_id: UUID, purchase_id: UUID, *, note: str | None) -> Done[Purchase]:
    """The tenant takes an order back that was not paid. Refuses as `cancel`.

    Rule: PURCHASE-7
    """
    check_permission(asked.actor, Permission.REDEEM)
    return await _cancel(desk, asked, tenant_id, purchase_id, note)


async def _cancel(desk: Desk, asked: Asked, tenant_id: UUID, purchase_id: UUID, note: str | None) -> Done[Purchase]:
    check_note(note)

    async def act(transaction: Transaction) -> Purchase:
        purchase = await _locked(transaction, tenant_id, purchase_id)
        return await _cancelled(transaction, desk, asked, purchase, by=asked.actor.identity, note=note)

    return await once(desk, asked, tenant_id, Purchase, act)


async def hear(desk: Desk, notice: Notice) -> Purchase:
    """Does as the payment provider says: the order is paid, or never will be. Told twice, it is done once.

    Refuses `purchase_unknown` for what is no order of this provider, and `purchase_decided` for one that ended in
    another way, such as money for an order that was withdrawn: that takes a person.

    Rule: PURCHASE-8
    """
    tenant_id, purchase_id = _read_reference(notice.reference)
    asked, note = Asked(SYSTEM), _words_of(notice)
    wanted = PurchaseStatus.PAID if notice.is_paid else PurchaseStatus.CANCELLED

    async def attempt() -> Purchase:
        async with writing(desk.tenants, tenant_id) as transaction:
            purchase = await _locked(transaction, tenant_id, purchase_id)
            if purchase.payment.provider != desk.payments.name:
                raise purchase_unknown("reference")
            if purchase.status is wanted:
                return purchase
            if notice.is_paid:
                return await _paid(transaction, desk, asked, purchase, by=None, note=note)
            return await _cancelled(transaction, desk, asked, purchase, by=None, note=note)

    return await retrying(attempt)


def _words_of(notice: Notice) -> str | None:
    """What the provider said, as far as it fits into a note on a line: money that came in is not refused for words.

    Rule: PURCHASE-8
    """
    if notice.note is None:
        return None
    printable = "".join(letter if letter.isprintable() else " " for letter in notice.note)
    return " ".join(printable.split())[:NOTE_LENGTH_MAX].rstrip() or None


def reference_of(purchase: Purchase) -> str:
    """What a provider knows an order by; the tenant is part of it, since an order is found inside its tenant only."""
    return f"{public_id('tenant', purchase.tenant_id)}.{public_id('purchase', purchase.purchase_id)}"


def _read_reference(reference: str) -> tuple[UUID, UUID]:
    tenant, _, purchase = reference.partition(".")
    try:
        return (
            parse_public_id("tenant", tenant, field="reference"),
            parse_public_id("purchase", purchase, field="reference"),
        )
    except Refusal:
        raise purchase_unknown("reference") from None


async def _locked(transaction: Transaction, tenant_id: UUID, purchase_id: UUID) -> Purchase:
    """The order, which nobody else ends meanwhile; the books before it, as everywhere. Refuses `tenant_unknown`,
    `purchase_unknown`.
    """
    await lock_books(transaction, tenant_id)
    purchase = await lock_purchase(transaction, tenant_id, purchase_id)
    if purchase is None:
        raise purchase_unknown("purchase_id")
    return purchase


async def _paid(
    transaction: Transaction, desk: Desk, asked: Asked, purchase: Purchase, *, by: UUID | None, note: str | None
) -> Purchase:
    """Posts the credits and marks the order, of which neither is ever without the other.

    Rule: PURCHASE-6
    """
    check_pending(purchase.number, purchase.status)
    command = Transfer(
        actor_id=by or purchase.ordered_by, transfer_id=new_uuid(), kind="purchase", amount=purchase.amount,
        note=f"Order {purchase.number}",
    )  # fmt: skip
    answer = await post_one(transaction, desk, purchase.tenant_id, command, Transferred)
    decision = Decision(PurchaseStatus.PAID, by, desk.clock.now(), note, command.transfer_id)

    def told(changes: dict[str, Change]) -> Told:
        pool = moved(_subject(purchase), "pool", answer, note=note, detail=_facts(purchase))
        return replace(pool, kind="purchase_paid", changes={**pool.changes, **changes})

    return await _decided(transaction, desk, asked, purchase, decision, told)


async def _cancelled(
    transaction: Transaction, desk: Desk, asked: Asked, purchase: Purchase, *, by: UUID | None, note: str | None
) -> Purchase:
    """Ends an order without credits.

    Rule: PURCHASE-7
    """
    check_pending(purchase.number, purchase.status)
    decision = Decision(PurchaseStatus.CANCELLED, by, desk.clock.now(), note)

    def told(changes: dict[str, Change]) -> Told:
        return Told("purchase_cancelled", _subject(purchase), note, _facts(purchase), changes)

    return await _decided(transaction, desk, asked, purchase, decision, told)


async def _decided(
    transaction: Transaction,
    desk: Desk,
    asked: Asked,
    purchase: Purchase,
    decision: Decision,
    told: Callable[[dict[str, Change]], Told],
) -> Purchase:
    """Writes how the order ended, and tells."""
    if not await update_purchase_decided(transaction, purchase.tenant_id, purchase.purchase_id, decision):
        raise Broken("an order that is locked and pending can be ended", purchase=purchase.purchase_id)
    changes = {"status": Change(str(PurchaseStatus.PENDING), str(decision.status))}
    await record(transaction, desk, asked, purchase.tenant_id, told(changes))
    return replace(purchase, decision=decision)


def _subject(purchase: Purchase) -> Subject:
    return Subject("purchase", purchase.purchase_id)


def _facts(purchase: Purchase) -> dict[str, str | None]:
    """What an event tells of an order, whatever happened to it."""
    return {
        "number": str(purchase.number),
        "amount": str(purchase.amount),
        "credit_price": str(purchase.price),
        "currency": purchase.price.currency,
        "total": str(purchase.total),
    }
