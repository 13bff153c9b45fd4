"""docs/rules/transfers.md, what it says of reversals, example by example."""

from __future__ import annotations

import pytest

from bursar.domain.refusals import Refusal
from bursar.ledger import OpenGroup, SetWalletStatus, Transferred
from tests.support.asking import posted, reverse, shortage, transfer
from tests.support.books import ACTOR, TestBooks, identity


@pytest.mark.rule("TRANSFER-6")
@pytest.mark.parametrize("kind", ["allocation", "reclaim", "group_allocation", "group_reclaim"])
def test_an_allocation_or_reclaim_is_reversed_once_by_its_exact_opposite(kind: str) -> None:
    books = TestBooks()
    books.fund_pool("20")
    group_id = books.open_group(balance="10")
    member_id = books.open_member(group_id=group_id, balance="10")
    before = (books.pool, books.balance(member_id), books.group_balance(group_id))
    is_group = kind.startswith("group")
    original = posted(
        books,
        transfer(kind, "3", member_id=None if is_group else member_id, group_id=group_id if is_group else None),
    )

    answer = books.do(reverse(original, "Wrong one."))

    assert (books.pool, books.balance(member_id), books.group_balance(group_id)) == before
    line = books.journal[-1]
    assert (line.kind, line.reverses_id, line.amount_micro, line.note) == (
        f"{kind}_reversal", original, 3_000_000, "Wrong one.",
    )  # fmt: skip
    assert books.refused(reverse(original)) == Refusal(
        "already_reversed", "This transfer has been reversed already.", field="reverses_id"
    )
    assert isinstance(answer, Transferred)
    assert books.refused(reverse(answer.transfer_id)).code == "not_reversible"


@pytest.mark.rule("TRANSFER-6")
@pytest.mark.parametrize("kind", ["grant", "purchase", "group_hand_out", "signup_credits"])
def test_nothing_else_can_be_reversed(kind: str) -> None:
    books = TestBooks()
    books.fund_pool("20")
    group_id = books.open_group(balance="10")
    member_id = books.open_member(group_id=group_id)
    original = posted(books, transfer(kind, "1", member_id=member_id))

    assert books.refused(reverse(original)) == Refusal(
        "not_reversible", "Only an allocation or a reclaim can be reversed.", field="reverses_id"
    )
    assert books.refused(reverse(identity())) == Refusal(
        "transfer_unknown", "There is no such transfer.", field="reverses_id"
    )


@pytest.mark.rule("TRANSFER-6")
def test_an_allocation_that_was_spent_cannot_be_reversed_until_the_funds_are_back() -> None:
    books = TestBooks()
    books.fund_pool("20")
    member_id = books.open_member()
    original = posted(books, transfer("allocation", "5", member_id=member_id))
    books.settle(books.hold(member_id, "2"), "2")

    refusal = books.refused(reverse(original))
    assert refusal == shortage(
        "insufficient_balance", "Insufficient user balance: 3.00 available, 5.00 asked.", "member", member_id,
        field="reverses_id", limit="3.00", available="3.00", held="0.00", asked="5.00", resets_at=None,
    )  # fmt: skip
    books.do(transfer("allocation", "2", member_id=member_id))
    books.do(reverse(original))

    assert (books.pool, books.balance(member_id)) == ("18.00", "0.00")


@pytest.mark.rule("TRANSFER-6", "TRANSFER-5")
def test_a_reclaim_from_a_member_disabled_since_cannot_be_reversed() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    original = posted(books, transfer("reclaim", "5", member_id=member_id))
    books.do(SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False))

    assert books.refused(reverse(original)).code == "member_disabled"


@pytest.mark.rule("TRANSFER-6", "COMMAND-3")
def test_an_allocation_and_its_reversal_may_come_in_one_batch() -> None:
    books = TestBooks()
    books.fund_pool("5")
    member_id = books.open_member()
    allocation = transfer("allocation", "5", member_id=member_id)
    opening = OpenGroup(actor_id=ACTOR, group_id=identity())

    outcomes = books.post(opening, allocation, reverse(allocation.transfer_id), reverse(allocation.transfer_id))

    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [None, None, None, "already_reversed"]
    assert (books.pool, books.balance(member_id)) == ("5.00", "0.00")


@pytest.mark.rule("TRANSFER-6", "REFUSAL-3")
def test_a_reversal_is_checked_in_its_fixed_order() -> None:
    books = TestBooks()
    books.fund_pool("5")
    member_id = books.open_member()
    grant = posted(books, transfer("grant", "1"))
    allocation = posted(books, transfer("allocation", "1", member_id=member_id))
    books.settle(books.hold(member_id, "1"), "1")
    long_note = "n" * 201

    assert books.refused(reverse(identity(), long_note)).code == "transfer_unknown"
    assert books.refused(reverse(grant, long_note)).code == "not_reversible"
    assert books.refused(reverse(allocation, long_note)).code == "note_too_long"
    assert books.refused(reverse(allocation)).code == "insufficient_balance"
    books.do(transfer("allocation", "1", member_id=member_id))
    books.do(reverse(allocation))
    assert books.refused(reverse(allocation, long_note)).code == "already_reversed"
