"""What a tenant chooses for itself, beside its budgeting period."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.domain.credits import AMOUNT_MAX_MICRO, ZERO, Credits, decimal_text
from bursar.domain.refusals import Refusal

DISPLAYS = ("credits", "dollars")
"""How amounts are shown. The books are kept in credits either way."""

EXPIRED_HOLDS = ("void", "settle")
"""What becomes of a hold that nobody settled: all of it is given back, or all of it is charged."""

CONTACT_LENGTH_MAX = 200

PROPOSED_CREDIT_FACTOR = "100.00"
"""Credits per US dollar where a person makes a tenant and is asked: a credit is then worth a cent."""


@dataclass(frozen=True)
class TenantSettings:
    """A tenant's choices. `contact` is whom its people ask for help. `credit_factor` is credits per US dollar of a
    call's cost, 0 for calls that charge nothing; `signup_credits` is what somebody who joins is given. Below `low_pool`
    and `low_balance` people are told; None is never.
    """

    display: str
    contact: str | None
    expired_holds: str
    credit_factor: Credits
    signup_credits: Credits
    low_pool: Credits | None
    low_balance: Credits | None


def check_settings(settings: TenantSettings) -> None:
    """Refuses `invalid_input` for a choice that is not offered, or a contact that is not one line of text; and
    `amount_too_small`, `amount_too_large` for an amount that is out of bounds.

    Rule: TENANT-7, TENANT-10
    """
    for field, value, offered in (
        ("display", settings.display, DISPLAYS),
        ("expired_holds", settings.expired_holds, EXPIRED_HOLDS),
    ):
        if value not in offered:
            raise Refusal("invalid_input", f"This must be one of: {', '.join(offered)}.", field=field)
    contact = settings.contact
    if contact is not None and (
        not 1 <= len(contact) <= CONTACT_LENGTH_MAX or contact != contact.strip() or not contact.isprintable()
    ):
        raise Refusal(
            "invalid_input",
            f"A contact is one line of 1 to {CONTACT_LENGTH_MAX} printable characters.",
            field="contact",
        )
    check_setting_amount(settings.credit_factor, field="credit_factor", may_be_zero=True)
    check_setting_amount(settings.signup_credits, field="signup_credits", may_be_zero=True)
    for field, mark in (("low_pool", settings.low_pool), ("low_balance", settings.low_balance)):
        if mark is not None:
            check_setting_amount(mark, field=field, may_be_zero=False)


def check_setting_amount(amount: Credits, *, field: str, may_be_zero: bool) -> None:
    """Refuses `amount_too_small`, `amount_too_large` for an amount that no setting can be.

    Rule: TENANT-10
    """
    if amount < ZERO or (amount == ZERO and not may_be_zero):
        smallest = "0.00" if may_be_zero else "0.01"
        raise Refusal("amount_too_small", f"This must be at least {smallest}.", field=field, smallest=smallest)
    if amount.micro > AMOUNT_MAX_MICRO:
        largest = decimal_text(AMOUNT_MAX_MICRO)
        raise Refusal("amount_too_large", f"The amount may be at most {largest}.", field=field, largest=largest)
