"""Examples that the comparison with the model brought up, each told by hand."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.domain.refusals import Refusal
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
