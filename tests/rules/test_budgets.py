"""docs/rules/budgets.md, example by example."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Changed,
    CloseGroup,
    CloseWallet,
    Command,
    ResetCycle,
    SetCadence,
    SetCycleCeiling,
    SetGroupMonthly,
    SetMemberMonthly,
    SetPerCycle,
    SetWalletStatus,
    ShareGroup,
    Transfer,
)
from tests.support.books import ACTOR, TestBooks, amount, identity

ENDS = "2026-04-01T00:00:00+00:00"


def per_cycle(credits_text: str, note: str | None = None) -> SetPerCycle:
    return SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=amount(credits_text), note=note)


def ceiling(credits_text: str | None) -> SetCycleCeiling:
    return SetCycleCeiling(actor_id=ACTOR, ceiling=None if credits_text is None else amount(credits_text))


def group_monthly(group_id: UUID, credits_text: str, note: str | None = None) -> SetGroupMonthly:
    return SetGroupMonthly(
        actor_id=ACTOR, transfer_id=identity(), group_id=group_id, monthly=amount(credits_text), note=note
    )


def member_monthly(member_id: UUID, credits_text: str, note: str | None = None) -> SetMemberMonthly:
    return SetMemberMonthly(
        actor_id=ACTOR, transfer_id=identity(), member_id=member_id, monthly=amount(credits_text), note=note
    )


def top_up(member_id: UUID, credits_text: str) -> Transfer:
    return Transfer(
        actor_id=ACTOR, transfer_id=identity(), kind="cycle_top_up", amount=amount(credits_text), member_id=member_id
    )


def moved(books: TestBooks, command: Command) -> int:
    answer = books.do(command)
    assert isinstance(answer, Changed)
    return answer.moved_micro


def before(books: TestBooks, command: Command) -> int | None:
    answer = books.do(command)
    assert isinstance(answer, Changed)
    return answer.before_micro


def budgeted() -> tuple[TestBooks, UUID]:
    """100 per cycle, 40 of it the group's, 10 of that a member's."""
    books = TestBooks()
    books.budget(per_cycle="100", group="40")
    return books, books.open_member(monthly="10")


@pytest.mark.rule("BUDGET-1")
def test_a_budget_moves_by_the_difference_at_once_and_holds_for_later_cycles() -> None:
    books, member_id = budgeted()
    books.settle(books.hold(member_id, "7"), "7")

    assert moved(books, member_monthly(member_id, "12")) == 2_000_000
    assert (books.allowance(member_id), books.used(member_id), books.group_allowance()) == ("5.00", "7.00", "28.00")

    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    assert (books.allowance(member_id), books.used(member_id), books.group_allowance()) == ("12.00", "0.00", "28.00")


@pytest.mark.rule("BUDGET-1")
def test_setting_the_level_that_is_set_moves_nothing() -> None:
    books, member_id = budgeted()
    lines = len(books.journal)

    same = [per_cycle("100"), group_monthly(books.default_group_id, "40"), member_monthly(member_id, "10")]

    assert [moved(books, command) for command in same] == [0, 0, 0]
    assert len(books.journal) == lines


@pytest.mark.rule("BUDGET-1")
def test_the_answer_names_the_level_that_was_set_before() -> None:
    books, member_id = budgeted()

    ceilings = [SetCycleCeiling(actor_id=ACTOR, ceiling=ceiling) for ceiling in (amount("500"), None)]
    commands = [
        per_cycle("120"), group_monthly(books.default_group_id, "30"), member_monthly(member_id, "12"), *ceilings,
    ]  # fmt: skip

    assert [before(books, command) for command in commands] == [100_000_000, 40_000_000, 10_000_000, None, 500_000_000]


@pytest.mark.rule("BUDGET-2")
def test_credits_per_cycle_move_the_plan_by_the_difference_and_used_stays_used() -> None:
    books, member_id = budgeted()
    books.settle(books.hold(member_id, "7"), "7")
    lines = len(books.journal)

    assert moved(books, per_cycle("120")) == 20_000_000
    assert books.plan == "80.00"
    assert moved(books, per_cycle("50")) == 70_000_000
    assert books.plan == "10.00"

    assert books.used(member_id) == "7.00"
    assert books.moves(lines) == [
        ("cycle_increase", "issued.cycle", "plan", "20.00"),
        ("cycle_reduction", "plan", "issued.cycle", "70.00"),
    ]


@pytest.mark.rule("BUDGET-2", "REFUSAL-2")
def test_credits_per_cycle_are_lowered_by_at_most_what_is_left_of_the_plan() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="40")
    # Of the 10 of a group that has been removed, 7 were used in this cycle, so the plan got 3 of them back.
    group_id = books.open_group(monthly="10")
    member_id = books.open_member(group_id=group_id, monthly="10")
    books.settle(books.hold(member_id, "7"), "7")
    books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id))
    books.do(CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=group_id))

    assert books.refused(per_cycle("46.99")) == Refusal(
        "insufficient_plan", "The cycle's undistributed budget is too small: 53.00 available, 53.01 asked.",
        field="per_cycle", scope="tenant", id=public_id("tenant", books.tenant_id),
        limit="53.00", available="53.00", held="0.00", asked="53.01", resets_at=ENDS,
    )  # fmt: skip
    books.do(per_cycle("47"))
    assert books.plan == "0.00"

    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    books.do(per_cycle("40"))
    assert books.plan == "0.00"


@pytest.mark.rule("BUDGET-3")
def test_the_platform_may_cap_credits_per_cycle() -> None:
    books, _ = budgeted()

    books.do(ceiling("150"))
    assert books.refused(per_cycle("150.01")) == Refusal(
        "budget_above_ceiling", "Credits per cycle may be at most 150.00 for this tenant.",
        field="per_cycle", limit="150.00", asked="150.01",
    )  # fmt: skip
    books.do(per_cycle("150"))
    books.do(ceiling(None))
    books.do(per_cycle("200"))

    assert books.plan == "160.00"


@pytest.mark.rule("BUDGET-3", "BUDGET-6")
def test_a_cap_is_not_set_below_what_the_tenant_has_set() -> None:
    books, _ = budgeted()

    assert books.refused(ceiling("99.99")) == Refusal(
        "budget_below_children", "The budget cannot be lower than the 100.00 already given out of it.",
        field="ceiling", scope="tenant", id=public_id("tenant", books.tenant_id), limit="100.00", asked="99.99",
    )  # fmt: skip
    books.do(ceiling("100"))
    assert TestBooks().do(ceiling("0")) is not None


@pytest.mark.rule("BUDGET-4", "REFUSAL-2")
def test_a_groups_budget_comes_out_of_the_plan_and_goes_back_to_it() -> None:
    books, _ = budgeted()
    group_id = books.open_group()

    assert books.refused(group_monthly(group_id, "60.01")) == Refusal(
        "insufficient_plan", "The cycle's undistributed budget is too small: 60.00 available, 60.01 asked.",
        field="monthly", scope="tenant", id=public_id("tenant", books.tenant_id),
        limit="60.00", available="60.00", held="0.00", asked="60.01", resets_at=ENDS,
    )  # fmt: skip
    books.do(group_monthly(group_id, "60"))
    assert (books.plan, books.group_allowance(group_id)) == ("0.00", "60.00")
    books.do(group_monthly(group_id, "15"))
    assert (books.plan, books.group_allowance(group_id)) == ("45.00", "15.00")


@pytest.mark.rule("BUDGET-4")
def test_a_groups_budget_is_lowered_by_at_most_what_is_neither_used_nor_held() -> None:
    books = TestBooks()
    books.budget(per_cycle="100", group="40")
    books.do(ShareGroup(actor_id=ACTOR, group_id=books.default_group_id, is_shared=True))
    member_id = books.open_member()
    books.settle(books.hold(member_id, "7"), "7")
    books.hold(member_id, "3")

    assert books.refused(group_monthly(books.default_group_id, "9.99")) == Refusal(
        "insufficient_budget", "The group's undistributed budget is too small: 30.00 available, 30.01 asked.",
        field="monthly", scope="group", id=public_id("group", books.default_group_id),
        limit="33.00", available="30.00", held="3.00", asked="30.01", resets_at=ENDS,
    )  # fmt: skip
    books.do(group_monthly(books.default_group_id, "10"))

    assert books.group_allowance() == "3.00"


@pytest.mark.rule("BUDGET-5", "BUDGET-7", "REFUSAL-2")
def test_a_members_allowance_comes_out_of_its_groups_budget_and_goes_back_to_it() -> None:
    books, member_id = budgeted()

    assert books.refused(member_monthly(member_id, "40.01")) == Refusal(
        "insufficient_budget", "The group's undistributed budget is too small: 30.00 available, 30.01 asked.",
        field="monthly", scope="group", id=public_id("group", books.default_group_id),
        limit="40.00", available="30.00", held="0.00", asked="30.01", resets_at=None,
    )  # fmt: skip
    books.do(member_monthly(member_id, "40"))
    assert (books.allowance(member_id), books.group_allowance()) == ("40.00", "0.00")
    books.do(member_monthly(member_id, "4"))
    assert (books.allowance(member_id), books.group_allowance()) == ("4.00", "36.00")
    assert books.group().members_monthly_micro == 4_000_000


@pytest.mark.rule("BUDGET-6")
def test_a_budget_is_never_lower_than_what_was_given_out_of_it() -> None:
    books, member_id = budgeted()

    assert books.refused(per_cycle("39.99")) == Refusal(
        "budget_below_children", "The budget cannot be lower than the 40.00 already given out of it.",
        field="per_cycle", scope="tenant", id=public_id("tenant", books.tenant_id), limit="40.00", asked="39.99",
    )  # fmt: skip
    assert books.refused(group_monthly(books.default_group_id, "9.99")) == Refusal(
        "budget_below_children", "The budget cannot be lower than the 10.00 already given out of it.",
        field="monthly", scope="group", id=public_id("group", books.default_group_id), limit="10.00", asked="9.99",
    )  # fmt: skip

    # The parts first, and then the whole can follow.
    for command in (member_monthly(member_id, "0"), group_monthly(books.default_group_id, "0"), per_cycle("0")):
        books.do(command)
    assert (books.plan, books.group_allowance(), books.allowance(member_id)) == ("0.00", "0.00", "0.00")


@pytest.mark.rule("BUDGET-7")
def test_a_group_gives_out_at_most_what_it_has_left_in_this_cycle() -> None:
    books, member_id = budgeted()
    books.do(top_up(member_id, "25"))

    assert books.refused(member_monthly(member_id, "15.01")) == Refusal(
        "insufficient_budget", "The group's undistributed budget is too small: 5.00 available, 5.01 asked.",
        field="monthly", scope="group", id=public_id("group", books.default_group_id),
        limit="5.00", available="5.00", held="0.00", asked="5.01", resets_at=ENDS,
    )  # fmt: skip
    books.do(member_monthly(member_id, "15"))
    assert (books.allowance(member_id), books.group_allowance()) == ("40.00", "0.00")

    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    books.do(member_monthly(member_id, "40"))
    assert books.allowance(member_id) == "40.00"


@pytest.mark.rule("BUDGET-8", "REFUSAL-2")
def test_lowering_an_allowance_asks_that_the_part_is_unspent_and_not_held() -> None:
    books, member_id = budgeted()
    books.settle(books.hold(member_id, "5"), "5")
    books.hold(member_id, "2")

    assert books.refused(member_monthly(member_id, "6.99")) == Refusal(
        "insufficient_allowance", "That part of the allowance is already used or held: 3.00 available, 3.01 asked.",
        field="monthly", scope="member", id=public_id("member", member_id),
        limit="5.00", available="3.00", held="2.00", asked="3.01", resets_at=ENDS,
    )  # fmt: skip
    books.do(member_monthly(member_id, "7"))
    assert (books.allowance(member_id), books.group_allowance()) == ("2.00", "33.00")

    # After the cycle has ended, the rest can be taken too: what the hold keeps is the ended cycle's.
    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    books.do(member_monthly(member_id, "0"))
    assert (books.allowance(member_id), books.group_allowance()) == ("0.00", "40.00")


@pytest.mark.rule("BUDGET-9")
def test_only_an_active_members_allowance_is_raised_and_a_disabled_ones_can_be_lowered() -> None:
    books, member_id = budgeted()
    admin_id = books.open_member(spends_pool=True)
    books.do(SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False))

    assert books.refused(member_monthly(member_id, "10.01")) == Refusal(
        "member_disabled", "A disabled member cannot receive credits.", field="member_id"
    )
    assert books.refused(member_monthly(admin_id, "1")) == Refusal(
        "recipient_spends_pool", "A tenant admin spends from the pool.", field="member_id"
    )
    books.do(member_monthly(member_id, "4"))
    assert books.allowance(member_id) == "4.00"

    books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id))
    for level in ("0", "1"):
        assert books.refused(member_monthly(member_id, level)) == Refusal(
            "member_deleted", "A deleted member has no budget.", field="member_id"
        )


@pytest.mark.rule("BUDGET-9")
def test_nobody_raises_ones_own_allowance_but_may_lower_it() -> None:
    books, member_id = budgeted()

    def own(level: str) -> SetMemberMonthly:
        return SetMemberMonthly(actor_id=member_id, transfer_id=identity(), member_id=member_id, monthly=amount(level))

    assert books.refused(own("10.01")) == Refusal(
        "recipient_is_actor", "Nobody allocates credits to oneself.", field="member_id"
    )
    books.do(own("9"))
    assert books.allowance(member_id) == "9.00"


@pytest.mark.rule("REFUSAL-3")
def test_budgets_are_checked_in_their_fixed_order() -> None:
    books, member_id = budgeted()
    long_note, too_much = "n" * 201, "1000000000.01"
    nobody, nowhere, group_id = identity(), identity(), books.default_group_id
    disabled = books.open_member(spends_pool=True)
    books.do(SetWalletStatus(actor_id=ACTOR, member_id=disabled, is_active=False))
    books.do(ceiling("100"))

    # Each line mends what the line before was refused for; everything below it is still wrong.
    codes = [
        books.refused(command).code
        for command in (
            per_cycle(too_much, long_note), per_cycle("100.01", long_note), per_cycle("100.01"),
            per_cycle("39.99"),
            group_monthly(nowhere, too_much, long_note), group_monthly(group_id, too_much, long_note),
            group_monthly(group_id, "9.99", long_note), group_monthly(group_id, "9.99"),
            group_monthly(group_id, "100.01"),
            member_monthly(nobody, too_much, long_note), member_monthly(disabled, too_much, long_note),
            member_monthly(disabled, "40", long_note), member_monthly(disabled, "40"),
            member_monthly(member_id, "40.01"),
        )
    ]  # fmt: skip

    assert codes == [
        "amount_too_large", "note_too_long", "budget_above_ceiling", "budget_below_children",
        "group_unknown", "amount_too_large", "note_too_long", "budget_below_children", "insufficient_plan",
        "member_unknown", "amount_too_large", "note_too_long", "member_disabled", "insufficient_budget",
    ]  # fmt: skip


@pytest.mark.rule("BUDGET-10")
def test_what_a_months_cycles_issue_is_at_most_the_largest_amount_whatever_the_cadence() -> None:
    books = TestBooks()

    def cadence(name: str) -> SetCadence:
        epoch = books.control.epoch
        return SetCadence(actor_id=ACTOR, transfer_id=identity(), epoch=epoch, cadence=name, time_zone="UTC")

    books.do(per_cycle("1000000000"))
    assert books.refused(cadence("1_hour")) == Refusal(
        "amount_too_large", "With the cadence 1 hour, credits per cycle may be at most 1344086.021505.",
        field="cadence", largest="1344086.021505",
    )  # fmt: skip

    books.do(per_cycle("1344086.02"))
    books.do(cadence("1_hour"))
    assert books.refused(per_cycle("1344086.03")).facts == {"largest": "1344086.021505"}
    books.do(per_cycle("1344086.01"))
