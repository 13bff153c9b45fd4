"""What the operator chose for the whole installation: what credits cost, how orders of them are paid, and what becomes
of models without a price.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bursar.domain.credits import AMOUNT_MAX_MICRO, Credits
from bursar.domain.currencies import CreditPrice, check_currency
from bursar.domain.refusals import Refusal

SMALLEST_MINIMUM = Credits(10_000)
"""What people type is at least 0.01, so no smaller order could be made."""
INSTRUCTIONS_LENGTH_MAX = 2_000
"""A page: account, reference, terms."""


class UnpricedModels(StrEnum):
    """What becomes of a call of a model whose cost nobody has said.

    Rule: PROVIDER-11
    """

    REFUSE = "refuse"
    FREE = "free"


@dataclass(frozen=True)
class PlatformSettings:
    """The price of a credit, the smallest and largest order, what an order on invoice says about paying it, and what
    becomes of models without a price.

    A price of nothing means that credits cannot be bought; no largest order is None.
    """

    credit_price: CreditPrice
    purchase_min: Credits
    purchase_max: Credits | None
    payment_instructions: str | None
    unpriced_models: UnpricedModels = UnpricedModels.REFUSE

    @property
    def sells_credits(self) -> bool:
        """Whether credits can be bought."""
        return self.credit_price.nano > 0


def check_platform_settings(settings: PlatformSettings) -> None:
    """Refuses `invalid_input` for settings that contradict themselves, the first that does in the order of the fields.

    Rule: PURCHASE-1
    """
    check_currency(settings.credit_price.currency)
    if not SMALLEST_MINIMUM <= settings.purchase_min <= Credits(AMOUNT_MAX_MICRO):
        raise Refusal(
            "invalid_input", f"The smallest order is at least {SMALLEST_MINIMUM} credits.", field="purchase_min"
        )
    if settings.purchase_max is not None and settings.purchase_max < settings.purchase_min:
        raise Refusal(
            "invalid_input",
            f"The largest order is not below the smallest, which is {settings.purchase_min}.",
            field="purchase_max",
        )
    instructions = settings.payment_instructions
    if instructions is not None and not _is_page_of_text(instructions):
        raise Refusal(
            "invalid_input",
            f"Instructions are 1 to {INSTRUCTIONS_LENGTH_MAX} characters of text, in as many lines as it takes.",
            field="payment_instructions",
        )


def _is_page_of_text(text: str) -> bool:
    lines_are_printable = all(line.isprintable() for line in text.split("\n"))
    return 1 <= len(text) <= INSTRUCTIONS_LENGTH_MAX and text == text.strip() and lines_are_printable
