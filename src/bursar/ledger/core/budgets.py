"""Budgets within the running cycle: plan to group to member, inside the pot.

A budget is set as a level and posted as the difference. Nothing may be given out twice: a parent stays at least the
sum of its parts, and what is taken back must still be there.

Rule: BUDGET-1
"""

from __future__ import annotations

from bursar.domain.accounts import Account
from bursar.domain.credits import decimal_text
from bursar.domain.cycles import Cadence
from bursar.domain.refusals import Refusal
from bursar.ledger.answers import Changed
from bursar.ledger.commands import SetCycleCeiling, SetGroupMonthly, SetMemberMonthly, SetPerCycle, check_note
from bursar.ledger.core.books import Books
from bursar.ledger.core.cycles import touch
from bursar.ledger.core.funds import check_cycle_size, check_funds, check_issuable, scope_of
from bursar.ledger.core.rows import Control, Group
from bursar.ledger.core.transfers import check_level, check_recipient, note_removal


def set_per_cycle(books: Books, command: SetPerCycle) -> Changed:
    """Set credits per cycle: the running cycle's plan moves by the difference at once, what was used stays used.

    Rule: BUDGET-2
    """
    control, wanted = books.control, command.per_cycle.micro
    check_level(wanted, field="per_cycle")
    check_cycle_size(Cadence(control.cadence), wanted, field="per_cycle")
    check_note(command.note)
    ceiling = control.per_cycle_ceiling_micro
    if ceiling is not None and wanted > ceiling:
        raise Refusal(
            "budget_above_ceiling",
            f"Credits per cycle may be at most {decimal_text(ceiling)} for this tenant.",
            field="per_cycle",
            limit=decimal_text(ceiling),
            asked=decimal_text(wanted),
        )
    _check_children(control, wanted, control.groups_monthly_micro, field="per_cycle")
    before = control.per_cycle_micro
    change = wanted - before
    books.by(command.actor_id, command.transfer_id, command.note)
    if change > 0:
        check_issuable(books, change, field="per_cycle")
        issued = books.issued_account(Account.ISSUED_CYCLE)
        books.move("cycle_increase", Account.ISSUED_CYCLE, issued, Account.PLAN, control, change)
    elif change < 0:
        check_funds(books, Account.PLAN, control, -change, field="per_cycle")
        issued = books.issued_account(Account.ISSUED_CYCLE)
        books.move("cycle_reduction", Account.PLAN, control, Account.ISSUED_CYCLE, issued, -change)
    control.per_cycle_micro = wanted
    books.mark(control)
    control.epoch_issued_micro += change
    return Changed("per_cycle", abs(change), books.now, before)


def set_ceiling(books: Books, command: SetCycleCeiling) -> Changed:
    """Cap what the tenant may set as credits per cycle; never below what it has set already.

    Rule: BUDGET-3
    """
    if command.ceiling is not None:
        check_level(command.ceiling.micro, field="ceiling")
        _check_children(books.control, command.ceiling.micro, books.control.per_cycle_micro, field="ceiling")
    before = books.control.per_cycle_ceiling_micro
    books.mark(books.control)
    books.control.per_cycle_ceiling_micro = None if command.ceiling is None else command.ceiling.micro
    return Changed("ceiling", 0, books.now, before)


def set_group_monthly(books: Books, command: SetGroupMonthly) -> Changed:
    """Set a group's budget per cycle, out of the plan.

    Rule: BUDGET-4
    """
    control, group, wanted = books.control, books.group(command.group_id), command.monthly.micro
    check_level(wanted, field="monthly")
    check_note(command.note)
    _check_children(group, wanted, group.members_monthly_micro, field="monthly")
    before = group.monthly_micro
    change = wanted - before
    if change > 0:
        check_funds(books, Account.PLAN, control, change, field="monthly")
        _check_every_cycle(control, change)
    elif change < 0:
        check_funds(books, Account.GROUP_ALLOWANCE, group, -change, field="monthly")
    touch(books, group)
    books.by(command.actor_id, command.transfer_id, command.note)
    if change > 0:
        books.move("budget_increase", Account.PLAN, control, Account.GROUP_ALLOWANCE, group, change)
    elif change < 0:
        books.move("budget_reduction", Account.GROUP_ALLOWANCE, group, Account.PLAN, control, -change)
    group.monthly_micro = wanted
    control.groups_monthly_micro += change
    books.mark(group)
    return Changed("group_monthly", abs(change), books.now, before)


def set_member_monthly(books: Books, command: SetMemberMonthly) -> Changed:
    """Set a member's allowance per cycle, out of its group's budget.

    Raising asks of the member what an allocation asks of a recipient; lowering does not, so that a disabled member's
    budget can be recovered.
    What is lowered must still be there, unspent and not held.

    Rule: BUDGET-5, BUDGET-8, BUDGET-9
    """
    wallet, wanted = books.wallet(command.member_id), command.monthly.micro
    group = books.group_of(wallet)
    check_level(wanted, field="monthly")
    check_note(command.note)
    before = wallet.monthly_micro
    change = wanted - before
    if wallet.status == "deleted":
        raise Refusal("member_deleted", "A deleted member has no budget.", field="member_id")
    if change > 0:
        check_recipient(wallet, command.actor_id)
        check_undistributed(books, group, change, field="monthly")
    elif change < 0:
        check_funds(books, Account.MEMBER_ALLOWANCE, wallet, -change, field="monthly")
    touch(books, group)
    touch(books, wallet)
    books.by(command.actor_id, command.transfer_id, command.note)
    if change > 0:
        books.move("allowance_increase", Account.GROUP_ALLOWANCE, group, Account.MEMBER_ALLOWANCE, wallet, change)
    elif change < 0:
        books.move("allowance_reduction", Account.MEMBER_ALLOWANCE, wallet, Account.GROUP_ALLOWANCE, group, -change)
    wallet.monthly_micro = wanted
    group.members_monthly_micro += change
    if change > 0:
        wallet.has_credits = True
    elif change < 0:
        note_removal(books, wallet)
    books.mark(wallet)
    books.mark(group)
    return Changed("member_monthly", abs(change), books.now, before)


def check_undistributed(books: Books, group: Group, micro: int, *, field: str) -> None:
    """Refuses `insufficient_budget` unless the group can give this much per cycle, and has it left in this one.

    Rule: BUDGET-7
    """
    undistributed = group.monthly_micro - group.members_monthly_micro
    if undistributed < micro:
        scope, identity = scope_of(group)
        raise Refusal(
            "insufficient_budget",
            f"The group's undistributed budget is too small: {decimal_text(undistributed)} available, "
            f"{decimal_text(micro)} asked.",
            field=field,
            scope=scope,
            id=identity,
            limit=decimal_text(group.monthly_micro),
            available=decimal_text(undistributed),
            held="0.00",
            asked=decimal_text(micro),
            resets_at=None,
        )
    check_funds(books, Account.GROUP_ALLOWANCE, group, micro, field=field)


def _check_every_cycle(control: Control, micro: int) -> None:
    """Refuses `insufficient_plan` unless every cycle to come has this much that no group has been given.

    The running cycle can have more left than those: a top-up that a member took along into another group ends up in
    the plan when the member is deleted and that group is closed. What was promised out of it could not be renewed.

    Rule: BUDGET-4
    """
    spare = control.per_cycle_micro - control.groups_monthly_micro
    if spare < micro:
        scope, identity = scope_of(control)
        raise Refusal(
            "insufficient_plan",
            f"Later cycles have less undistributed budget than this one: {decimal_text(spare)} available, "
            f"{decimal_text(micro)} asked.",
            field="monthly",
            scope=scope,
            id=identity,
            limit=decimal_text(control.per_cycle_micro),
            available=decimal_text(spare),
            held="0.00",
            asked=decimal_text(micro),
            resets_at=None,
        )


def _check_children(row: Control | Group, wanted: int, given_out: int, *, field: str) -> None:
    """Refuses `budget_below_children`: lower the parts first.

    Rule: BUDGET-6
    """
    if wanted < given_out:
        scope, identity = scope_of(row)
        raise Refusal(
            "budget_below_children",
            f"The budget cannot be lower than the {decimal_text(given_out)} already given out of it.",
            field=field,
            scope=scope,
            id=identity,
            limit=decimal_text(given_out),
            asked=decimal_text(wanted),
        )
