"""docs/rules/holds.md, what it says of opening one, example by example."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    HOLD_SECONDS_MAX,
    CloseWallet,
    Held,
    SetWalletStatus,
    ShareGroup,
    Transfer,
)
from tests.support.asking import extend, open_hold
from tests.support.books import ACTOR, TestBooks, amount, identity

ENDS = "2026-04-01T00:00:00+00:00"


def allocate(member_id: UUID, credits_text: str) -> Transfer:
    return Transfer(
        actor_id=ACTOR, transfer_id=identity(), kind="allocation", amount=amount(credits_text), member_id=member_id
    )


def disable(member_id: UUID) -> SetWalletStatus:
    return SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False)


@pytest.mark.rule("HOLD-2", "REFUSAL-2")
def test_a_hold_is_covered_whole_or_refused() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="40")
    member_id = books.open_member(monthly="10", balance="5")
    books.hold(member_id, "12")

    assert books.refused(open_hold(member_id, "3.01")) == Refusal(
        "insufficient_quota", "Not enough credits: 3.00 left, 3.01 needed for this call.", field="amount",
        scope="member", id=public_id("member", member_id), member_id=public_id("member", member_id),
        limit="15.00", available="3.00", held="12.00", asked="3.01", resets_at=ENDS,
    )  # fmt: skip
    command = open_hold(member_id, "3")
    answer = books.do(command)

    assert answer == Held(command.hold_id, 3_000_000, 0, 3_000_000, 0, 0, 0, books.now)
    wallet = books.wallet(member_id)
    assert (wallet.allowance_held_micro, wallet.balance_held_micro) == (10_000_000, 5_000_000)


@pytest.mark.rule("HOLD-2", "REFUSAL-2")
def test_a_hold_in_a_shared_group_is_bounded_by_the_group() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="40")
    books.do(ShareGroup(actor_id=ACTOR, group_id=books.default_group_id, is_shared=True))
    member_id = books.open_member(monthly="10", balance="5")
    books.hold(member_id, "20")

    assert books.refused(open_hold(member_id, "25.01")) == Refusal(
        "insufficient_quota", "Not enough credits: 25.00 left, 25.01 needed for this call.", field="amount",
        scope="group", id=public_id("group", books.default_group_id), member_id=public_id("member", member_id),
        limit="45.00", available="25.00", held="20.00", asked="25.01", resets_at=ENDS,
    )  # fmt: skip
    books.hold(member_id, "25")


@pytest.mark.rule("HOLD-2", "REFUSAL-2", "SPEND-7")
def test_a_tenant_admins_hold_is_bounded_by_the_pool_which_does_not_renew() -> None:
    books = TestBooks()
    books.fund_pool("10")
    admin_id = books.open_member(spends_pool=True)
    books.hold(admin_id, "4")

    assert books.refused(open_hold(admin_id, "6.01")) == Refusal(
        "insufficient_quota", "Not enough credits: 6.00 left, 6.01 needed for this call.", field="amount",
        scope="tenant", id=public_id("tenant", books.tenant_id), member_id=public_id("member", admin_id),
        limit="10.00", available="6.00", held="4.00", asked="6.01", resets_at=None,
    )  # fmt: skip
    books.hold(admin_id, "6")

    assert books.control.pool_held_micro == 10_000_000


@pytest.mark.rule("HOLD-2")
def test_without_credits_or_in_debt_not_even_nothing_is_held() -> None:
    books = TestBooks()
    nothing, in_debt = books.open_member(), books.open_member(balance="12")
    books.settle(books.hold(in_debt, "12"), "17")

    assert books.refused(open_hold(nothing, "0")).facts["available"] == "0.00"
    assert books.refused(open_hold(in_debt, "0")).facts["available"] == "-5.00"

    books.fund_pool("10")
    books.do(allocate(in_debt, "4"))
    assert books.refused(open_hold(in_debt, "0")).facts["available"] == "-1.00"
    books.do(allocate(in_debt, "2"))
    books.hold(in_debt, "1")


@pytest.mark.rule("HOLD-8")
@pytest.mark.parametrize("seconds", [0, -1, HOLD_SECONDS_MAX + 1])
def test_a_hold_lasts_between_a_second_and_seven_days(seconds: int) -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    hold_id = books.hold(member_id, "1", seconds=1)

    for command in (open_hold(member_id, "1", seconds=seconds), extend(hold_id, seconds)):
        assert books.refused(command) == Refusal(
            "deadline_out_of_bounds", "A hold lasts between 1 and 604800 seconds.", field="seconds"
        )
    books.do(open_hold(member_id, "1", seconds=HOLD_SECONDS_MAX))
    books.do(extend(hold_id, HOLD_SECONDS_MAX))


@pytest.mark.rule("HOLD-9")
def test_only_an_active_member_opens_holds_and_open_ones_are_settled_whatever_happened_since() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    first, second = books.hold(member_id, "1"), books.hold(member_id, "1")

    books.do(disable(member_id))
    assert books.refused(open_hold(member_id, "1")) == Refusal(
        "member_disabled", "A disabled member cannot spend.", field="member_id"
    )
    books.settle(first, "1")

    books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id))
    assert books.refused(open_hold(member_id, "1")) == Refusal(
        "member_deleted", "A deleted member cannot spend.", field="member_id"
    )
    books.settle(second, "1")

    assert books.consumed(member_id) == "2.00"


@pytest.mark.rule("HOLD-11")
def test_the_same_hold_again_gets_the_first_answer_and_another_under_its_id_is_refused() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    command = open_hold(member_id, "5")
    first = books.do(command)
    books.pass_time(seconds=5)

    (again,) = books.post(command)
    assert (again.answer, again.replayed) == (first, True)
    assert books.wallet(member_id).balance_held_micro == 5_000_000

    for other in (
        open_hold(member_id, "4", hold_id=command.hold_id),
        open_hold(books.open_member(balance="5"), "5", hold_id=command.hold_id),
        open_hold(member_id, "5", hold_id=command.hold_id, seconds=601),
    ):
        assert books.refused(other) == Refusal(
            "key_reused", "This hold was opened for something else.", field="hold_id"
        )


@pytest.mark.rule("HOLD-11")
def test_a_refused_hold_leaves_nothing_behind_and_may_be_tried_again() -> None:
    books = TestBooks()
    member_id = books.open_member()
    command = open_hold(member_id, "1")
    batch_number = books.control.batch_number

    books.refused(command)
    assert books.control.batch_number == batch_number

    books.fund_pool("1")
    books.do(allocate(member_id, "1"))
    assert isinstance(books.do(command), Held)


@pytest.mark.rule("HOLD-12")
def test_a_hold_names_who_opened_it_whoever_ends_it() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    metered, bursars_own = open_hold(member_id, "1"), replace(open_hold(member_id, "1"), actor_id=None)

    books.do(metered)
    books.do(bursars_own)
    books.settle(metered.hold_id, "1")

    assert books.hold_row(metered.hold_id).opened_by == ACTOR
    assert books.hold_row(bursars_own.hold_id).opened_by is None
