"""Orders of credits: what may be ordered, and what may become of an order.

Not here: how an order is paid (`outside/payments`), and how its credits get into the pool (`actions/purchases`).
"""

from __future__ import annotations

from enum import StrEnum

from bursar.domain.credits import Credits
from bursar.domain.currencies import Money, total_of
from bursar.domain.platform_settings import PlatformSettings
from bursar.domain.refusals import Refusal

OPEN_PURCHASES_MAX = 20
"""In one tenant. Whoever has more of them unpaid has forgotten some, and the operator has to look through them all."""


class PurchaseStatus(StrEnum):
    """What became of an order."""

    PENDING = "pending"
    PAID = "paid"
    CANCELLED = "cancelled"


def priced(amount: Credits, terms: PlatformSettings, *, seen_price: str | None, seen_currency: str | None) -> Money:
    """What an order of this amount comes to. Refuses `purchases_closed`, then `figure_changed` where the price or its
    currency is not any more what was seen, then `purchase_too_small` and `purchase_too_large`.

    Rule: PURCHASE-1, PURCHASE-2, PURCHASE-3
    """
    if not terms.sells_credits:
        raise Refusal("purchases_closed", "The platform has set no price for credits, so none can be ordered.")
    price = terms.credit_price
    for field, seen, present in (
        ("seen_price", seen_price, str(price)),
        ("seen_currency", seen_currency, price.currency),
    ):
        if seen is not None and seen != present:
            raise Refusal(
                "figure_changed",
                f"A credit costs {price.with_currency} by now: look again before ordering.",
                field=field,
                present=present,
                seen=seen,
            )
    if amount < terms.purchase_min:
        raise Refusal(
            "purchase_too_small",
            f"The smallest order is {terms.purchase_min} credits.",
            field="amount",
            smallest=str(terms.purchase_min),
        )
    if terms.purchase_max is not None and amount > terms.purchase_max:
        raise Refusal(
            "purchase_too_large",
            f"The largest order is {terms.purchase_max} credits.",
            field="amount",
            largest=str(terms.purchase_max),
        )
    return total_of(amount, price)


def check_open_purchases(count: int) -> None:
    """Refuses `too_many_purchases` where as many orders wait to be paid as may.

    Rule: PURCHASE-4
    """
    if count >= OPEN_PURCHASES_MAX:
        raise Refusal(
            "too_many_purchases",
            f"{OPEN_PURCHASES_MAX} orders wait to be paid, which is as many as may: pay or withdraw one first.",
            largest=str(OPEN_PURCHASES_MAX),
        )


def check_pending(number: int, status: PurchaseStatus) -> None:
    """Refuses `purchase_decided` for an order that was paid or cancelled.

    Rule: PURCHASE-6
    """
    if status is not PurchaseStatus.PENDING:
        raise Refusal("purchase_decided", f"Order {number} has been {status} already.", status=str(status))


def purchase_unknown(field: str) -> Refusal:
    """What is said of an order that this tenant did not make."""
    return Refusal("purchase_unknown", "There is no such order of credits.", field=field)
