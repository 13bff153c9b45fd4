"""Orders of credits: what was ordered, how it is paid, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.currencies import CreditPrice, Money, coin_digits
from bursar.domain.purchases import PurchaseStatus
from bursar.store.platform_settings import price_as_kept, price_from_kept


@dataclass(frozen=True)
class Payment:
    """How an order is paid: by which provider, and what it says about it."""

    provider: str
    instructions: str | None
    link: str | None = None


@dataclass(frozen=True)
class Decision:
    """How an order ended; `by` is None where a provider told, and only what was paid has a transfer."""

    status: PurchaseStatus
    by: UUID | None
    at: datetime
    note: str | None
    transfer_id: UUID | None = None


@dataclass(frozen=True)
class Purchase:
    """One order. Price, total and how it is paid are as they were when it was made."""

    tenant_id: UUID
    purchase_id: UUID
    number: int
    amount: Credits
    price: CreditPrice
    total: Money
    payment: Payment
    note: str | None
    ordered_by: UUID
    ordered_at: datetime
    decision: Decision | None = None

    @property
    def status(self) -> PurchaseStatus:
        """What became of it so far."""
        return PurchaseStatus.PENDING if self.decision is None else self.decision.status


async def take_purchase_number(transaction: Transaction, tenant_id: UUID) -> int | None:
    """The next order's number in this tenant, if there is such a tenant. Holds the tenant's row until the transaction
    ends, so whoever orders at the same time waits.
    """
    number: int | None = await transaction.fetchval(
        """
        update tenants
        set next_purchase_number = next_purchase_number + 1
        where tenant_id = $1
        returning next_purchase_number - 1
        """,
        tenant_id,
    )
    return number


async def insert_purchase(transaction: Transaction, purchase: Purchase) -> None:
    """Adds an order that waits to be paid."""
    await transaction.execute(
        """
        insert into purchases
            (tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, instructions,
             payment_link, status, note, ordered_by, ordered_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        purchase.tenant_id,
        purchase.purchase_id,
        purchase.number,
        purchase.amount.micro,
        purchase.price.currency,
        price_as_kept(purchase.price),
        Decimal(purchase.total.coins).scaleb(-coin_digits(purchase.total.currency)),
        purchase.payment.provider,
        purchase.payment.instructions,
        purchase.payment.link,
        purchase.status,
        purchase.note,
        purchase.ordered_by,
        purchase.ordered_at,
    )


async def update_purchase_begun(transaction: Transaction, purchase: Purchase) -> None:
    """Writes how an order that still waits is paid, as its provider says."""
    await transaction.execute(
        """
        update purchases
        set instructions = $3,
            payment_link = $4
        where tenant_id = $1
          and purchase_id = $2
          and status = 'pending'
        """,
        purchase.tenant_id,
        purchase.purchase_id,
        purchase.payment.instructions,
        purchase.payment.link,
    )


async def update_purchase_decided(
    transaction: Transaction, tenant_id: UUID, purchase_id: UUID, decision: Decision
) -> bool:
    """Ends an order that waits; False if it had ended already."""
    row = await transaction.fetchrow(
        """
        update purchases
        set status = $3,
            decided_by = $4,
            decided_at = $5,
            decision_note = $6,
            transfer_id = $7
        where tenant_id = $1
          and purchase_id = $2
          and status = 'pending'
        returning purchase_id
        """,
        tenant_id,
        purchase_id,
        decision.status,
        decision.by,
        decision.at,
        decision.note,
        decision.transfer_id,
    )
    return row is not None


async def lock_purchase(transaction: Transaction, tenant_id: UUID, purchase_id: UUID) -> Purchase | None:
    """The order with this id, which nobody else ends until the transaction does."""
    row = await transaction.fetchrow(
        """
        select tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, instructions,
               payment_link, status, note, ordered_by, ordered_at, decided_by, decided_at, decision_note, transfer_id
        from purchases
        where tenant_id = $1
          and purchase_id = $2
        for no key update
        """,
        tenant_id,
        purchase_id,
    )
    return None if row is None else _purchase(row)


async def find_purchase(transaction: Transaction, tenant_id: UUID, purchase_id: UUID) -> Purchase | None:
    """The order with this id."""
    row = await transaction.fetchrow(
        """
        select tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, instructions,
               payment_link, status, note, ordered_by, ordered_at, decided_by, decided_at, decision_note, transfer_id
        from purchases
        where tenant_id = $1
          and purchase_id = $2
        """,
        tenant_id,
        purchase_id,
    )
    return None if row is None else _purchase(row)


async def find_purchase_numbered(transaction: Transaction, tenant_id: UUID, number: int) -> Purchase | None:
    """The order with this number in the tenant."""
    row = await transaction.fetchrow(
        """
        select tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, instructions,
               payment_link, status, note, ordered_by, ordered_at, decided_by, decided_at, decision_note, transfer_id
        from purchases
        where tenant_id = $1
          and number = $2
        """,
        tenant_id,
        number,
    )
    return None if row is None else _purchase(row)


async def count_open_purchases(transaction: Transaction, tenant_id: UUID) -> int:
    """How many orders of the tenant wait to be paid."""
    count = await transaction.fetchval(
        """
        select count(*)
        from purchases
        where tenant_id = $1
          and status = 'pending'
        """,
        tenant_id,
    )
    return int(count)


async def list_purchases(
    transaction: Transaction, tenant_id: UUID, status: PurchaseStatus | None, *, before: int | None, limit: int
) -> list[Purchase]:
    """Orders of the tenant from the last to the first, those with a number below `before`."""
    rows = await transaction.fetch(
        """
        select tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, instructions,
               payment_link, status, note, ordered_by, ordered_at, decided_by, decided_at, decision_note, transfer_id
        from purchases
        where tenant_id = $1
          and ($2::text is null or status = $2)
          and ($3::bigint is null or number < $3)
        order by number desc
        limit $4
        """,
        tenant_id,
        status,
        before,
        limit,
    )
    return [_purchase(row) for row in rows]


async def count_purchases(transaction: Transaction, tenant_id: UUID, status: PurchaseStatus | None) -> int:
    """How many orders the tenant has, of this status or in all."""
    count = await transaction.fetchval(
        """
        select count(*)
        from purchases
        where tenant_id = $1
          and ($2::text is null or status = $2)
        """,
        tenant_id,
        status,
    )
    return int(count)


async def list_platform_purchases(
    transaction: Transaction, status: PurchaseStatus | None, *, before: UUID | None, limit: int
) -> list[Purchase]:
    """Orders of the whole platform from the last to the first, those before `before`."""
    rows = await transaction.fetch(
        """
        select tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, instructions,
               payment_link, status, note, ordered_by, ordered_at, decided_by, decided_at, decision_note, transfer_id
        from purchases
        where ($1::text is null or status = $1)
          and ($2::uuid is null or purchase_id < $2)
        order by purchase_id desc
        limit $3
        """,
        status,
        before,
        limit,
    )
    return [_purchase(row) for row in rows]


async def count_platform_purchases(transaction: Transaction, status: PurchaseStatus | None) -> int:
    """How many orders there are on the whole platform, of this status or in all."""
    count = await transaction.fetchval(
        """
        select count(*)
        from purchases
        where ($1::text is null or status = $1)
        """,
        status,
    )
    return int(count)


def _purchase(row: Any) -> Purchase:
    currency = row["currency"]
    status, decision = PurchaseStatus(row["status"]), None
    if status is not PurchaseStatus.PENDING:
        decision = Decision(status, row["decided_by"], row["decided_at"], row["decision_note"], row["transfer_id"])
    return Purchase(
        tenant_id=row["tenant_id"],
        purchase_id=row["purchase_id"],
        number=row["number"],
        amount=Credits(row["amount_micro"]),
        price=price_from_kept(currency, row["credit_price"]),
        total=Money(currency, int(row["total"].scaleb(coin_digits(currency)))),
        payment=Payment(row["provider"], row["instructions"], row["payment_link"]),
        note=row["note"],
        ordered_by=row["ordered_by"],
        ordered_at=row["ordered_at"],
        decision=decision,
    )
