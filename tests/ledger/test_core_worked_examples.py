"""The examples that explain spending and the columns of the two tables, figure by figure."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bursar.domain.credits import MICRO_PER_CREDIT
from bursar.ledger import OpenHold, Transfer
from tests.support.books import ACTOR, TestBooks, amount, identity


@pytest.mark.rule("SPEND-3")
def test_twelve_left_and_a_call_of_seventeen_leave_minus_five_and_the_next_call_is_refused() -> None:
    books = TestBooks()
    member = books.open_member(balance="12")
    hold = books.hold(member, "12")

    books.settle(hold, "17")

    assert books.balance(member) == "-5.00"
    next_call = OpenHold(
        actor_id=ACTOR, hold_id=identity(), member_id=member, amount=amount("0.01"), seconds=60
    )  # fmt: skip
    refusal = books.refused(next_call)
    assert (refusal.code, refusal.facts["available"]) == ("insufficient_quota", "-5.00")
    books.fund_pool("6")
    books.do(
        Transfer(actor_id=ACTOR, transfer_id=identity(), kind="allocation", amount=amount("6"), member_id=member)
    )  # fmt: skip
    books.hold(member, "1")


@pytest.mark.rule("SPEND-1")
def test_allowance_ten_and_balance_five_through_two_calls_leave_minus_two() -> None:
    books = TestBooks()
    books.budget(per_cycle="10", group="10")
    member = books.open_member(monthly="10", balance="5")

    first = books.hold(member, "12")
    row = books.hold_row(first)
    books.settle(first, "8")

    assert (row.allowance_micro, row.balance_micro) == (10_000_000, 2_000_000)
    assert (books.allowance(member), books.balance(member)) == ("2.00", "5.00")

    second = books.hold(member, "7")
    books.settle(second, "9")

    assert (books.allowance(member), books.balance(member)) == ("0.00", "-2.00")
    assert books.consumed(member) == "17.00"


def whole(credits_text: str) -> int:
    """The whole credits of an amount that has no fraction."""
    credits_whole, fraction = credits_text.split(".")
    assert fraction == "00"
    return int(credits_whole)


class Table:
    """The figures of the two tables, reckoned from the books as their columns are defined."""

    def __init__(self, books: TestBooks, group: UUID, members: list[UUID]) -> None:
        self.books, self.group, self.members = books, group, members

    @property
    def available(self) -> int:
        return whole(self.books.group_allowance(self.group)) + whole(self.books.group_balance(self.group))

    def monthly(self, member: UUID) -> int:
        return self.books.wallet(member).monthly_micro // MICRO_PER_CREDIT

    def remaining(self, member: UUID) -> int:
        return whole(self.books.allowance(member)) + whole(self.books.balance(member))

    def used(self, member: UUID) -> int:
        return whole(self.books.used(member))

    def extra(self, member: UUID) -> int:
        return self.remaining(member) + self.used(member) - self.monthly(member)

    @property
    def distributed(self) -> int:
        return sum(self.monthly(member) + self.extra(member) for member in self.members)

    @property
    def group_extra(self) -> int:
        row = self.books.group(self.group)
        shared_use = row.shared_used_micro // MICRO_PER_CREDIT if row.epoch == self.books.control.epoch else 0
        return self.available + self.distributed + shared_use - row.monthly_micro // MICRO_PER_CREDIT


@pytest.mark.rule("CYCLE-5")
def test_the_columns_of_a_group_and_its_members_through_a_top_up_a_call_and_a_rollover() -> None:
    books = TestBooks(now=datetime(2026, 3, 10, tzinfo=UTC))
    books.budget(per_cycle="1000")
    group = books.open_group(monthly="1000", balance="200")
    a = books.open_member(group_id=group, monthly="300")
    b = books.open_member(group_id=group, monthly="200")
    table = Table(books, group, [a, b])
    assert (table.distributed, table.available, table.group_extra) == (500, 700, 200)
    assert (books.group_allowance(group), books.group_balance(group)) == ("500.00", "200.00")

    # A's request for 60 is granted, out of the group's allowance first.
    books.do(Transfer(actor_id=ACTOR, transfer_id=identity(), kind="cycle_top_up", amount=amount("60"), member_id=a))
    assert (table.available, table.distributed, table.extra(a)) == (640, 560, 60)
    assert books.group_allowance(group) == "440.00"

    books.settle(books.hold(a, "330"), "330")
    assert (table.used(a), table.remaining(a)) == (330, 30)

    # The cycle rolls over: A has 300 again; the 30, the group's 440 and B's 200 expire; the group's balance stays.
    books.pass_time(days=22)
    books.fund_pool("1")
    assert (table.remaining(a), table.used(a), table.extra(a)) == (300, 0, 0)
    assert books.expired == "670.00"
    assert (books.group_allowance(group), books.group_balance(group)) == ("500.00", "200.00")
    assert (table.distributed, table.available, table.group_extra) == (500, 700, 200)
