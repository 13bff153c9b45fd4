"""docs/rules/transfers.md, example by example."""

from __future__ import annotations

from uuid import UUID

import pytest

from bursar.domain.credits import AMOUNT_MAX_MICRO, Credits
from bursar.domain.ids import public_id
from bursar.domain.refusals import Broken, Refusal
from bursar.domain.transfers import KINDS, Channel
from bursar.ledger import Changed, CloseWallet, SettleHold, SetTotal, SetWalletStatus, Transfer, Transferred
from bursar.ledger.core.books import Books
from tests.support.asking import posted, reverse, shortage, transfer
from tests.support.books import ACTOR, TestBooks, amount, identity

POSTED_KINDS = sorted(code for code, kind in KINDS.items() if kind.channel is Channel.COMMAND)


@pytest.mark.rule("TRANSFER-1", "TRANSFER-3")
@pytest.mark.parametrize("kind", POSTED_KINDS)
def test_every_kind_that_people_post_takes_from_its_source_and_gives_to_its_target(kind: str) -> None:
    books = TestBooks()
    books.fund_pool("50")
    books.budget(per_cycle="50", group="20")
    member_id = books.open_member(balance="10")
    books.do(transfer("group_allocation", "10", group_id=books.default_group_id))
    lines = len(books.journal)
    names_group = kind.startswith("group_") and kind != "group_hand_out"

    answer = books.do(
        transfer(
            kind,
            "1.25",
            member_id=None if names_group else member_id,
            group_id=books.default_group_id if names_group else None,
        )
    )

    entry = KINDS[kind]
    assert books.moves(lines) == [(kind, entry.source, entry.target, "1.25")]
    assert isinstance(answer, Transferred)
    (line,) = books.journal[lines:]
    assert (answer.kind, answer.amount_micro, answer.posted_at) == (kind, 1_250_000, books.now)
    assert (answer.source_after_micro, answer.target_after_micro) == (line.source_after_micro, line.target_after_micro)


@pytest.mark.rule("TRANSFER-2")
def test_a_transfer_is_written_down_with_what_both_accounts_held_after_it() -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id = books.open_member()

    command = transfer("allocation", "4", member_id=member_id, note="For the launch.")
    books.do(command)

    line = books.journal[-1]
    assert (line.transfer_id, line.actor_id, line.note) == (command.transfer_id, ACTOR, "For the launch.")
    assert (line.source_id, line.source_after_micro) == (None, 6_000_000)
    assert (line.target_id, line.target_after_micro) == (member_id, 4_000_000)
    assert (line.amount_micro, line.posted_at, line.epoch) == (4_000_000, books.now, 1)
    assert (books.pool, books.balance(member_id)) == ("6.00", "4.00")


@pytest.mark.rule("TRANSFER-2")
@pytest.mark.parametrize("micro", [0, -1])
def test_nothing_but_a_positive_amount_can_be_moved(micro: int) -> None:
    stored = TestBooks()
    books = Books(stored.control, stored.now)

    with pytest.raises(Broken, match="positive amount"):
        books.move("usage", "pool", books.control, "expired", books.control, micro)


@pytest.mark.rule("TRANSFER-3")
@pytest.mark.parametrize("kind", [*sorted(set(KINDS) - set(POSTED_KINDS)), "gift", ""])
def test_what_follows_from_something_else_cannot_be_posted_by_itself(kind: str) -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id = books.open_member(balance="5")

    refusal = books.refused(transfer(kind, "1", member_id=member_id, group_id=books.default_group_id))

    assert refusal == Refusal("kind_unknown", "No such kind of transfer can be posted.", field="kind")


@pytest.mark.rule("TRANSFER-4", "REFUSAL-2")
def test_the_pool_gives_what_no_hold_keeps_to_the_last_micro_credit() -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id = books.open_member()
    books.hold(books.open_member(spends_pool=True), "3")

    refusal = books.refused(transfer("allocation", "7.000001", member_id=member_id))
    assert refusal == shortage(
        "insufficient_pool", "Insufficient tenant balance: 7.00 available, 7.000001 asked.", "tenant", books.tenant_id,
        limit="10.00", available="7.00", held="3.00", asked="7.000001", resets_at=None,
    )  # fmt: skip
    books.do(transfer("allocation", "7", member_id=member_id))

    assert (books.pool, books.balance(member_id)) == ("3.00", "7.00")


@pytest.mark.rule("TRANSFER-4", "REFUSAL-2")
def test_a_member_gives_back_at_most_its_balance_less_holds() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="10")
    books.hold(member_id, "4")

    refusal = books.refused(transfer("reclaim", "6.01", member_id=member_id))
    assert refusal == shortage(
        "insufficient_balance", "Insufficient user balance: 6.00 available, 6.01 asked.", "member", member_id,
        limit="10.00", available="6.00", held="4.00", asked="6.01", resets_at=None,
    )  # fmt: skip
    books.do(transfer("reclaim", "6", member_id=member_id))

    assert (books.pool, books.balance(member_id)) == ("6.00", "4.00")


@pytest.mark.rule("TRANSFER-4", "REFUSAL-2")
def test_nothing_can_be_taken_from_a_member_in_debt() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="12")
    books.settle(books.hold(member_id, "12"), "17")

    refusal = books.refused(transfer("reclaim", "0.01", member_id=member_id))

    assert refusal == shortage(
        "insufficient_balance", "Insufficient user balance: 0.00 available, 0.01 asked.", "member", member_id,
        limit="-5.00", available="-5.00", held="0.00", asked="0.01", resets_at=None,
    )  # fmt: skip


@pytest.mark.rule("TRANSFER-4", "REFUSAL-2")
def test_a_group_gives_at_most_its_balance() -> None:
    books = TestBooks()
    group_id = books.open_group(balance="5")
    member_id = books.open_member(group_id=group_id)

    for command in (
        transfer("group_hand_out", "5.01", member_id=member_id),
        transfer("group_reclaim", "5.01", group_id=group_id),
    ):
        assert books.refused(command) == shortage(
            "insufficient_balance", "Insufficient group balance: 5.00 available, 5.01 asked.", "group", group_id,
            limit="5.00", available="5.00", held="0.00", asked="5.01", resets_at=None,
        )  # fmt: skip
    books.do(transfer("group_hand_out", "2", member_id=member_id))
    books.do(transfer("group_reclaim", "3", group_id=group_id))

    assert (books.group_balance(group_id), books.balance(member_id), books.pool) == ("0.00", "2.00", "3.00")


@pytest.mark.rule("TRANSFER-4", "REFUSAL-2")
def test_a_top_up_takes_at_most_what_the_group_has_left_in_this_cycle() -> None:
    books = TestBooks()
    books.budget(per_cycle="20", group="10")
    member_id = books.open_member(monthly="4")

    refusal = books.refused(transfer("cycle_top_up", "6.01", member_id=member_id))
    assert refusal == shortage(
        "insufficient_budget", "The group's undistributed budget is too small: 6.00 available, 6.01 asked.", "group",
        books.default_group_id,
        limit="6.00", available="6.00", held="0.00", asked="6.01", resets_at="2026-04-01T00:00:00+00:00",
    )  # fmt: skip
    books.do(transfer("cycle_top_up", "6", member_id=member_id))
    assert (books.allowance(member_id), books.group_allowance()) == ("10.00", "0.00")

    books.pass_time(days=31)
    assert books.post() == []
    assert (books.allowance(member_id), books.group_allowance()) == ("4.00", "6.00")


def recipient(books: TestBooks, state: str) -> UUID:
    member_id = books.open_member(spends_pool=state == "spends_pool")
    if state == "disabled":
        books.do(SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False))
    if state == "deleted":
        books.do(CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=member_id))
    return member_id


@pytest.mark.rule("TRANSFER-5")
@pytest.mark.parametrize("kind", ["allocation", "group_hand_out", "cycle_top_up", "signup_credits"])
@pytest.mark.parametrize(
    ("state", "is_self", "code", "detail"),
    [
        ("disabled", False, "member_disabled", "A disabled member cannot receive credits."),
        ("deleted", False, "member_deleted", "A deleted member cannot receive credits."),
        ("active", True, "recipient_is_actor", "Nobody allocates credits to oneself."),
        ("spends_pool", False, "recipient_spends_pool", "A tenant admin spends from the pool."),
        # Where two could apply, the order decides.
        ("disabled", True, "member_disabled", "A disabled member cannot receive credits."),
        ("deleted", True, "member_deleted", "A deleted member cannot receive credits."),
        ("spends_pool", True, "recipient_is_actor", "Nobody allocates credits to oneself."),
    ],
)
def test_credits_go_to_active_members_never_to_oneself_and_not_to_a_tenant_admin(
    kind: str, state: str, is_self: bool, code: str, detail: str
) -> None:
    books = TestBooks()
    books.fund_pool("20")
    books.budget(per_cycle="20", group="20")
    books.do(transfer("group_allocation", "10", group_id=books.default_group_id))
    allowed, not_allowed = books.open_member(), recipient(books, state)

    refusal = books.refused(transfer(kind, "1", member_id=not_allowed, actor_id=not_allowed if is_self else ACTOR))
    assert refusal == Refusal(code, detail, field="member_id")
    books.do(transfer(kind, "1", member_id=allowed))

    assert "1.00" in (books.balance(allowed), books.allowance(allowed))


@pytest.mark.rule("TRANSFER-5")
def test_what_a_disabled_member_has_can_be_taken_back() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="5")
    books.do(SetWalletStatus(actor_id=ACTOR, member_id=member_id, is_active=False))

    books.do(transfer("reclaim", "5", member_id=member_id))

    assert (books.pool, books.balance(member_id)) == ("5.00", "0.00")


@pytest.mark.rule("TRANSFER-7")
def test_a_note_is_one_line_of_at_most_200_characters() -> None:
    books = TestBooks()
    books.fund_pool("5")
    member_id = books.open_member()
    original = posted(books, transfer("allocation", "1", member_id=member_id, note="\u00fc" * 200))

    for command in (
        transfer("allocation", "1", member_id=member_id, note="\u00fc" * 201),
        reverse(original, "n" * 201),
    ):
        assert books.refused(command) == Refusal("note_too_long", "A note has at most 200 characters.", field="note")

    for unshown in ("two\nlines", "nul\x00", "half a pair \ud800"):
        assert books.refused(transfer("allocation", "1", member_id=member_id, note=unshown)) == Refusal(
            "note_malformed", "A note has no line breaks or control characters.", field="note"
        )
    assert books.journal[-1].note == "\u00fc" * 200


@pytest.mark.rule("TRANSFER-8")
def test_a_transfer_names_the_member_or_group_that_its_kind_moves() -> None:
    books = TestBooks()
    books.fund_pool("5")
    elsewhere = TestBooks().open_member()

    assert books.refused(transfer("allocation", "1")) == Refusal(
        "member_unknown", "The command names no member.", field="member_id"
    )
    assert books.refused(transfer("allocation", "1", member_id=elsewhere)) == Refusal(
        "member_unknown", "There is no such member.", field="member_id"
    )
    assert books.refused(transfer("group_allocation", "1")) == Refusal(
        "group_unknown", "The command names no group.", field="group_id"
    )
    assert books.refused(transfer("group_allocation", "1", group_id=identity())) == Refusal(
        "group_unknown", "There is no such group.", field="group_id"
    )


@pytest.mark.rule("TRANSFER-8")
def test_a_hand_out_comes_from_the_group_that_the_member_is_in() -> None:
    books = TestBooks()
    own, other = books.open_group(balance="5"), books.open_group(balance="5")
    member_id = books.open_member(group_id=own)

    books.do(transfer("group_hand_out", "2", member_id=member_id, group_id=other))

    assert (books.group_balance(own), books.group_balance(other)) == ("3.00", "5.00")


@pytest.mark.rule("TRANSFER-9", "REFUSAL-2")
def test_the_platform_takes_back_at_most_what_it_granted_and_only_from_the_pool() -> None:
    books = TestBooks()
    books.fund_pool("10")
    books.do(transfer("purchase", "5"))
    member_id = books.open_member()

    refusal = books.refused(transfer("grant_withdrawal", "10.01"))
    assert refusal == shortage(
        "insufficient_grant", "Less was granted than is to be taken back: 10.00 available, 10.01 asked.", "tenant",
        books.tenant_id, limit="10.00", available="10.00", held="0.00", asked="10.01", resets_at=None,
    )  # fmt: skip
    books.do(transfer("allocation", "9", member_id=member_id))
    # Both are short now: the pool is named first.
    assert books.refused(transfer("grant_withdrawal", "10.01")).code == "insufficient_pool"
    books.do(transfer("grant_withdrawal", "6"))

    assert books.pool == "0.00"


def set_total(level: str) -> SetTotal:
    return SetTotal(actor_id=ACTOR, transfer_id=identity(), total=amount(level), note="as agreed")


@pytest.mark.rule("TRANSFER-10")
@pytest.mark.parametrize(("level", "kind", "moved"), [("15", "grant", 5), ("4", "grant_withdrawal", 6)])
def test_a_total_is_set_by_moving_the_difference(level: str, kind: str, moved: int) -> None:
    books = TestBooks()
    books.fund_pool("10")
    books.do(transfer("purchase", "3"))

    answer = books.do(set_total(level))

    assert answer == Changed("total", moved * 1_000_000, books.now)
    line = books.journal[-1]
    assert (line.kind, line.amount_micro, line.note) == (kind, moved * 1_000_000, "as agreed")
    assert amount(books.pool) == amount(level) + amount("3")


@pytest.mark.rule("TRANSFER-10")
def test_a_total_that_is_set_already_moves_nothing() -> None:
    books = TestBooks()
    books.fund_pool("10")
    lines = len(books.journal)

    assert books.do(set_total("10")) == Changed("total", 0, books.now)
    assert len(books.journal) == lines


@pytest.mark.rule("TRANSFER-10", "REFUSAL-2")
def test_a_total_is_not_set_below_what_is_no_longer_free_in_the_pool() -> None:
    books = TestBooks()
    books.open_member(balance="6")
    books.fund_pool("4")
    books.hold(books.open_member(spends_pool=True), "1.50")

    assert books.refused(set_total("7.49")) == Refusal(
        "total_in_use", "The total cannot be below 7.50: that much is assigned or consumed.",
        field="total", scope="tenant", id=public_id("tenant", books.tenant_id),
        lowest="7.50", present="10.00", asked="7.49",
    )  # fmt: skip
    books.do(set_total("7.50"))

    assert books.pool == "1.50"


@pytest.mark.rule("TRANSFER-10")
def test_what_was_bought_is_not_taken_back_by_a_total_and_a_pool_in_debt_keeps_it() -> None:
    books = TestBooks()
    books.fund_pool("10")
    books.do(transfer("purchase", "5"))
    books.do(set_total("0"))
    assert books.pool == "5.00"

    books.do(set_total("2"))
    spender = books.open_member(spends_pool=True)
    books.do(SettleHold(actor_id=ACTOR, hold_id=books.hold(spender, "7"), cost=amount("8")))

    assert books.pool == "-1.00"
    assert books.refused(set_total("1.99")).facts["lowest"] == "2.00"
    books.do(set_total("3"))
    assert books.pool == "0.00"


@pytest.mark.rule("TRANSFER-3", "REFUSAL-3")
def test_the_first_check_that_fails_is_the_one_that_is_told() -> None:
    books = TestBooks()
    disabled = recipient(books, "disabled")
    too_much = Credits(AMOUNT_MAX_MICRO + 1)

    def tried(kind: str, asked: Credits, note: str | None, member_id: UUID) -> str:
        command = Transfer(
            actor_id=ACTOR, transfer_id=identity(), kind=kind, amount=asked, note=note, member_id=member_id
        )
        return books.refused(command).code

    # Each line mends what the line before was refused for; everything below it is still wrong.
    assert tried("gift", too_much, "n" * 201, identity()) == "kind_unknown"
    assert tried("allocation", too_much, "n" * 201, identity()) == "amount_too_large"
    assert tried("allocation", amount("1"), "n" * 201, identity()) == "note_too_long"
    assert tried("allocation", amount("1"), None, identity()) == "member_unknown"
    assert tried("allocation", amount("1"), None, disabled) == "member_disabled"
    assert tried("allocation", amount("1"), None, books.open_member()) == "insufficient_pool"
