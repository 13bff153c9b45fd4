"""docs/rules/holds.md, what it says of charging at once and of what is free, example by example."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bursar.domain.refusals import Broken, Refusal
from bursar.ledger import HoldClosed, SetWalletStatus
from tests.support.asking import charge, expire, open_hold, settle, void
from tests.support.books import ACTOR, TestBooks, amount, identity


@pytest.mark.rule("HOLD-14")
def test_a_charge_is_settled_as_it_is_opened_and_keeps_nothing() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="40")
    member_id = books.open_member(monthly="10", balance="5")

    command = charge(member_id, "12")
    assert books.do(command) == HoldClosed(command.hold_id, "settled", 12_000_000, 0, books.now)

    wallet = books.wallet(member_id)
    assert (wallet.allowance_micro, wallet.balance_micro) == (0, 3_000_000)
    assert (wallet.allowance_held_micro, wallet.balance_held_micro) == (0, 0)
    assert books.consumed(member_id) == "12.00"
    assert books.refused(void(command.hold_id)).code == "hold_settled"
    books.pass_time(seconds=3600)
    assert books.post(expire(command.hold_id))[0].replayed


@pytest.mark.rule("HOLD-14", "HOLD-2")
def test_a_charge_is_covered_whole_or_refused_and_never_makes_a_debt() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    books.hold(member_id, "2")

    assert books.refused(charge(member_id, "3.01")).code == "insufficient_quota"
    books.do(charge(member_id, "3"))
    assert books.refused(charge(member_id, "0")).code == "insufficient_quota"

    assert books.consumed(member_id) == "3.00"


@pytest.mark.rule("HOLD-14", "HOLD-11")
def test_the_same_charge_again_gets_the_first_answer_and_another_under_its_id_is_refused() -> None:
    books = TestBooks()
    member_id, other_id = books.open_member(balance="5"), books.open_member(balance="5")
    command = charge(member_id, "2")
    first = books.do(command)
    books.pass_time(seconds=5)

    (again,) = books.post(command)
    assert (again.answer, again.replayed) == (first, True)
    for another in (
        replace(command, amount=amount("3")),
        replace(command, member_id=other_id),
        replace(command, actor_id=identity()),
        charge(other_id, "2", hold_id=books.hold(other_id, "2")),
    ):
        assert books.refused(another).code == "key_reused"
    assert books.refused(open_hold(member_id, "2", hold_id=command.hold_id)).code == "key_reused"
    assert books.consumed(member_id) == "2.00"


@pytest.mark.rule("HOLD-14", "HOLD-9")
def test_who_is_disabled_is_charged_nothing() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    books.do(SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False))

    refusal = Refusal("member_disabled", "A disabled member cannot spend.", field="member_id")
    assert books.refused(charge(member_id, "1")) == refusal
    assert books.refused(charge(member_id, "0", is_free=True)) == refusal


@pytest.mark.rule("HOLD-13")
def test_what_is_free_is_held_and_charged_for_who_has_nothing() -> None:
    books = TestBooks()
    nothing, in_debt = books.open_member(), books.open_member(balance="12")
    books.settle(books.hold(in_debt, "12"), "17")

    for member_id in (nothing, in_debt):
        before = books.consumed(member_id)
        command = replace(open_hold(member_id, "0"), is_free=True)
        books.do(command)
        books.do(settle(command.hold_id, "0"))
        books.do(charge(member_id, "0", is_free=True))
        assert books.consumed(member_id) == before


@pytest.mark.rule("HOLD-13")
def test_nothing_that_is_kept_is_free() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")

    with pytest.raises(Broken, match="what is free keeps nothing"):
        books.post(charge(member_id, "1", is_free=True))
