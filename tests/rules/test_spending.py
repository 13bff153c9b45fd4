"""docs/rules/spending.md, example by example."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.domain.credits import decimal_text
from bursar.ledger import (
    CloseGroup,
    CloseWallet,
    ExpireHold,
    Held,
    MoveWallet,
    OpenHold,
    ResetCycle,
    SetExpiredHolds,
    SetSpendsPool,
    SettleHold,
    ShareGroup,
    Transfer,
    VoidHold,
)
from bursar.ledger.core.books import Books
from bursar.ledger.core.spending import spendable
from tests.support.books import ACTOR, TestBooks, amount, identity


def transfer(kind: str, credits_text: str, member_id: UUID) -> Transfer:
    return Transfer(actor_id=ACTOR, transfer_id=identity(), kind=kind, amount=amount(credits_text), member_id=member_id)


def reset(epoch: int) -> ResetCycle:
    return ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=epoch)


def close(member_id: UUID) -> CloseWallet:
    return CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id)


def shared_books(*, is_shared: bool = True) -> tuple[TestBooks, UUID, UUID]:
    """A group with 20 a month and a balance of 8, and a member of it with 10 of the 20 and a balance of 5."""
    books = TestBooks()
    books.budget(per_cycle="100")
    group_id = books.open_group(is_shared=is_shared, monthly="20", balance="8")
    return books, group_id, books.open_member(group_id=group_id, monthly="10", balance="5")


def spendable_of(books: TestBooks, member_id: UUID) -> str:
    """What the member can spend, by the figure that admits calls."""
    view = Books(books.control, books.now)
    wallet = books.wallet(member_id)
    view.wallets[member_id] = wallet
    view.groups[wallet.group_id] = books.group(wallet.group_id)
    return decimal_text(spendable(view, wallet))


def expired_and_charged(books: TestBooks, hold_id: UUID) -> None:
    books.do(SetExpiredHolds(actor_id=ACTOR, is_charged=True))
    books.pass_time(seconds=600)
    books.do(ExpireHold(actor_id=None, hold_id=hold_id))


def late(books: TestBooks, hold_id: UUID, cost: str) -> list[tuple[str, str, str, str]]:
    """Settle an expired hold; the lines it wrote."""
    lines = len(books.journal)
    books.settle(hold_id, cost)
    return books.moves(lines)


@pytest.mark.rule("SPEND-1")
def test_a_member_spends_allowance_then_balance_then_what_the_group_shares() -> None:
    books, _, member_id = shared_books()
    command = OpenHold(actor_id=ACTOR, hold_id=identity(), member_id=member_id, amount=amount("30"), seconds=600)

    assert books.do(command) == Held(
        command.hold_id, 30_000_000, 10_000_000, 5_000_000, 10_000_000, 5_000_000, 0, books.now
    )

    lines = len(books.journal)
    books.settle(command.hold_id, "30")
    assert books.moves(lines) == [
        ("usage", "member_allowance", "consumed", "10.00"),
        ("usage", "member_balance", "consumed", "5.00"),
        ("usage", "group_allowance", "consumed", "10.00"),
        ("usage", "group_balance", "consumed", "5.00"),
    ]


@pytest.mark.rule("SPEND-1")
def test_a_member_of_a_group_that_does_not_share_spends_its_own_only() -> None:
    books, group_id, member_id = shared_books(is_shared=False)

    books.settle(books.hold(member_id, "15"), "15")

    assert (books.group_allowance(group_id), books.group_balance(group_id)) == ("10.00", "8.00")
    (outcome,) = books.post(
        OpenHold(actor_id=ACTOR, hold_id=identity(), member_id=member_id, amount=amount("0.01"), seconds=60)
    )
    assert outcome.refusal is not None


@pytest.mark.rule("SPEND-2")
def test_spendable_is_allowance_and_balance_less_holds_and_the_groups_where_shared() -> None:
    books, group_id, member_id = shared_books()
    assert spendable_of(books, member_id) == "33.00"

    books.hold(member_id, "12")
    assert spendable_of(books, member_id) == "21.00"

    books.do(ShareGroup(actor_id=ACTOR, group_id=group_id, is_shared=False))
    assert spendable_of(books, member_id) == "3.00"

    # A hold of the old cycle keeps nothing of the new one's allowance, and still 2 of the balance.
    books.do(reset(1))
    assert spendable_of(books, member_id) == "13.00"


@pytest.mark.rule("SPEND-3")
def test_the_worked_example_of_ten_and_five() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="10")
    member_id = books.open_member(monthly="10", balance="5")

    books.settle(books.hold(member_id, "12"), "8")
    assert (books.allowance(member_id), books.balance(member_id)) == ("2.00", "5.00")

    books.settle(books.hold(member_id, "7"), "9")
    assert (books.allowance(member_id), books.balance(member_id)) == ("0.00", "-2.00")
    assert books.consumed(member_id) == "17.00"


@pytest.mark.rule("SPEND-3")
def test_what_a_hold_gives_back_goes_where_it_was_taken_whichever_group_the_member_is_in_by_now() -> None:
    books, group_id, member_id = shared_books()
    other = books.open_group(is_shared=True, monthly="30", balance="8")
    hold_id = books.hold(member_id, "30")

    books.do(MoveWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, group_id=other))
    books.settle(hold_id, "26")

    # 10 and 5 of the member, 10 and 1 of the group it was in; 4 of that group's balance are free again.
    assert (books.allowance(member_id), books.balance(member_id)) == ("0.00", "0.00")
    assert (books.group_balance(group_id), books.group(group_id).balance_held_micro) == ("7.00", 0)
    assert books.group_balance(other) == "8.00"


@pytest.mark.rule("SPEND-4")
def test_what_nothing_covers_becomes_the_members_debt() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="12")
    hold_id = books.hold(member_id, "12")

    answer = books.settle(hold_id, "17")

    assert (answer.charged_micro, answer.overrun_micro) == (17_000_000, 5_000_000)
    assert (books.balance(member_id), books.consumed(member_id)) == ("-5.00", "17.00")


@pytest.mark.rule("SPEND-4")
def test_a_cost_above_the_hold_is_taken_in_the_order_of_spending_first() -> None:
    books, group_id, member_id = shared_books()
    hold_id = books.hold(member_id, "1")
    lines = len(books.journal)

    books.settle(hold_id, "35")

    assert books.moves(lines) == [
        ("usage", "member_allowance", "consumed", "1.00"),
        ("usage", "member_allowance", "consumed", "9.00"),
        ("usage", "member_balance", "consumed", "5.00"),
        ("usage", "group_allowance", "consumed", "10.00"),
        ("usage", "group_balance", "consumed", "8.00"),
        ("usage", "member_balance", "consumed", "2.00"),
    ]
    assert (books.balance(member_id), books.group_balance(group_id)) == ("-2.00", "0.00")


@pytest.mark.rule("SPEND-4")
def test_a_cost_above_the_hold_leaves_what_other_holds_keep() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="10")
    member_id = books.open_member(monthly="10")
    other, hold_id = books.hold(member_id, "6"), books.hold(member_id, "4")

    books.settle(hold_id, "7")

    assert (books.allowance(member_id), books.balance(member_id)) == ("6.00", "-3.00")
    assert books.settle(other, "6").overrun_micro == 0


@pytest.mark.rule("SPEND-5")
def test_a_refund_goes_back_where_the_charge_came_from_the_last_part_first() -> None:
    books, group_id, member_id = shared_books()
    hold_id = books.hold(member_id, "30")
    expired_and_charged(books, hold_id)
    assert (books.used(member_id), books.group(group_id).shared_used_micro) == ("30.00", 15_000_000)

    assert late(books, hold_id, "12") == [
        ("usage_refund", "consumed", "group_balance", "5.00"),
        ("usage_refund", "consumed", "group_allowance", "10.00"),
        ("usage_refund", "consumed", "member_balance", "3.00"),
    ]

    assert (books.used(member_id), books.consumed(member_id)) == ("12.00", "12.00")
    assert (books.group(group_id).shared_used_micro, books.control.epoch_pot_used_micro) == (0, 10_000_000)


@pytest.mark.rule("SPEND-5")
def test_a_refund_of_an_ended_cycles_allowance_lapses_and_used_is_that_of_the_new_cycle() -> None:
    books, group_id, member_id = shared_books()
    hold_id = books.hold(member_id, "30")
    expired_and_charged(books, hold_id)
    books.do(reset(1))

    assert late(books, hold_id, "4")[-4:] == [
        ("usage_refund", "consumed", "group_balance", "5.00"),
        ("usage_refund", "consumed", "expired", "10.00"),
        ("usage_refund", "consumed", "member_balance", "5.00"),
        ("usage_refund", "consumed", "expired", "6.00"),
    ]

    assert (books.used(member_id), books.consumed(member_id)) == ("0.00", "4.00")
    assert (books.allowance(member_id), books.group_allowance(group_id)) == ("10.00", "10.00")


@pytest.mark.rule("SPEND-5", "CYCLE-9")
def test_a_hold_charged_after_its_cycle_ended_is_refunded_without_touching_the_groups_use() -> None:
    books, group_id, member_id = shared_books()
    hold_id = books.hold(member_id, "18")
    books.do(reset(1))
    expired_and_charged(books, hold_id)
    assert (books.used(member_id), books.group(group_id).shared_used_micro) == ("18.00", 0)

    assert late(books, hold_id, "4")[-3:] == [
        ("usage_refund", "consumed", "expired", "3.00"),
        ("usage_refund", "consumed", "member_balance", "5.00"),
        ("usage_refund", "consumed", "expired", "6.00"),
    ]

    assert (books.used(member_id), books.group(group_id).shared_used_micro) == ("4.00", 0)
    assert books.balance(member_id) == "5.00"


@pytest.mark.rule("SPEND-5")
def test_a_refund_to_a_removed_group_goes_to_the_plan_and_the_pool() -> None:
    books, group_id, member_id = shared_books()
    hold_id = books.hold(member_id, "30")
    expired_and_charged(books, hold_id)
    books.do(close(member_id))
    books.do(CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=group_id))
    plan, pool = books.control.plan_micro, books.control.pool_micro

    assert late(books, hold_id, "12")[:2] == [
        ("usage_refund", "consumed", "pool", "5.00"),
        ("usage_refund", "consumed", "plan", "10.00"),
    ]

    # The deleted member's own 3 went on to the pool.
    assert (books.control.plan_micro - plan, books.control.pool_micro - pool) == (10_000_000, 8_000_000)
    assert books.balance(member_id) == "0.00"


@pytest.mark.rule("SPEND-6")
def test_a_deleted_member_keeps_nothing_but_what_holds_keep_until_they_end() -> None:
    books, group_id, member_id = shared_books(is_shared=False)
    first, second = books.hold(member_id, "11"), books.hold(member_id, "2")

    books.do(close(member_id))
    assert (books.pool, books.balance(member_id), books.allowance(member_id)) == ("2.00", "3.00", "10.00")

    books.settle(first, "4")
    assert (books.pool, books.balance(member_id), books.allowance(member_id)) == ("3.00", "2.00", "0.00")
    assert books.group_allowance(group_id) == "16.00"

    books.do(VoidHold(actor_id=ACTOR, hold_id=second))
    assert (books.pool, books.balance(member_id), books.consumed(member_id)) == ("5.00", "0.00", "4.00")


@pytest.mark.rule("SPEND-6")
def test_a_deleted_members_allowance_goes_to_the_plan_if_its_group_is_gone() -> None:
    books, group_id, member_id = shared_books(is_shared=False)
    hold_id = books.hold(member_id, "6")
    books.do(close(member_id))
    books.do(CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=group_id))
    assert books.plan == "94.00"

    books.do(VoidHold(actor_id=ACTOR, hold_id=hold_id))

    assert books.plan == "100.00"
    assert books.wallet(member_id).allowance_micro == 0


@pytest.mark.rule("SPEND-6")
def test_a_deleted_members_debt_is_paid_from_the_pool_and_what_it_lacks_is_an_adjustment() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="12")
    books.settle(books.hold(member_id, "12"), "17")
    books.fund_pool("2")
    lines = len(books.journal)

    books.do(close(member_id))

    assert books.moves(lines) == [
        ("member_debt", "pool", "member_balance", "2.00"),
        ("debt_adjustment", "issued.adjustment", "member_balance", "3.00"),
    ]
    assert (books.pool, books.balance(member_id), books.consumed(member_id)) == ("0.00", "0.00", "17.00")


@pytest.mark.rule("SPEND-7")
def test_a_tenant_admin_spends_straight_from_the_pool_and_may_take_it_below_zero() -> None:
    books = TestBooks()
    books.fund_pool("10")
    admin_id = books.open_member(spends_pool=True)
    hold_id = books.hold(admin_id, "6")
    lines = len(books.journal)

    books.settle(hold_id, "13")

    assert books.moves(lines) == [
        ("usage", "pool", "consumed", "6.00"),
        ("usage", "pool", "consumed", "4.00"),
        ("usage", "pool", "consumed", "3.00"),
    ]
    assert (books.pool, books.balance(admin_id), books.used(admin_id)) == ("-3.00", "0.00", "13.00")


@pytest.mark.rule("SPEND-7")
def test_a_tenant_admins_hold_keeps_the_pools_credits_from_being_allocated() -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id, admin_id = books.open_member(), books.open_member(spends_pool=True)
    hold_id = books.hold(admin_id, "6")

    assert books.refused(transfer("allocation", "5", member_id)).facts["held"] == "6.00"
    books.do(VoidHold(actor_id=ACTOR, hold_id=hold_id))
    books.do(transfer("allocation", "5", member_id))


@pytest.mark.rule("SPEND-8")
def test_used_is_of_this_cycle_and_consumed_is_for_life() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="10")
    member_id = books.open_member(monthly="10", balance="5")
    books.settle(books.hold(member_id, "4"), "4")
    books.do(reset(1))
    assert (books.used(member_id), books.consumed(member_id), books.control.epoch_used_micro) == ("0.00", "4.00", 0)

    books.settle(books.hold(member_id, "12"), "12")

    assert (books.used(member_id), books.consumed(member_id)) == ("12.00", "16.00")
    assert (books.control.epoch_used_micro, books.control.epoch_pot_used_micro) == (12_000_000, 10_000_000)


@pytest.mark.rule("SPEND-6", "SPEND-7")
def test_a_hold_opened_as_a_member_is_settled_from_its_accounts_after_becoming_a_tenant_admin() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="10")
    hold_id = books.hold(member_id, "6")

    books.do(SetSpendsPool(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, spends_pool=True))
    assert (books.pool, books.balance(member_id)) == ("4.00", "6.00")

    books.do(SettleHold(actor_id=ACTOR, hold_id=hold_id, cost=amount("7")))
    assert (books.pool, books.balance(member_id), books.consumed(member_id)) == ("3.00", "0.00", "7.00")


@pytest.mark.rule("SPEND-6")
def test_a_deleted_members_debt_leaves_what_holds_keep_of_the_pool() -> None:
    books = TestBooks()
    member_id, admin_id = books.open_member(balance="12"), books.open_member(spends_pool=True)
    books.settle(books.hold(member_id, "12"), "17")
    books.fund_pool("4")
    books.hold(admin_id, "3")
    lines = len(books.journal)

    books.do(close(member_id))

    assert books.moves(lines) == [
        ("member_debt", "pool", "member_balance", "1.00"),
        ("debt_adjustment", "issued.adjustment", "member_balance", "4.00"),
    ]
    assert books.pool == "3.00"
