"""docs/rules/groups.md, example by example."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Changed,
    CloseGroup,
    CloseWallet,
    MoveWallet,
    OpenGroup,
    OpenHold,
    ResetCycle,
    SetGroupMonthly,
    ShareGroup,
    Transfer,
)
from tests.support.books import ACTOR, TestBooks, amount, identity

UNKNOWN = Refusal("group_unknown", "There is no such group.", field="group_id")


def close(group_id: UUID) -> CloseGroup:
    return CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=group_id)


def share(group_id: UUID, is_shared: bool) -> ShareGroup:
    return ShareGroup(actor_id=ACTOR, group_id=group_id, is_shared=is_shared)


def move(member_id: UUID, group_id: UUID) -> MoveWallet:
    return MoveWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, group_id=group_id)


@pytest.mark.rule("GROUP-1")
def test_a_groups_accounts_are_opened_once_all_at_zero() -> None:
    books = TestBooks()
    command = OpenGroup(actor_id=ACTOR, group_id=identity())

    assert books.do(command) == Changed("group_opened", 0, books.now)

    assert (books.group_allowance(command.group_id), books.group_balance(command.group_id)) == ("0.00", "0.00")
    for group_id in (command.group_id, books.default_group_id):
        assert books.refused(OpenGroup(actor_id=ACTOR, group_id=group_id)) == Refusal(
            "account_exists", "The group's accounts are open already.", field="group_id"
        )


@pytest.mark.rule("GROUP-2")
def test_a_removed_group_gives_its_balance_to_the_pool_and_its_budget_to_the_plan() -> None:
    books = TestBooks()
    books.budget(per_cycle="100")
    group_id = books.open_group(monthly="30", balance="8")
    lines = len(books.journal)

    assert books.do(close(group_id)) == Changed("group_closed", 8_000_000, books.now)

    assert books.moves(lines) == [
        ("group_return", "group_balance", "pool", "8.00"),
        ("budget_reduction", "group_allowance", "plan", "30.00"),
    ]
    assert (books.pool, books.plan, books.control.groups_monthly_micro) == ("8.00", "100.00", 0)


@pytest.mark.rule("GROUP-2", "REFUSAL-3")
def test_a_group_is_removed_when_nobody_is_in_it_and_nothing_of_it_is_held() -> None:
    books = TestBooks()
    group_id = books.open_group(is_shared=True, balance="8")
    member_id = books.open_member(group_id=group_id)
    in_default = books.open_member()
    hold_id = books.hold(member_id, "3")

    assert books.refused(close(group_id)) == Refusal(
        "group_not_empty", "The group still has members; move them first.", field="group_id"
    )
    books.do(move(member_id, books.default_group_id))
    assert books.refused(close(group_id)) == Refusal(
        "group_not_empty", "Calls under way still hold credits of the group.", field="group_id"
    )
    books.settle(hold_id, "1")
    books.do(close(group_id))
    assert books.pool == "7.00"

    # The group Default is refused for what it is, with members and without.
    for _ in range(2):
        assert books.refused(close(books.default_group_id)) == Refusal(
            "group_is_default", "The group Default cannot be removed.", field="group_id"
        )
        for member in (member_id, in_default):
            if books.wallet(member).status != "deleted":
                books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member))


@pytest.mark.rule("GROUP-3")
def test_a_shared_budget_is_spent_when_ones_own_is_used_up_and_calls_under_way_outlive_the_switch() -> None:
    books = TestBooks()
    group_id = books.open_group(balance="8")
    member_id = books.open_member(group_id=group_id, balance="1")
    hold = OpenHold(actor_id=ACTOR, hold_id=identity(), member_id=member_id, amount=amount("4"), seconds=60)
    assert books.refused(hold).facts["available"] == "1.00"

    assert books.do(share(group_id, True)) == Changed("group_shared", 0, books.now)
    books.do(hold)
    books.do(share(group_id, False))
    books.settle(hold.hold_id, "4")

    assert (books.balance(member_id), books.group_balance(group_id)) == ("0.00", "5.00")
    assert books.refused(share(identity(), True)) == UNKNOWN


@pytest.mark.rule("GROUP-4")
def test_a_removed_group_is_unknown_from_then_on() -> None:
    books = TestBooks()
    books.fund_pool("5")
    books.budget(per_cycle="100")
    group_id = books.open_group()
    member_id = books.open_member()
    books.do(close(group_id))

    for command in (
        close(group_id),
        share(group_id, True),
        move(member_id, group_id),
        SetGroupMonthly(actor_id=ACTOR, transfer_id=identity(), group_id=group_id, monthly=amount("1")),
        Transfer(
            actor_id=ACTOR, transfer_id=identity(), kind="group_allocation", amount=amount("1"), group_id=group_id
        ),
    ):
        assert books.refused(command) == UNKNOWN
    assert books.refused(OpenGroup(actor_id=ACTOR, group_id=group_id)).code == "account_exists"


@pytest.mark.rule("GROUP-2")
def test_a_group_whose_allowance_a_call_holds_is_not_removed_until_the_cycle_has_ended() -> None:
    books = TestBooks()
    books.budget(per_cycle="100")
    group_id = books.open_group(is_shared=True, monthly="30")
    member_id = books.open_member(group_id=group_id)
    books.hold(member_id, "3")
    books.do(move(member_id, books.default_group_id))

    assert books.refused(close(group_id)).detail == "Calls under way still hold credits of the group."

    # What the call holds is the ended cycle's by then.
    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    books.do(close(group_id))
    assert books.plan == "100.00"
