"""Deciding a batch: commands one after another over the loaded books.

The order within one command is always the same: is it a repeat, is it permitted, then move. A refusal is raised
before anything moves, so it changes no balance. Read next: `transfers`, `holds`, `cycles`, `budgets`, `people`.

Rule: REFUSAL-3
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from bursar.domain.refusals import Broken, Refusal
from bursar.ledger.answers import Answer, Changed, Outcome, decode_outcome, encode_outcome
from bursar.ledger.commands import (
    Charge,
    CloseGroup,
    CloseWallet,
    Command,
    EndDueCycle,
    ExpireHold,
    ExtendHold,
    MoveWallet,
    OpenGroup,
    OpenHold,
    OpenWallet,
    ResetCycle,
    Reverse,
    SetCadence,
    SetCycleCeiling,
    SetExpiredHolds,
    SetGroupMonthly,
    SetMemberMonthly,
    SetPerCycle,
    SetSpendsPool,
    SettleHold,
    SetTotal,
    SetWalletStatus,
    ShareGroup,
    Transfer,
    VoidHold,
    WriteAlong,
    check_key,
    fingerprint,
    stored_key,
)
from bursar.ledger.core import budgets, cycles, holds, people, transfers
from bursar.ledger.core.books import Books
from bursar.ledger.core.rows import Remembered

REFUSALS_REMEMBERED = timedelta(hours=24)
"""How long a refusal is given again to its key. Afterwards the key is free, because the world has changed."""


def _write_along(books: Books, command: WriteAlong) -> Changed:
    """Nothing but a batch of the tenant's, which gives what comes along its place in the order.

    Rule: COMMAND-8
    """
    del command
    books.is_control_marked = True
    return Changed("along", 0, books.now)


HANDLERS: dict[type[Command], Callable[[Books, Any], Answer | Outcome]] = {
    Transfer: transfers.transfer,
    Reverse: transfers.reverse,
    SetTotal: transfers.set_total,
    OpenHold: holds.open_hold,
    Charge: holds.charge,
    SettleHold: holds.settle,
    VoidHold: holds.void,
    ExtendHold: holds.extend,
    ExpireHold: holds.expire,
    ResetCycle: cycles.reset,
    SetCadence: cycles.set_cadence,
    EndDueCycle: cycles.end_due,
    WriteAlong: _write_along,
    SetPerCycle: budgets.set_per_cycle,
    SetCycleCeiling: budgets.set_ceiling,
    SetGroupMonthly: budgets.set_group_monthly,
    SetMemberMonthly: budgets.set_member_monthly,
    SetExpiredHolds: holds.set_policy,
    OpenGroup: people.open_group,
    CloseGroup: people.close_group,
    ShareGroup: people.share_group,
    OpenWallet: people.open_wallet,
    SetWalletStatus: people.set_status,
    SetSpendsPool: people.set_spends_pool,
    MoveWallet: people.move_wallet,
    CloseWallet: people.close_wallet,
}


def decide(books: Books, commands: Sequence[Command]) -> list[Outcome]:
    """The outcome of each command, in order, leaving in `books` what is to be written.

    A cycle whose time has come ends first. Deterministic: the same rows, commands and time give the same journal,
    however the commands are cut into batches.

    Rule: COMMAND-3
    """
    cycles.end_if_due(books)
    outcomes = [_decide_one(books, command) for command in commands]
    books.check_sum()
    return outcomes


def _decide_one(books: Books, command: Command) -> Outcome:
    """The outcome of one command: that of its key if it has been used before, else a new one, which is remembered.

    Rule: COMMAND-1, COMMAND-5
    """
    key = command.key
    if key is None:
        return _apply(books, command)
    try:
        check_key(key)
    except Refusal as refusal:
        return Outcome(None, refusal)
    print_ = fingerprint(command)
    kept_as = stored_key(command, key)
    earlier = books.commands.get(kept_as)
    if earlier is not None and (earlier.forget_at is None or earlier.forget_at > books.now):
        if earlier.fingerprint != print_:
            return Outcome(None, Refusal("key_reused", "This key was used for a different command.", field="key"))
        return decode_outcome(earlier.outcome)
    outcome = _apply(books, command)
    # Remembered even if a hold's own row has recognised a repeat: the key is used now, and stands for this command.
    forget_at = None if outcome.refusal is None else books.now + REFUSALS_REMEMBERED
    remembered = Remembered(kept_as, print_, encode_outcome(outcome), books.batch_number, books.now, forget_at)
    books.commands[kept_as] = books.remembered[kept_as] = remembered
    return outcome


def _apply(books: Books, command: Command) -> Outcome:
    """Have the command's handler decide it. A refusal that moved something is a fault of ours.

    Rule: COMMAND-6
    """
    lines_before = len(books.lines)
    try:
        answer = HANDLERS[type(command)](books, command)
    except Refusal as refusal:
        if len(books.lines) != lines_before:
            raise Broken("a refused command moved credits", command=command, refusal=refusal) from refusal
        return Outcome(None, refusal)
    if isinstance(answer, Outcome):
        return answer
    return Outcome(answer, None)
