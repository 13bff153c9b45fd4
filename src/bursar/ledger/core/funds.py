"""What is there to take, and the refusal that says exactly what was missing.

Rule: REFUSAL-2
"""

from __future__ import annotations

from bursar.domain.accounts import Account
from bursar.domain.credits import TOTAL_MAX_MICRO, decimal_text
from bursar.domain.cycles import CADENCES, Cadence, per_cycle_max
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger.core.books import Books, Holder
from bursar.ledger.core.rows import Control, Group, Issued, Wallet

ISSUED_MAX_MICRO = TOTAL_MAX_MICRO // 2
"""The most a tenant may have been issued in all. Every other total stays below twice this, so none can overflow."""

# Which refusal an account's shortage is, in the order a person would look for the cause.
_SHORTAGE: dict[str, tuple[str, str]] = {
    Account.POOL: ("insufficient_pool", "Insufficient tenant balance"),
    Account.MEMBER_BALANCE: ("insufficient_balance", "Insufficient user balance"),
    Account.GROUP_BALANCE: ("insufficient_balance", "Insufficient group balance"),
    Account.PLAN: ("insufficient_plan", "The cycle's undistributed budget is too small"),
    Account.GROUP_ALLOWANCE: ("insufficient_budget", "The group's undistributed budget is too small"),
    Account.MEMBER_ALLOWANCE: ("insufficient_allowance", "That part of the allowance is already used or held"),
    Account.ISSUED_GRANT: ("insufficient_grant", "Less was granted than is to be taken back"),
}


def free(books: Books, account: str, row: Holder) -> int:
    """What of an account is neither spent nor held, for an untouched row as if it had rolled over."""
    if isinstance(row, Issued):
        return -row.issued_micro
    if isinstance(row, Control):
        return row.plan_micro if account == Account.PLAN else row.pool_micro - row.pool_held_micro
    if account in (Account.MEMBER_ALLOWANCE, Account.GROUP_ALLOWANCE):
        return books.allowance_free(row)
    return row.balance_micro - row.balance_held_micro


def held(books: Books, account: str, row: Holder) -> int:
    """What of an account is held."""
    if isinstance(row, Issued):
        return 0
    if isinstance(row, Control):
        return 0 if account == Account.PLAN else row.pool_held_micro
    if account in (Account.MEMBER_ALLOWANCE, Account.GROUP_ALLOWANCE):
        return books.allowance_held(row)
    return row.balance_held_micro


def check_funds(books: Books, account: str, row: Holder, micro: int, *, field: str) -> None:
    """Refuses with the account's own shortage if less than the amount is free. `field` is the input that asked for it.

    Rule: TRANSFER-4
    """
    available = free(books, account, row)
    if available >= micro:
        return
    code, sentence = _SHORTAGE[account]
    scope, identity = scope_of(row)
    held_micro = held(books, account, row)
    resets = account in (Account.PLAN, Account.GROUP_ALLOWANCE, Account.MEMBER_ALLOWANCE)
    raise Refusal(
        code,
        f"{sentence}: {decimal_text(max(available, 0))} available, {decimal_text(micro)} asked.",
        field=field,
        scope=scope,
        id=identity,
        limit=decimal_text(available + held_micro),
        available=decimal_text(available),
        held=decimal_text(held_micro),
        asked=decimal_text(micro),
        resets_at=books.control.epoch_ends_at.isoformat() if resets else None,
    )


def check_issuable(books: Books, micro: int, *, field: str) -> None:
    """Refuses `total_too_large` if the tenant would have been issued more than can be kept.

    Rule: AMOUNT-8
    """
    if -books.control.issued_micro + micro > ISSUED_MAX_MICRO:
        raise Refusal("total_too_large", "The tenant's total would pass the largest that can be kept.", field=field)


def check_cycle_size(cadence: Cadence, micro: int, *, field: str) -> None:
    """Refuses `amount_too_large` if cycles of this cadence may not be issued this much each.

    Rule: BUDGET-10
    """
    largest = per_cycle_max(cadence)
    if micro > largest.micro:
        raise Refusal(
            "amount_too_large",
            f"With the cadence {CADENCES[cadence].label}, credits per cycle may be at most {largest}.",
            field=field,
            largest=str(largest),
        )


def scope_of(row: Holder) -> tuple[str, str]:
    """What ran out and its public id."""
    if isinstance(row, Wallet):
        return "member", public_id("member", row.member_id)
    if isinstance(row, Group):
        return "group", public_id("group", row.group_id)
    return "tenant", public_id("tenant", row.tenant_id)
