"""docs/rules/holds.md, example by example."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Command,
    HoldClosed,
    HoldExtended,
    SetExpiredHolds,
    SetWalletStatus,
    Transfer,
)
from tests.support.asking import expire, extend, open_hold, settle, void
from tests.support.books import ACTOR, TestBooks, amount, identity

ENDS = "2026-04-01T00:00:00+00:00"


def allocate(member_id: UUID, credits_text: str) -> Transfer:
    return Transfer(
        actor_id=ACTOR, transfer_id=identity(), kind="allocation", amount=amount(credits_text), member_id=member_id
    )


def disable(member_id: UUID) -> SetWalletStatus:
    return SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False)


def closed(books: TestBooks, command: Command) -> HoldClosed:
    answer = books.do(command)
    assert isinstance(answer, HoldClosed)
    return answer


def ended(books: TestBooks, member_id: UUID, state: str) -> UUID:
    """A hold of 5 that has come to this end, settled at 3."""
    hold_id = books.hold(member_id, "5")
    if state in ("expired", "settled_late"):
        books.pass_time(seconds=600)
        books.do(expire(hold_id))
    if state in ("settled", "settled_late"):
        books.do(settle(hold_id, "3"))
    if state == "voided":
        books.do(void(hold_id))
    assert books.hold_row(hold_id).state == state
    return hold_id


@pytest.mark.rule("HOLD-1")
@pytest.mark.parametrize(
    ("state", "verb", "code"),
    [
        ("settled", "settle the same", None),
        ("settled", "settle another", "hold_settled"),
        ("settled", "void", "hold_settled"),
        ("settled", "extend", "hold_settled"),
        ("settled", "expire", None),
        ("voided", "settle the same", "hold_voided"),
        ("voided", "void", None),
        ("voided", "extend", "hold_voided"),
        ("voided", "expire", None),
        ("expired", "void", "hold_expired"),
        ("expired", "extend", "hold_expired"),
        ("expired", "expire", None),
        ("settled_late", "settle the same", None),
        ("settled_late", "settle another", "hold_settled"),
        ("settled_late", "void", "hold_settled"),
        ("settled_late", "extend", "hold_settled"),
        ("settled_late", "expire", None),
    ],
)
def test_a_hold_ends_once(state: str, verb: str, code: str | None) -> None:
    books = TestBooks()
    member_id = books.open_member(balance="20")
    hold_id = ended(books, member_id, state)
    row, lines = books.hold_row(hold_id), len(books.journal)

    command = {
        "settle the same": settle(hold_id, "3"),
        "settle another": settle(hold_id, "4"),
        "void": void(hold_id),
        "extend": extend(hold_id, 60),
        "expire": expire(hold_id),
    }[verb]
    (outcome,) = books.post(command)

    if code is None:
        assert outcome.replayed
        assert outcome.answer == HoldClosed(
            hold_id, row.state, row.settled_micro or 0, row.overrun_micro or 0, row.closed_at or books.now
        )
    else:
        assert outcome.refusal is not None
        assert outcome.refusal.code == code
    assert (books.hold_row(hold_id), len(books.journal)) == (row, lines)


@pytest.mark.rule("HOLD-1")
@pytest.mark.parametrize(
    ("state", "verb", "detail", "field"),
    [
        ("settled", "settle", "The hold was settled with another cost.", "cost"),
        ("settled", "void", "The hold was settled and cannot be voided.", "hold_id"),
        ("settled", "extend", "The hold was settled and cannot be extended.", "hold_id"),
        ("voided", "settle", "The hold was voided and cannot be settled.", "hold_id"),
        ("voided", "extend", "The hold was voided and cannot be extended.", "hold_id"),
        ("expired", "void", "The hold has expired already.", "hold_id"),
        ("expired", "extend", "The hold has expired already.", "hold_id"),
    ],
)
def test_another_end_is_refused_in_so_many_words(state: str, verb: str, detail: str, field: str) -> None:
    books = TestBooks()
    hold_id = ended(books, books.open_member(balance="20"), state)
    command = {"settle": settle(hold_id, "4"), "void": void(hold_id), "extend": extend(hold_id, 60)}[verb]

    refusal = books.refused(command)

    assert (refusal.code, refusal.detail, refusal.field) == (f"hold_{state}", detail, field)


@pytest.mark.rule("HOLD-1")
def test_a_hold_that_nobody_opened_is_unknown() -> None:
    books = TestBooks()
    hold_id = identity()

    for command in (settle(hold_id, "1"), void(hold_id), extend(hold_id, 60), expire(hold_id)):
        assert books.refused(command) == Refusal("hold_unknown", "There is no such hold.", field="hold_id")


@pytest.mark.rule("HOLD-3")
@pytest.mark.parametrize(
    ("cost", "overrun", "balance"), [("0", 0, "20.00"), ("3", 0, "17.00"), ("5", 0, "15.00"), ("8", 3, "12.00")]
)
def test_settling_charges_the_true_cost_below_at_or_above_the_hold(cost: str, overrun: int, balance: str) -> None:
    books = TestBooks()
    member_id = books.open_member(balance="20")
    hold_id = books.hold(member_id, "5")

    answer = closed(books, settle(hold_id, cost))

    assert answer == HoldClosed(hold_id, "settled", amount(cost).micro, overrun * 1_000_000, books.now)
    assert (books.balance(member_id), books.wallet(member_id).balance_held_micro) == (balance, 0)
    assert books.wallet(member_id).consumed_micro == amount(cost).micro


@pytest.mark.rule("HOLD-4")
def test_voiding_gives_all_of_a_hold_back() -> None:
    books = TestBooks()
    books.budget(per_cycle="10", group="10")
    member_id = books.open_member(monthly="3", balance="5")
    hold_id = books.hold(member_id, "8")
    lines = len(books.journal)

    assert closed(books, void(hold_id)) == HoldClosed(hold_id, "voided", 0, 0, books.now)

    assert (books.allowance(member_id), books.balance(member_id), books.consumed(member_id)) == ("3.00", "5.00", "0.00")
    assert len(books.journal) == lines
    books.hold(member_id, "8")


@pytest.mark.rule("HOLD-5")
def test_a_deadline_is_moved_out_and_never_in() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    start = books.now
    hold_id = books.hold(member_id, "1", seconds=600)
    books.pass_time(seconds=300)

    sooner = books.do(extend(hold_id, 60))
    assert isinstance(sooner, HoldExtended)
    assert (sooner.expires_at - start).total_seconds() == 600

    later = books.do(extend(hold_id, 900))
    assert isinstance(later, HoldExtended)
    assert (later.expires_at - start).total_seconds() == 1200
    assert books.hold_row(hold_id).expires_at == later.expires_at


@pytest.mark.rule("HOLD-6")
def test_a_hold_is_expired_at_its_deadline_and_not_before() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    hold_id = books.hold(member_id, "5", seconds=600)

    books.pass_time(seconds=600, microseconds=-1)
    assert books.refused(expire(hold_id)) == Refusal(
        "hold_not_due", "The hold's deadline has not passed.", field="hold_id"
    )
    books.pass_time(microseconds=1)
    assert closed(books, expire(hold_id)) == HoldClosed(hold_id, "expired", 0, 0, books.now)

    assert (books.balance(member_id), books.wallet(member_id).balance_held_micro) == ("5.00", 0)


@pytest.mark.rule("HOLD-7")
@pytest.mark.parametrize(
    ("is_charged", "cost", "overrun", "balance"),
    [
        (False, "0", 0, "20.00"),
        (False, "4", 4, "16.00"),
        (False, "25", 25, "-5.00"),
        (True, "0", 0, "20.00"),
        (True, "4", 0, "16.00"),
        (True, "5", 0, "15.00"),
        (True, "7", 2, "13.00"),
    ],
)
def test_a_true_cost_that_arrives_late_is_recorded_once(
    is_charged: bool, cost: str, overrun: int, balance: str
) -> None:
    books = TestBooks()
    books.do(SetExpiredHolds(actor_id=ACTOR, is_charged=is_charged))
    member_id = books.open_member(balance="20")
    hold_id = books.hold(member_id, "5")
    books.pass_time(seconds=600)
    books.do(expire(hold_id))

    answer = closed(books, settle(hold_id, cost))

    assert answer == HoldClosed(hold_id, "settled_late", amount(cost).micro, overrun * 1_000_000, books.now)
    assert books.balance(member_id) == balance
    assert books.wallet(member_id).consumed_micro == books.wallet(member_id).used_micro == amount(cost).micro
    assert books.post(settle(hold_id, cost))[0].replayed
    assert books.refused(settle(hold_id, "19")).code == "hold_settled"


@pytest.mark.rule("HOLD-10", "HOLD-6")
def test_an_expired_hold_is_voided_or_charged_by_the_policy_at_that_moment() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="20")
    first, second = books.hold(member_id, "5"), books.hold(member_id, "4")
    books.pass_time(seconds=600)

    assert closed(books, expire(first)).charged_micro == 0
    books.do(SetExpiredHolds(actor_id=ACTOR, is_charged=True))
    assert closed(books, expire(second)) == HoldClosed(second, "expired", 4_000_000, 0, books.now)
    assert (books.balance(member_id), books.consumed(member_id)) == ("16.00", "4.00")

    books.do(SetExpiredHolds(actor_id=ACTOR, is_charged=False))
    third = books.hold(member_id, "1")
    books.pass_time(seconds=600)
    assert closed(books, expire(third)).charged_micro == 0


@pytest.mark.rule("REFUSAL-3")
def test_holds_are_checked_in_their_fixed_order() -> None:
    books = TestBooks()
    disabled, member_id = books.open_member(), books.open_member()
    books.do(disable(disabled))

    # Each line mends what the line before was refused for; everything below it is still wrong.
    codes = [
        books.refused(command).code
        for command in (
            open_hold(identity(), "-1", seconds=0),
            open_hold(disabled, "-1", seconds=0),
            open_hold(disabled, "1", seconds=0),
            open_hold(disabled, "1"),
            open_hold(member_id, "1"),
            settle(identity(), "-1"),
            settle(ended(books, books.open_member(balance="5"), "voided"), "-1"),
            extend(identity(), 0),
            extend(ended(books, books.open_member(balance="5"), "voided"), 0),
        )
    ]

    assert codes == [
        "member_unknown", "amount_too_small", "deadline_out_of_bounds", "member_disabled", "insufficient_quota",
        "hold_unknown", "amount_too_small", "hold_unknown", "deadline_out_of_bounds",
    ]  # fmt: skip
