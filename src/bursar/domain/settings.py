"""What a tenant chooses for itself, beside its budgeting period."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.domain.call_sizes import AdmissionPolicy
from bursar.domain.costs import CREDIT_FACTOR_MAX, FACTOR_DECIMALS
from bursar.domain.credits import AMOUNT_MAX_MICRO, MICRO_PER_CREDIT, ZERO, Credits, decimal_text
from bursar.domain.refusals import Refusal

DISPLAYS = ("credits", "dollars")
"""How amounts are shown. The books are kept in credits either way."""

EXPIRED_HOLDS = ("void", "settle")
"""What becomes of a hold that nobody settled: all of it is given back, or all of it is charged."""

ADMISSIONS = tuple(str(policy) for policy in AdmissionPolicy)
"""What is held for a call: what it is expected to cost, or the most that it can cost."""

CONTACT_LENGTH_MAX = 200

CREDIT_FACTOR_MAX_MICRO = CREDIT_FACTOR_MAX.ten_thousandths * (MICRO_PER_CREDIT // 10**FACTOR_DECIMALS)
"""The largest factor that a call's cost is multiplied with, as an amount of credits for a dollar."""

PROPOSED_CREDIT_FACTOR = "100.00"
"""Credits per US dollar where a person makes a tenant and is asked: a credit is then worth a cent."""


@dataclass(frozen=True)
class TenantSettings:
    """A tenant's choices. `contact` is whom its people ask for help. `admission` is what is held for a call,
    `credit_factor` credits per US dollar of a call's cost, 0 for calls that charge nothing; `signup_credits` is what
    somebody who joins is given. Below `low_pool` and `low_balance` people are told; None is never.
    """

    display: str
    contact: str | None
    expired_holds: str
    admission: str
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
        ("admission", settings.admission, ADMISSIONS),
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
    check_credit_factor(settings.credit_factor)
    check_setting_amount(settings.signup_credits, field="signup_credits", may_be_zero=True)
    for field, mark in (("low_pool", settings.low_pool), ("low_balance", settings.low_balance)):
        if mark is not None:
            check_setting_amount(mark, field=field, may_be_zero=False)


def check_credit_factor(factor: Credits) -> None:
    """Refuses `amount_too_small`, `amount_too_large` for a factor that no call can be charged with.

    Rule: TENANT-10
    """
    check_setting_amount(factor, field="credit_factor", may_be_zero=True, micro_max=CREDIT_FACTOR_MAX_MICRO)


def check_setting_amount(amount: Credits, *, field: str, may_be_zero: bool, micro_max: int = AMOUNT_MAX_MICRO) -> None:
    """Refuses `amount_too_small`, `amount_too_large` for an amount that no setting can be.

    Rule: TENANT-10
    """
    if amount < ZERO or (amount == ZERO and not may_be_zero):
        smallest = "0.00" if may_be_zero else "0.01"
        raise Refusal("amount_too_small", f"This must be at least {smallest}.", field=field, smallest=smallest)
    if amount.micro > micro_max:
        largest = decimal_text(micro_max)
        raise Refusal("amount_too_large", f"The amount may be at most {largest}.", field=field, largest=largest)
