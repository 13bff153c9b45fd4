"""What must hold of every history, however it is cut, delayed or repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.domain.credits import Credits
from bursar.ledger import (
    Command,
    EndDueCycle,
    ExpireHold,
    OpenHold,
    SetExpiredHolds,
    SetGroupMonthly,
    SetMemberMonthly,
    SettleHold,
)
from bursar.ledger.core.rows import Line
from tests.ledger.model.calendar import next_boundary
from tests.ledger.model.comparison import is_untouched, ledger_balances
from tests.ledger.model.history import HISTORIES, History
from tests.ledger.model.intents import ADMIN
from tests.ledger.model.invariants import Audit, check_rows
from tests.ledger.model.store import Store
from tests.support.books import ACTOR, TestBooks, amount, identity

many = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@pytest.mark.rule("COMMAND-3")
@many
@given(history=HISTORIES, cuts=st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_however_a_sequence_is_cut_into_batches_the_journal_and_the_rows_are_the_same(
    history: History, cuts: list[int]
) -> None:
    whole = _posted(history, lambda _: 1_000)

    for cut in (lambda _: 1, lambda number: cuts[number % len(cuts)]):
        pieces = _posted(history, cut)
        assert pieces[1] == whole[1]
        assert [_without_place(line) for line in pieces[0].lines_after(0)] == [
            _without_place(line) for line in whole[0].lines_after(0)
        ]
        assert _without_journal(pieces[0]) == _without_journal(whole[0])


@pytest.mark.rule("CYCLE-5")
@settings(many, max_examples=150)
@given(history=HISTORIES)
def test_rows_that_roll_over_when_touched_show_what_rows_rolled_over_at_once_show(history: History) -> None:
    lazy, eager = history.new_store(), history.new_store()
    audit = Audit()
    audit.read_on(eager)

    for now, commands in history.moments:
        for moment in [*_boundaries(eager, now), now]:
            eager.post(moment, EndDueCycle(actor_id=None))
            audit.read_on(eager)
            eager.post(moment, *_touching_everything(eager))
            audit.read_on(eager)
        eager_outcomes = eager.post(now, *commands)
        audit.read_on(eager)
        check_rows(eager)
        outcomes = lazy.post(now, *commands)

        assert outcomes == eager_outcomes
        assert _visible(lazy) == _visible(eager)


@pytest.mark.rule("COMMAND-1")
@many
@given(history=HISTORIES, data=st.data())
def test_commands_repeated_in_any_order_get_their_first_answers_and_move_nothing(
    history: History, data: st.DataObject
) -> None:
    store = history.new_store()
    answered: list[tuple[Command, object]] = []
    for now, commands in history.moments:
        keyed = [msgspec.structs.replace(command, key=f"{now} {number}") for number, command in enumerate(commands)]
        for command, outcome in zip(keyed, store.post(now, *keyed), strict=True):
            if outcome.refusal is None:
                answered.append((command, outcome.answer))
    before = store.unkeyed_rows()

    shuffled = data.draw(st.permutations(answered)) if answered else []
    again = store.post(now, *(command for command, _ in shuffled))

    assert [(outcome.answer, outcome.replayed) for outcome in again] == [(answer, True) for _, answer in shuffled]
    assert store.unkeyed_rows() == before


@pytest.mark.rule("HOLD-7")
@pytest.mark.parametrize("is_charged", [True, False])
@pytest.mark.parametrize("boundaries_before_expiry", [0, 1, 2])
@pytest.mark.parametrize("boundaries_before_settlement", [0, 1, 2])
@pytest.mark.parametrize("cost", [0, 1, 11, 12, 13, 26, 40])
def test_a_late_settlement_charges_the_true_cost_whatever_was_charged_at_expiry_and_whichever_cycle_it_is(
    is_charged: bool, boundaries_before_expiry: int, boundaries_before_settlement: int, cost: int
) -> None:
    books = TestBooks(cadence="1_hour")
    books.budget(per_cycle="10", group="10")
    member = books.open_member(monthly="10", balance="5")
    books.do(SetExpiredHolds(actor_id=ACTOR, is_charged=is_charged))
    hold = books.hold(member, "12", seconds=60)  # 10 of the allowance, 2 of the balance

    books.pass_time(hours=boundaries_before_expiry, minutes=2)
    books.do(ExpireHold(actor_id=None, hold_id=hold))
    books.pass_time(hours=boundaries_before_settlement)
    books.settle(hold, str(cost))

    is_same_cycle = boundaries_before_expiry + boundaries_before_settlement == 0
    charged = 12 if is_charged else 0
    allowance = 10 if not is_same_cycle else 10 - min(charged, 10)
    balance = 5 - (2 if is_charged else 0)
    refund, missing = max(charged - cost, 0), max(cost - charged, 0)
    allowance += max(refund - 2, 0) if is_same_cycle else 0
    from_allowance = min(missing, allowance)
    assert books.consumed(member) == f"{cost}.00"
    assert books.allowance(member) == f"{allowance - from_allowance}.00"
    assert books.balance(member) == f"{balance + min(refund, 2) - (missing - from_allowance)}.00"
    again = books.post(SettleHold(actor_id=ACTOR, hold_id=hold, cost=amount(str(cost))))
    assert again[0].replayed
    assert books.refused(SettleHold(actor_id=ACTOR, hold_id=hold, cost=amount(str(cost + 1)))).code == "hold_settled"


@pytest.mark.rule("HOLD-2")
@many
@given(
    allowance=st.integers(0, 20), balance=st.integers(0, 20), asked=st.lists(st.integers(0, 12), min_size=1, max_size=8)
)
def test_no_holds_together_keep_more_than_there_is(allowance: int, balance: int, asked: list[int]) -> None:
    books = TestBooks()
    books.budget(per_cycle="20", group="20")
    member = books.open_member(monthly=str(allowance), balance=str(balance) if balance else None)

    outcomes = books.post(
        *(
            OpenHold(
                actor_id=ACTOR, hold_id=identity(), member_id=member, amount=Credits(wanted * 1_000_000), seconds=60
            )
            for wanted in asked
        )
    )  # fmt: skip

    left = allowance + balance
    for wanted, outcome in zip(asked, outcomes, strict=True):
        is_admitted = left > 0 and left >= wanted
        assert (outcome.refusal is None) == is_admitted
        left -= wanted if is_admitted else 0
    assert left >= 0


def _posted(history: History, batch_size: Callable[[int], int]) -> tuple[Store, list[object]]:
    """The history posted in batches; the answer or refusal to each command."""
    store, outcomes, number = history.new_store(), list[object](), 0
    for now, commands in history.moments:
        rest = list(commands)
        while rest:
            size = batch_size(number)
            batch, rest, number = rest[:size], rest[size:], number + 1
            outcomes += store.post(now, *batch)
    return store, outcomes


def _without_place(line: Line) -> Line:
    return line._replace(batch_number=0, line=0)


def _without_journal(store: Store) -> dict[str, Any]:
    return {name: rows for name, rows in store.unkeyed_rows().items() if name != "ledger_journal"}


def _boundaries(store: Store, until: datetime) -> list[datetime]:
    control, found = store.control, list[datetime]()
    ends_at = control.epoch_ends_at
    while ends_at <= until:
        found.append(ends_at)
        ends_at = next_boundary(ends_at, control.cadence, control.time_zone)
    return found


def _touching_everything(store: Store) -> list[Command]:
    """Commands that change nothing, but name every group and member that can still be named."""

    def fresh() -> UUID:
        return UUID(int=0)

    touching: list[Command] = [
        SetGroupMonthly(
            actor_id=ADMIN, transfer_id=fresh(), group_id=group.group_id, monthly=Credits(group.monthly_micro)
        )
        for group in store.groups
        if not group.is_closed
    ]
    touching += [
        SetMemberMonthly(
            actor_id=ADMIN, transfer_id=fresh(), member_id=wallet.member_id, monthly=Credits(wallet.monthly_micro)
        )
        for wallet in store.wallets
        if wallet.status != "deleted"
    ]
    return touching


def _visible(store: Store) -> object:
    control = store.control
    return (
        ledger_balances(store),
        (control.issued_micro, control.expired_micro, control.consumed_micro, control.pot_micro),
        (control.epoch, control.epoch_started_at, control.epoch_ends_at),
        (control.epoch_issued_micro, control.epoch_used_micro, control.epoch_pot_used_micro),
        {row.member_id: 0 if is_untouched(row, control) else row.used_micro for row in store.wallets},
        {row.group_id: 0 if is_untouched(row, control) else row.shared_used_micro for row in store.groups},
        store.holds,
    )
