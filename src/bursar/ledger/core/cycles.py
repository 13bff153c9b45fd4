"""Cycles: ending one and issuing the next, in a few transfers whatever the number of members.

A rollover touches the control row only. The account `cycle` is its clearing account: the whole pot is handed in
through it and the new one issued into it, and each group's and member's row settles with it when next touched.

Rule: CYCLE-4
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bursar.domain.accounts import Account
from bursar.domain.cycles import Cadence, advance, cycle_end, parse_cadence, parse_time_zone
from bursar.domain.refusals import Refusal
from bursar.ledger.answers import CycleStarted
from bursar.ledger.commands import EndDueCycle, ResetCycle, SetCadence, check_note
from bursar.ledger.core.books import Books
from bursar.ledger.core.funds import check_cycle_size
from bursar.ledger.core.rows import Group, Wallet


def end_if_due(books: Books) -> None:
    """End the running cycle if its time has come, and any number of further ones that passed meanwhile.

    Rule: CYCLE-3
    """
    control = books.control
    if books.now < control.epoch_ends_at:
        return
    span = advance(
        control.epoch_started_at, control.epoch_ends_at, Cadence(control.cadence), control.time_zone, books.now
    )
    books.by(None, _cycle_transfer_id(control.epoch + span.passed))
    _roll(books, span.passed, span.started_at, span.ends_at)


def end_due(books: Books, command: EndDueCycle) -> CycleStarted:
    """The running cycle; every batch has ended a due one before its first command."""
    del command
    return _running(books, ended_epoch=None)


def reset(books: Books, command: ResetCycle) -> CycleStarted:
    """Start a fresh cycle now. Naming a cycle that has ended already changes nothing: it was reset once.

    Rule: CYCLE-6
    """
    check_note(command.note)
    is_current = _is_current(books, command.epoch)
    if is_current:
        books.by(command.actor_id, command.transfer_id, command.note)
        _restart(books)
    return _running(books, ended_epoch=command.epoch if is_current else None)


def set_cadence(books: Books, command: SetCadence) -> CycleStarted:
    """Change cadence or time zone and start a fresh cycle now.

    Rule: CYCLE-7
    """
    cadence, time_zone = parse_cadence(command.cadence), parse_time_zone(command.time_zone)
    check_cycle_size(cadence, books.control.per_cycle_micro, field="cadence")
    check_note(command.note)
    is_current = _is_current(books, command.epoch)
    if is_current:
        books.control.cadence, books.control.time_zone = cadence, time_zone
        books.by(command.actor_id, command.transfer_id, command.note)
        _restart(books)
    elif (books.control.cadence, books.control.time_zone) != (cadence, time_zone):
        raise Refusal("cycle_changed", "Another cycle has started since; look again before changing it.", field="epoch")
    return _running(books, ended_epoch=command.epoch if is_current else None)


def touch(books: Books, row: Wallet | Group) -> None:
    """Roll a row over to the running cycle: what is left of its old allowance back, its new allowance out.

    What holds of the old cycle keep was carried to `pot_previous` when the cycle ended, so the row keeps none of it.

    Rule: CYCLE-5
    """
    control = books.control
    if row.epoch == control.epoch:
        return
    by = (books.actor_id, books.transfer_id, books.note, books.reverses_id)
    books.by(None, _cycle_transfer_id(control.epoch))
    account = Account.MEMBER_ALLOWANCE if isinstance(row, Wallet) else Account.GROUP_ALLOWANCE
    if row.allowance_micro > 0:
        books.move("allowance_return", account, row, Account.CYCLE, control, row.allowance_micro)
    renewal = books.renewal(row)
    if renewal > 0:
        books.move("allowance_renewal", Account.CYCLE, control, account, row, renewal)
    row.allowance_held_micro = 0
    row.epoch = control.epoch
    if isinstance(row, Wallet):
        row.used_micro = 0
    else:
        row.shared_used_micro = 0
    books.mark(row)
    books.by(*by)


def _is_current(books: Books, epoch: int) -> bool:
    if epoch > books.control.epoch:
        raise Refusal("cycle_changed", "There is no such cycle yet.", field="epoch")
    return epoch == books.control.epoch


def _restart(books: Books) -> None:
    control = books.control
    ends_at = cycle_end(books.now, Cadence(control.cadence), control.time_zone)
    _roll(books, 1, books.now, ends_at)


def _roll(books: Books, passed: int, started_at: datetime, ends_at: datetime) -> None:
    """End the running cycle and begin the `passed`-th after it. Cycles in between were issued and lapsed unused.

    Rule: CYCLE-4, CYCLE-8, CYCLE-10
    """
    control = books.control
    unused = control.pot_micro - control.pot_held_micro + (passed - 1) * control.per_cycle_micro
    carried = control.pot_held_micro
    issue = passed * control.per_cycle_micro
    plan = control.per_cycle_micro - control.groups_monthly_micro

    control.epoch += passed
    control.epoch_started_at, control.epoch_ends_at = started_at, ends_at
    control.pot_held_micro = 0
    # Without credits per cycle nothing moves, and the new cycle has begun all the same.
    books.mark(control)
    if issue:
        issued = books.issued_account(Account.ISSUED_CYCLE)
        books.move("cycle_issue", Account.ISSUED_CYCLE, issued, Account.CYCLE, control, issue)
    if carried:
        books.move("cycle_carry", Account.CYCLE, control, Account.POT_PREVIOUS, control, carried)
    if unused:
        books.move("cycle_lapse", Account.CYCLE, control, Account.EXPIRED, control, unused)
    if control.plan_micro > plan:
        books.move("plan_return", Account.PLAN, control, Account.CYCLE, control, control.plan_micro - plan)
    elif control.plan_micro < plan:
        books.move("plan_renewal", Account.CYCLE, control, Account.PLAN, control, plan - control.plan_micro)
    control.epoch_issued_micro = control.per_cycle_micro
    control.epoch_used_micro = control.epoch_pot_used_micro = 0


def _running(books: Books, *, ended_epoch: int | None) -> CycleStarted:
    control = books.control
    return CycleStarted(control.epoch, control.epoch_started_at, control.epoch_ends_at, ended_epoch)


def _cycle_transfer_id(epoch: int) -> UUID:
    """The id of what a rollover posts by itself: made of its cycle's number, since nobody sent a command for it."""
    return UUID(int=epoch)
