"""Examples that the comparison with the model brought up, each told by hand."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.ledger import CloseGroup, CloseWallet, ExpireHold, MoveWallet, OpenHold, SetGroupMonthly, Transfer
from tests.support.books import ACTOR, TestBooks, amount, identity


def delete(books: TestBooks, member_id: UUID) -> None:
    books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id))


@pytest.mark.rule("BUDGET-4")
def test_a_group_is_never_promised_more_than_every_later_cycle_has() -> None:
    books = TestBooks()
    books.budget(per_cycle="100")
    giving, closing = books.open_group(monthly="60"), books.open_group(monthly="40")
    member = books.open_member(group_id=giving)
    books.do(
        Transfer(
            actor_id=ACTOR, transfer_id=identity(), kind="cycle_top_up", amount=amount("25"), member_id=member
        )
    )  # fmt: skip
    books.do(MoveWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member, group_id=closing))
    delete(books, member)
    books.do(CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=closing))
    assert books.plan == "65.00"  # 40 of every cycle, and the 25 of this one that the member had brought along

    too_much = SetGroupMonthly(actor_id=ACTOR, transfer_id=identity(), group_id=giving, monthly=amount("101"))
    refusal = books.refused(too_much)
    books.set_group_monthly(giving, "100")

    assert refusal.code == "insufficient_plan"
    assert (refusal.facts["available"], refusal.facts["asked"]) == ("40.00", "41.00")
    books.pass_time(days=31)
    books.open_member()
    assert books.plan == "0.00"


@pytest.mark.rule("COMMAND-2")
def test_a_key_stands_for_its_command_even_if_the_hold_itself_knew_the_answer() -> None:
    books = TestBooks()
    member = books.open_member(balance="10")
    hold = books.hold(member, "1")
    books.settle(hold, "1")
    sweeping = ExpireHold(actor_id=ACTOR, hold_id=hold, key="sweep")
    first = books.do(sweeping)

    other = OpenHold(
        actor_id=ACTOR, key="sweep", hold_id=identity(), member_id=member, amount=amount("1"), seconds=60
    )  # fmt: skip
    refusal = books.refused(other)
    books.pass_time(days=2)

    assert refusal.code == "key_reused"
    assert books.do(sweeping) == first


@pytest.mark.rule("TRANSFER-8")
def test_credits_for_a_group_go_to_the_group_that_is_named_and_to_no_members_group() -> None:
    books = TestBooks()
    group = books.open_group()
    member = books.open_member(group_id=group)
    books.fund_pool("10")
    delete(books, member)
    books.do(CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=group))

    for kind in ("group_allocation", "group_reclaim"):
        unnamed = Transfer(
            actor_id=ACTOR, transfer_id=identity(), kind=kind, amount=amount("5"), member_id=member
        )  # fmt: skip
        refusal = books.refused(unnamed)
        assert (refusal.code, refusal.field) == ("group_unknown", "group_id")
    assert books.group_balance(group) == "0.00"
