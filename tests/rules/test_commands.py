"""docs/rules/commands.md, example by example: over the core in memory, and through PostgreSQL where it remembers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import writing
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Command,
    ExpireHold,
    OpenGroup,
    OpenHold,
    OpenWallet,
    Outcome,
    Reverse,
    SettleHold,
    ShareGroup,
    Transfer,
)
from bursar.ledger.commands import fingerprint
from tests.support.books import ACTOR, NOON, TestBooks, amount, identity


def allocate(member_id: UUID, asked: str, *, key: str | None = None, actor_id: UUID = ACTOR) -> Transfer:
    return Transfer(
        actor_id=actor_id, key=key, transfer_id=identity(), kind="allocation", amount=amount(asked),
        member_id=member_id,
    )  # fmt: skip


def grant(asked: str, *, key: str | None = None) -> Transfer:
    return Transfer(actor_id=ACTOR, key=key, transfer_id=identity(), kind="grant", amount=amount(asked))


@pytest.mark.rule("COMMAND-1")
def test_a_key_that_has_been_used_gets_the_first_answer_and_moves_nothing() -> None:
    books = TestBooks()
    first = books.do(grant("10", key="k"))
    books.do(grant("5"))
    books.pass_time(days=400)
    lines = len(books.journal)

    (again,) = books.post(grant("10", key="k"))
    (same_batch, twice) = books.post(grant("1", key="l"), grant("1", key="l"))

    assert again == Outcome(first, None, replayed=True)
    assert (twice.answer, twice.replayed) == (same_batch.answer, True)
    assert (books.pool, same_batch.replayed) == ("16.00", False)
    assert [kind for kind, *_ in books.moves(lines)].count("grant") == 1


@pytest.mark.rule("COMMAND-1")
def test_without_a_key_the_same_command_is_done_twice() -> None:
    books = TestBooks()
    command = grant("10")

    books.post(command, command)

    assert books.pool == "20.00"


@pytest.mark.rule("COMMAND-2")
def test_the_same_key_with_a_different_command_is_refused() -> None:
    books = TestBooks()
    books.fund_pool("10")
    one, two = books.open_member(), books.open_member()
    books.do(allocate(one, "1", key="k"))
    reused = Refusal("key_reused", "This key was used for a different command.", field="key")

    for other in (
        allocate(one, "1.01", key="k"),
        allocate(two, "1", key="k"),
        grant("1", key="k"),
        ShareGroup(actor_id=ACTOR, key="k", group_id=one, is_shared=True),
    ):
        assert books.refused(other) == reused

    # The id that is made for the transfer is not what somebody asked for.
    (again,) = books.post(allocate(one, "1", key="k"))
    assert again.replayed


@pytest.mark.rule("COMMAND-2")
def test_every_part_of_a_command_but_its_key_and_its_transfers_id_tells_it_from_others() -> None:
    member_id, group_id = identity(), identity()
    parts = {"actor_id": ACTOR, "kind": "allocation", "amount": Credits(5), "member_id": member_id, "note": "n"}
    changed = {"actor_id": None, "kind": "reclaim", "amount": Credits(6), "member_id": group_id, "note": None}
    command = Transfer(transfer_id=identity(), key="k", **parts)  # type: ignore[arg-type]

    assert fingerprint(command) == fingerprint(Transfer(transfer_id=identity(), key="other", **parts))  # type: ignore[arg-type]
    for name, value in changed.items():
        other = Transfer(transfer_id=command.transfer_id, key="k", **(parts | {name: value}))  # type: ignore[arg-type]
        assert fingerprint(other) != fingerprint(command), name


def a_days_commands(books: TestBooks) -> list[Command]:
    """Commands that depend on each other, some of them refused."""
    one, two, group_id, hold_id = identity(), identity(), identity(), identity()
    given = allocate(one, "6")
    return [
        OpenGroup(actor_id=ACTOR, group_id=group_id),
        OpenWallet(actor_id=ACTOR, member_id=one, group_id=group_id),
        OpenWallet(actor_id=ACTOR, member_id=two, group_id=books.default_group_id),
        allocate(one, "1", key="too early"),
        grant("10"),
        given,
        allocate(two, "4.01"),
        OpenHold(actor_id=one, hold_id=hold_id, member_id=one, amount=amount("2"), seconds=60),
        allocate(one, "1", key="too early"),
        Reverse(actor_id=ACTOR, transfer_id=identity(), reverses_id=given.transfer_id),
        SettleHold(actor_id=one, hold_id=hold_id, cost=amount("7")),
        ExpireHold(actor_id=None, hold_id=hold_id),
        allocate(one, "2", key="k"),
        allocate(one, "2", key="k"),
        grant("3", key="k"),
    ]


@pytest.mark.rule("COMMAND-3")
def test_it_does_not_matter_how_commands_are_cut_into_batches() -> None:
    def lived(*sizes: int) -> tuple[list[Outcome], list[tuple[str, str, int, str, int]]]:
        books = TestBooks()
        commands, outcomes, start = a_days_commands(books), [], 0
        for size in sizes:
            outcomes += books.post(*commands[start : start + size])
            start += size
        assert start == len(commands)
        lines = [
            (line.kind, line.source, line.source_after_micro, line.target, line.target_after_micro)
            for line in books.journal
        ]
        return outcomes, lines

    whole, lines = lived(15)

    assert [outcome.refusal and outcome.refusal.code for outcome in whole] == [
        None, None, None, "insufficient_pool", None, None, "insufficient_pool", None, "insufficient_pool",
        "insufficient_balance", None, None, None, None, "key_reused",
    ]  # fmt: skip
    for sizes in ([1] * 15, [7, 8], [5, 1, 4, 5]):
        outcomes, same_lines = lived(*sizes)
        assert same_lines == lines
        for outcome, expected in zip(outcomes, whole, strict=True):
            assert type(outcome.answer) is type(expected.answer)
            assert (outcome.refusal and outcome.refusal.code) == (expected.refusal and expected.refusal.code)
            assert outcome.replayed == expected.replayed


@pytest.mark.rule("COMMAND-4")
@pytest.mark.parametrize("key", ["", "k" * 201, "a\nb", "a\x00", "\u00fc", "\u200b", "caf\u00e9", "\x7f"])
def test_a_key_has_1_to_200_printable_ascii_characters(key: str) -> None:
    books = TestBooks()

    assert books.refused(grant("1", key=key)) == Refusal(
        "key_malformed", "An idempotency key has 1 to 200 printable ASCII characters.", field="key"
    )
    for allowed in ("k", "k" * 200, "a b~!", "0"):
        books.do(grant("1", key=allowed))

    assert books.pool == "4.00"


@pytest.mark.rule("COMMAND-5")
def test_a_refusal_is_remembered_for_24_hours_and_success_for_good() -> None:
    books = TestBooks()
    member_id = books.open_member()
    refusal = books.refused(allocate(member_id, "1", key="k"))
    books.fund_pool("10")

    books.pass_time(hours=24, microseconds=-1)
    assert books.post(allocate(member_id, "1", key="k")) == [Outcome(None, refusal, replayed=True)]
    assert books.balance(member_id) == "0.00"

    books.pass_time(microseconds=1)
    (done,) = books.post(allocate(member_id, "1", key="k"))
    assert (done.replayed, books.balance(member_id)) == (False, "1.00")

    books.pass_time(days=10_000)
    assert books.post(allocate(member_id, "1", key="k"))[0].replayed
    assert books.balance(member_id) == "1.00"


@pytest.mark.rule("COMMAND-6")
def test_a_refused_command_changes_nothing_and_those_beside_it_are_not_touched() -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id = books.open_member()

    outcomes = books.post(allocate(member_id, "4"), allocate(member_id, "6.01"), allocate(member_id, "6"))

    assert [outcome.refusal is None for outcome in outcomes] == [True, False, True]
    assert (books.pool, books.balance(member_id)) == ("0.00", "10.00")


@pytest.mark.rule("COMMAND-7")
def test_the_same_key_of_another_caller_is_another_key() -> None:
    books = TestBooks()
    books.fund_pool("10")
    one = books.open_member()
    books.do(allocate(one, "1", key="k"))

    books.do(allocate(one, "1", key="k", actor_id=identity()))

    assert books.balance(one) == "2.00"


@pytest.mark.rule("COMMAND-7")
def test_a_callers_key_never_meets_one_of_the_ledgers_own() -> None:
    books = TestBooks()
    books.fund_pool("10")
    member_id = books.open_member()
    given = allocate(member_id, "4")
    books.do(given)
    own = f"reverse:{given.transfer_id.hex}"

    for key in (own, f"key:{own}"):
        books.do(grant("1", key=key))
    books.do(Reverse(actor_id=ACTOR, key=own + ".", transfer_id=identity(), reverses_id=given.transfer_id))

    assert books.balance(member_id) == "0.00"


@pytest.mark.rule("COMMAND-1", "COMMAND-2", "COMMAND-5")
async def test_what_was_answered_to_a_key_is_kept_with_its_effect_in_the_database(database: Database) -> None:
    tenant_id, member_id, group_id = identity(), identity(), identity()

    async def post(days: int, *commands: Command) -> list[Outcome]:
        async with writing(database, tenant_id) as transaction:
            return await ledger.post(transaction, tenant_id, commands, lambda _: NOON + timedelta(days=days))

    async with writing(database, tenant_id) as transaction:
        await ledger.open_books(
            transaction, tenant_id, default_group_id=group_id, cadence="calendar_month", time_zone="UTC", now=NOON
        )
    opening = OpenWallet(actor_id=ACTOR, member_id=member_id, group_id=group_id)
    (_, done, refused) = await post(0, opening, grant("10", key="done"), allocate(member_id, "10.01", key="refused"))
    await post(0, grant("5"))

    assert await post(0, grant("10", key="done"), allocate(member_id, "10.01", key="refused")) == [
        done._replace(replayed=True), refused._replace(replayed=True),
    ]  # fmt: skip
    (other,) = await post(0, grant("11", key="done"))
    assert other.refusal is not None
    assert other.refusal.code == "key_reused"

    (still_done, tried_again) = await post(1, grant("10", key="done"), allocate(member_id, "10.01", key="refused"))
    assert still_done == done._replace(replayed=True)
    assert (tried_again.replayed, tried_again.refusal) == (False, None)
