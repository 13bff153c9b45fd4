"""Sums that come out: of what calls keep, of the running cycle's pot, and of what was adjusted for good."""

from __future__ import annotations

import pytest

from bursar.domain.credits import decimal_text
from bursar.ledger import CloseWallet, ExpireHold, OpenHold, SetExpiredHolds, SetPerCycle, SettleHold
from tests.support.books import ACTOR, TestBooks, amount, identity


@pytest.mark.rule("HOLD-2")
def test_a_tenant_admin_cannot_hold_what_another_call_keeps_of_the_pool() -> None:
    books = TestBooks()
    books.fund_pool("10")
    first, second = books.open_member(spends_pool=True), books.open_member(spends_pool=True)
    books.hold(first, "7")

    too_much = OpenHold(actor_id=ACTOR, hold_id=identity(), member_id=second, amount=amount("3.01"), seconds=60)
    refusal = books.refused(too_much)
    books.hold(second, "3")

    assert refusal.code == "insufficient_quota"
    assert (refusal.facts["available"], refusal.facts["held"]) == ("3.00", "7.00")


@pytest.mark.rule("SPEND-4")
def test_what_a_call_costs_above_its_hold_comes_out_of_the_group_rather_than_out_of_another_call() -> None:
    books = TestBooks()
    group = books.open_group(is_shared=True, balance="10")
    member = books.open_member(group_id=group, balance="10")
    long_call, short_call = books.hold(member, "8"), books.hold(member, "2")

    books.settle(short_call, "5")

    assert (books.balance(member), books.group_balance(group)) == ("8.00", "7.00")
    books.settle(long_call, "8")
    assert (books.balance(member), books.group_balance(group)) == ("0.00", "7.00")


def test_the_pot_is_what_was_issued_for_the_cycle_less_what_calls_used_of_it() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="50")
    member = books.open_member(monthly="20", balance="5")
    books.do(SetExpiredHolds(actor_id=ACTOR, is_charged=True))

    books.settle(books.hold(member, "12"), "7")
    check_pot(books, issued="100.00", used="7.00")

    books.do(SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=amount("80")))
    check_pot(books, issued="80.00", used="7.00")

    forgotten = books.hold(member, "10", seconds=60)
    books.pass_time(seconds=61)
    books.do(ExpireHold(actor_id=None, hold_id=forgotten))
    check_pot(books, issued="80.00", used="17.00")

    books.do(SettleHold(actor_id=ACTOR, hold_id=forgotten, cost=amount("4")))
    check_pot(books, issued="80.00", used="11.00")

    books.pass_time(days=31)
    books.settle(books.hold(member, "24"), "24")
    check_pot(books, issued="80.00", used="20.00")


@pytest.mark.rule("SPEND-6")
def test_what_the_pool_lacks_for_the_debts_of_deleted_members_adds_up() -> None:
    books = TestBooks()
    members = [books.open_member(balance="5"), books.open_member(balance="5")]
    calls = [books.hold(member, "5") for member in members]
    for member in members:
        books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member))

    # Their last calls end when they are gone, each in a batch of nothing but calls.
    for call, cost in zip(calls, ("8", "9"), strict=True):
        books.settle(call, cost)

    adjusted = [line for line in books.journal if line.kind == "debt_adjustment"]
    assert [decimal_text(line.source_after_micro) for line in adjusted] == ["-3.00", "-7.00"]
    assert (books.pool, books.balance(members[0]), books.balance(members[1])) == ("0.00", "0.00", "0.00")


def check_pot(books: TestBooks, *, issued: str, used: str) -> None:
    """Assert what was issued for the running cycle and used of it, and that the pot is the difference."""
    control = books.control
    assert control.epoch_issued_micro == amount(issued).micro
    assert control.epoch_pot_used_micro == amount(used).micro
    assert control.pot_micro == control.epoch_issued_micro - control.epoch_pot_used_micro
