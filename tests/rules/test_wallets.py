"""docs/rules/wallets.md, example by example."""

from __future__ import annotations

from dataclasses import fields
from uuid import UUID

import pytest

from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Changed,
    CloseGroup,
    CloseWallet,
    MoveWallet,
    OpenHold,
    OpenWallet,
    ResetCycle,
    SetMemberMonthly,
    SetSpendsPool,
    SetWalletStatus,
    Transfer,
)
from bursar.ledger.core.rows import Wallet
from tests.support.books import ACTOR, TestBooks, amount, identity


def open_wallet(member_id: UUID, group_id: UUID) -> OpenWallet:
    return OpenWallet(actor_id=ACTOR, member_id=member_id, group_id=group_id)


def status(member_id: UUID, *, is_active: bool) -> SetWalletStatus:
    return SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=is_active)


def spends_pool(member_id: UUID, value: bool) -> SetSpendsPool:
    return SetSpendsPool(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, spends_pool=value)


def move(member_id: UUID, group_id: UUID) -> MoveWallet:
    return MoveWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, group_id=group_id)


def close(member_id: UUID) -> CloseWallet:
    return CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id)


def budgeted(*, other_monthly: str) -> tuple[TestBooks, UUID, UUID]:
    """A member with 10 of its group's 20 and a balance of 5, and another group with a budget."""
    books = TestBooks()
    books.budget(per_cycle="100", group="20")
    return books, books.open_member(monthly="10", balance="5"), books.open_group(monthly=other_monthly)


@pytest.mark.rule("WALLET-1")
def test_a_wallet_knows_nothing_of_the_person() -> None:
    assert {field.name for field in fields(Wallet)} == {
        "tenant_id", "member_id", "group_id", "status", "spends_pool", "epoch", "monthly_micro", "allowance_micro",
        "allowance_held_micro", "balance_micro", "balance_held_micro", "used_micro", "consumed_micro",
        "allowance_sequence", "balance_sequence", "consumed_sequence", "has_credits",
    }  # fmt: skip


@pytest.mark.rule("WALLET-2")
def test_a_members_accounts_are_opened_once_in_an_open_group_all_at_zero() -> None:
    books = TestBooks()
    removed = books.open_group()
    books.do(CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=removed))
    member_id = identity()

    for group_id in (identity(), removed):
        assert books.refused(open_wallet(member_id, group_id)) == Refusal(
            "group_unknown", "There is no such group.", field="group_id"
        )
    assert books.do(open_wallet(member_id, books.default_group_id)) == Changed("wallet_opened", 0, books.now)

    assert (books.balance(member_id), books.allowance(member_id), books.consumed(member_id)) == ("0.00",) * 3
    assert books.group().members_count == 1
    for group_id in (books.default_group_id, identity()):
        assert books.refused(open_wallet(member_id, group_id)) == Refusal(
            "account_exists", "The member's accounts are open already.", field="member_id"
        )


@pytest.mark.rule("WALLET-3")
def test_disabling_freezes_what_a_member_has_and_enabling_gives_it_back() -> None:
    books, member_id, _ = budgeted(other_monthly="0")
    lines = len(books.journal)

    books.do(status(member_id, is_active=False))
    assert (books.allowance(member_id), books.balance(member_id), books.pool) == ("10.00", "5.00", "0.00")
    assert len(books.journal) == lines
    hold = OpenHold(actor_id=ACTOR, hold_id=identity(), member_id=member_id, amount=amount("15"), seconds=60)
    assert books.refused(hold).code == "member_disabled"

    books.do(status(member_id, is_active=True))
    books.do(hold)
    assert books.refused(status(identity(), is_active=True)) == Refusal(
        "member_unknown", "There is no such member.", field="member_id"
    )


@pytest.mark.rule("WALLET-4")
def test_a_member_who_becomes_a_tenant_admin_hands_in_what_it_had() -> None:
    books, member_id, _ = budgeted(other_monthly="0")
    hold_id = books.hold(member_id, "12")

    assert books.do(spends_pool(member_id, True)) == Changed("wallet_spends_pool", 3_000_000, books.now)
    assert (books.pool, books.balance(member_id), books.allowance(member_id)) == ("3.00", "2.00", "10.00")
    assert (books.group().members_monthly_micro, books.group_allowance()) == (0, "10.00")

    books.settle(hold_id, "4")
    assert (books.pool, books.balance(member_id), books.allowance(member_id)) == ("5.00", "0.00", "0.00")
    assert books.group_allowance() == "16.00"

    assert books.do(spends_pool(member_id, True)) == Changed("wallet_spends_pool", 0, books.now)
    books.do(spends_pool(member_id, False))
    assert (books.balance(member_id), books.allowance(member_id)) == ("0.00", "0.00")
    books.set_monthly(member_id, "3")


@pytest.mark.rule("WALLET-5")
def test_a_member_who_changes_groups_keeps_its_allowance_and_the_new_budget_takes_it_over() -> None:
    books, member_id, other = budgeted(other_monthly="10")
    books.settle(books.hold(member_id, "4"), "4")
    lines = len(books.journal)

    assert books.do(move(member_id, other)) == Changed("wallet_moved", 10_000_000, books.now)

    assert books.moves(lines) == [("budget_move", "group_allowance", "group_allowance", "10.00")]
    assert (books.allowance(member_id), books.balance(member_id)) == ("6.00", "5.00")
    assert (books.group_allowance(), books.group_allowance(other)) == ("20.00", "0.00")
    assert (books.group().members_count, books.group(other).members_count) == (0, 1)
    assert books.refused(move(member_id, other)) == Refusal(
        "same_group", "The member is in this group already.", field="group_id"
    )

    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    assert (books.allowance(member_id), books.group_allowance(other)) == ("10.00", "0.00")


@pytest.mark.rule("WALLET-5", "BUDGET-7", "REFUSAL-2")
def test_a_move_into_a_budget_that_is_too_small_is_refused() -> None:
    books, member_id, other = budgeted(other_monthly="9.99")

    assert books.refused(move(member_id, other)) == Refusal(
        "insufficient_budget", "The group's undistributed budget is too small: 9.99 available, 10.00 asked.",
        field="group_id", scope="group", id=public_id("group", other),
        limit="9.99", available="9.99", held="0.00", asked="10.00", resets_at=None,
    )  # fmt: skip
    books.set_group_monthly(other, "10")
    books.do(move(member_id, other))


@pytest.mark.rule("WALLET-6")
def test_deleting_a_member_returns_what_is_unspent() -> None:
    books, member_id, _ = budgeted(other_monthly="0")
    books.settle(books.hold(member_id, "12"), "12")
    lines = len(books.journal)

    assert books.do(close(member_id)) == Changed("wallet_closed", 3_000_000, books.now)

    assert books.moves(lines) == [("member_return", "member_balance", "pool", "3.00")]
    assert (books.pool, books.balance(member_id), books.consumed(member_id)) == ("3.00", "0.00", "12.00")
    assert (books.group().members_count, books.group().members_monthly_micro) == (0, 0)
    assert books.refused(close(identity())).code == "member_unknown"


@pytest.mark.rule("WALLET-6")
def test_deleting_a_member_with_open_holds_waits_for_their_calls() -> None:
    books, member_id, _ = budgeted(other_monthly="0")
    hold_id = books.hold(member_id, "13")

    books.do(close(member_id))
    assert (books.pool, books.balance(member_id), books.allowance(member_id)) == ("2.00", "3.00", "10.00")

    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    books.settle(hold_id, "11")

    assert (books.pool, books.balance(member_id), books.consumed(member_id)) == ("4.00", "0.00", "11.00")
    assert (books.allowance(member_id), books.group_allowance()) == ("0.00", "20.00")


@pytest.mark.rule("WALLET-7")
def test_deletion_is_final() -> None:
    books, member_id, other = budgeted(other_monthly="10")
    books.do(close(member_id))
    deleted = Refusal(
        "member_deleted", "The member has been deleted.", field="member_id", id=public_id("member", member_id)
    )

    for command in (
        status(member_id, is_active=True),
        status(member_id, is_active=False),
        spends_pool(member_id, True),
        move(member_id, other),
        close(member_id),
    ):
        assert books.refused(command) == deleted
    assert books.refused(open_wallet(member_id, other)).code == "account_exists"
    for offer in (
        SetMemberMonthly(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, monthly=amount("1")),
        Transfer(actor_id=ACTOR, transfer_id=identity(), kind="allocation", amount=amount("1"), member_id=member_id),
    ):
        assert books.refused(offer).code == "member_deleted"


@pytest.mark.rule("REFUSAL-3")
def test_moves_are_checked_in_their_fixed_order() -> None:
    books, member_id, other = budgeted(other_monthly="0")
    deleted = books.open_member()
    books.do(close(deleted))

    # Each line mends what the line before was refused for; everything below it is still wrong.
    codes = [
        books.refused(command).code
        for command in (
            move(identity(), identity()),
            move(deleted, identity()),
            move(member_id, identity()),
            move(member_id, other),
        )
    ]

    assert codes == ["member_unknown", "member_deleted", "group_unknown", "insufficient_budget"]


def give(member_id: UUID, kind: str, credits_text: str) -> Transfer:
    return Transfer(actor_id=ACTOR, transfer_id=identity(), kind=kind, amount=amount(credits_text), member_id=member_id)


@pytest.mark.rule("WALLET-8")
def test_a_member_is_with_credits_until_the_last_is_taken_back() -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id = books.open_member()
    assert not books.wallet(member_id).has_credits

    books.do(give(member_id, "allocation", "3"))
    assert books.wallet(member_id).has_credits
    books.do(give(member_id, "reclaim", "2"))
    assert books.wallet(member_id).has_credits
    books.do(give(member_id, "reclaim", "1"))

    assert not books.wallet(member_id).has_credits


@pytest.mark.rule("WALLET-8")
def test_spending_the_last_credit_leaves_a_member_with_credits() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="3")

    books.settle(books.hold(member_id, "3"), "3")

    assert books.balance(member_id) == "0.00"
    assert books.wallet(member_id).has_credits


@pytest.mark.rule("WALLET-8")
def test_an_allowance_that_comes_again_keeps_a_member_with_credits() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="20")
    member_id = books.open_member(monthly="10", balance="5")
    books.settle(books.hold(member_id, "10"), "10")

    books.do(give(member_id, "reclaim", "5"))
    assert books.wallet(member_id).has_credits

    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    books.set_monthly(member_id, "0")
    assert not books.wallet(member_id).has_credits


@pytest.mark.rule("WALLET-8")
def test_who_becomes_a_tenant_admin_is_without_credits_of_its_own() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="3")

    books.do(spends_pool(member_id, True))

    assert not books.wallet(member_id).has_credits
