"""docs/rules/refusals.md: every way the ledger can say no is tried here, and the list is checked against the code."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

import bursar
from bursar.domain.accounts import Owner
from bursar.domain.credits import parse_typed
from bursar.domain.cycles import parse_cadence, parse_time_zone
from bursar.domain.ids import parse_public_id
from bursar.domain.refusals import REFUSALS, Broken, Refusal
from bursar.ledger import (
    CloseGroup,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    MoveWallet,
    OpenGroup,
    OpenHold,
    ResetCycle,
    Reverse,
    SetCycleCeiling,
    SetGroupMonthly,
    SetMemberMonthly,
    SetPerCycle,
    SettleHold,
    SetTotal,
    SetWalletStatus,
    Transfer,
    VoidHold,
)
from bursar.ledger.core.funds import _SHORTAGE
from bursar.ledger.core.transfers import reversal_key
from tests.support.books import ACTOR, TestBooks, amount, identity

SOURCES = Path(bursar.__file__).parent

# Where a code is not written out beside `Refusal`, this says which ones it can be.
COMPUTED = {
    ("funds.py", "code"): {code for code, _ in _SHORTAGE.values()},
    ("transfers.py", "f'{owner}_unknown'"): {f"{owner}_unknown" for owner in (Owner.MEMBER, Owner.GROUP)},
    # An answer that was stored with its key is given again: a code that was raised before.
    ("answers.py", "value.code"): set(),
}


class Office:
    """10 in the pool; 100 per cycle, 40 of it the group's; a member with 10 of those and a balance of 5."""

    def __init__(self) -> None:
        self.books = TestBooks()
        self.books.fund_pool("10")
        self.books.budget(per_cycle="100", group="40")
        self.group_id = self.books.default_group_id
        self.member_id = self.books.open_member(monthly="10", balance="5")
        self.books.do(SetCycleCeiling(actor_id=ACTOR, ceiling=amount("200")))

    def transfer(self, kind: str, asked: str, member_id: UUID | None = None, actor_id: UUID = ACTOR) -> Transfer:
        return Transfer(
            actor_id=actor_id, transfer_id=identity(), kind=kind, amount=amount(asked),
            member_id=member_id or self.member_id,
        )  # fmt: skip

    def noted(self, note: str) -> SetPerCycle:
        return SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=amount("100"), note=note)

    def per_cycle(self, level: str) -> SetPerCycle:
        return SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=amount(level))

    def group_monthly(self, level: str) -> SetGroupMonthly:
        return SetGroupMonthly(actor_id=ACTOR, transfer_id=identity(), group_id=self.group_id, monthly=amount(level))

    def monthly(self, level: str) -> SetMemberMonthly:
        return SetMemberMonthly(actor_id=ACTOR, transfer_id=identity(), member_id=self.member_id, monthly=amount(level))

    def reverse(self, reverses_id: UUID) -> Reverse:
        return Reverse(actor_id=ACTOR, transfer_id=identity(), reverses_id=reverses_id)

    def open_hold(self, asked: str, seconds: int = 60) -> OpenHold:
        return OpenHold(
            actor_id=ACTOR, hold_id=identity(), member_id=self.member_id, amount=amount(asked), seconds=seconds
        )

    def held(self) -> UUID:
        return self.books.hold(self.member_id, "12", seconds=60)

    def posted(self, command: Transfer) -> UUID:
        self.books.do(command)
        return command.transfer_id

    def after(self, command: Command, then: Command) -> Command:
        self.books.do(command)
        return then

    def in_full(self) -> Command:
        """A grant that the tenant, who has been issued all that can be kept, has no room for."""
        books = self.books
        grant = self.transfer("grant", "1000000000")
        while not any(outcome.refusal for outcome in books.post(*[grant] * 1000)):
            pass
        return grant

    def expired(self) -> UUID:
        hold_id = self.held()
        self.books.pass_time(seconds=60)
        self.books.do(ExpireHold(actor_id=None, hold_id=hold_id))
        return hold_id


def close_wallet(office: Office) -> CloseWallet:
    return CloseWallet(actor_id=ACTOR, transfer_id=identity(), member_id=office.member_id)


def reversed_twice(office: Office) -> Command:
    original = office.posted(office.transfer("allocation", "1"))
    return office.after(office.reverse(original), office.reverse(original))


def key_used(office: Office) -> Command:
    first = Transfer(actor_id=ACTOR, key="k", transfer_id=identity(), kind="grant", amount=amount("1"))
    return office.after(first, OpenGroup(actor_id=ACTOR, key="k", group_id=identity()))


def settle(hold_id: UUID, cost: str) -> SettleHold:
    return SettleHold(actor_id=ACTOR, hold_id=hold_id, cost=amount(cost))


def void(hold_id: UUID) -> VoidHold:
    return VoidHold(actor_id=ACTOR, hold_id=hold_id)


def voided(office: Office) -> Command:
    hold_id = office.held()
    return office.after(void(hold_id), settle(hold_id, "1"))


def settled(office: Office) -> Command:
    hold_id = office.held()
    return office.after(settle(hold_id, "1"), void(hold_id))


TRIED: dict[str, Callable[[Office], Command]] = {
    "amount_too_small": lambda office: office.transfer("allocation", "0"),
    "amount_too_large": lambda office: office.transfer("allocation", "1000000000.01"),
    "total_too_large": Office.in_full,
    "note_malformed": lambda office: office.noted("two\nlines"),
    "note_too_long": lambda office: office.noted("n" * 201),
    "insufficient_pool": lambda office: office.transfer("allocation", "10.01"),
    "insufficient_balance": lambda office: office.transfer("reclaim", "5.01"),
    "insufficient_quota": lambda office: office.open_hold("15.01"),
    "insufficient_grant": lambda office: office.after(
        office.transfer("purchase", "10"), office.transfer("grant_withdrawal", "15.01")
    ),
    "total_in_use": lambda office: SetTotal(actor_id=ACTOR, transfer_id=identity(), total=amount("4.99")),
    "insufficient_plan": lambda office: office.group_monthly("100.01"),
    "insufficient_budget": lambda office: office.monthly("40.01"),
    "insufficient_allowance": lambda office: office.after(office.open_hold("1"), office.monthly("0")),
    "budget_below_children": lambda office: office.group_monthly("9.99"),
    "budget_above_ceiling": lambda office: office.per_cycle("200.01"),
    "member_unknown": lambda office: office.transfer("allocation", "1", member_id=identity()),
    "group_unknown": lambda office: CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=identity()),
    "hold_unknown": lambda office: void(identity()),
    "transfer_unknown": lambda office: office.reverse(identity()),
    "account_exists": lambda office: OpenGroup(actor_id=ACTOR, group_id=office.group_id),
    "member_disabled": lambda office: office.after(
        SetWalletStatus(actor_id=ACTOR, member_id=office.member_id, is_active=False), office.open_hold("1")
    ),
    "member_deleted": lambda office: office.after(close_wallet(office), close_wallet(office)),
    "recipient_is_actor": lambda office: office.transfer("allocation", "1", actor_id=office.member_id),
    "recipient_spends_pool": lambda office: office.transfer(
        "allocation", "1", member_id=office.books.open_member(spends_pool=True)
    ),
    "group_not_empty": lambda office: CloseGroup(
        actor_id=ACTOR,
        transfer_id=identity(),
        group_id=office.books.wallet(office.books.open_member(group_id=office.books.open_group())).group_id,
    ),
    "group_is_default": lambda office: CloseGroup(actor_id=ACTOR, transfer_id=identity(), group_id=office.group_id),
    "same_group": lambda office: MoveWallet(
        actor_id=ACTOR, transfer_id=identity(), member_id=office.member_id, group_id=office.group_id
    ),
    "hold_settled": settled,
    "hold_voided": voided,
    "hold_expired": lambda office: void(office.expired()),
    "hold_not_due": lambda office: ExpireHold(actor_id=None, hold_id=office.held()),
    "deadline_out_of_bounds": lambda office: ExtendHold(actor_id=ACTOR, hold_id=office.held(), seconds=0),
    "cycle_changed": lambda office: ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=2),
    "key_reused": key_used,
    "key_malformed": lambda office: OpenGroup(actor_id=ACTOR, key="", group_id=identity()),
    "not_reversible": lambda office: office.reverse(office.posted(office.transfer("grant", "1"))),
    "already_reversed": reversed_twice,
    "kind_unknown": lambda office: office.transfer("usage", "1"),
}
"""For each code that a command can be refused with, a command that is."""

READ: dict[str, Callable[[], object]] = {
    "amount_not_decimal": lambda: parse_typed("1e3", field="amount"),
    "amount_too_fine": lambda: parse_typed("0.001", field="amount"),
    "cadence_unknown": lambda: parse_cadence("fortnight"),
    "time_zone_unknown": lambda: parse_time_zone("Mars/Olympus"),
    "invalid_input": lambda: parse_public_id("member", "grp_1", field="member_id"),
}
"""Codes that what is typed can be refused with before it is a command."""

ELSEWHERE = {"tenant_unknown"}
"""Raised by posting, which needs a database: see `test_posting.py`."""


def codes_raised_in(*folders: str) -> set[str]:
    """Every code that the sources in these folders (or files) give to a `Refusal`."""
    found: set[str] = set()
    for folder in folders:
        path = SOURCES / folder
        for source in [path] if path.is_file() else sorted(path.glob("*.py")):
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Refusal":
                    code = node.args[0]
                    if isinstance(code, ast.Constant):
                        found.add(str(code.value))
                    else:
                        found |= COMPUTED[source.name, ast.unparse(code)]
    return found


LEDGER_SOURCES = (
    "ledger/core", "ledger/posting", "ledger/commands.py", "ledger/answers.py", "domain/credits.py",
    "domain/cycles.py", "domain/ids.py",
)  # fmt: skip


@pytest.mark.rule("REFUSAL-1")
def test_every_refusal_the_ledger_can_raise_is_tried_and_none_that_it_cannot() -> None:
    assert codes_raised_in(*LEDGER_SOURCES) == set(TRIED) | set(READ) | ELSEWHERE


@pytest.mark.rule("REFUSAL-1", "COMMAND-6")
@pytest.mark.parametrize("code", sorted(TRIED))
def test_a_refused_command_says_why_and_changes_nothing(code: str) -> None:
    office = Office()
    command = TRIED[code](office)

    refusal = office.books.refused(command)

    assert refusal.code == code
    assert refusal.field in command.__struct_fields__
    assert refusal.detail.endswith(".")
    assert refusal.detail[0].isupper()
    assert all(value is None or isinstance(value, str) for value in refusal.facts.values())


@pytest.mark.rule("REFUSAL-1")
@pytest.mark.parametrize("code", sorted(READ))
def test_what_cannot_be_read_is_refused_with_its_field(code: str) -> None:
    with pytest.raises(Refusal) as caught:
        READ[code]()

    assert caught.value.code == code
    assert caught.value.field is not None
    assert caught.value.detail.endswith(".")


@pytest.mark.rule("REFUSAL-1")
def test_a_refusal_has_a_code_of_the_catalogue_which_says_whether_trying_again_can_help() -> None:
    assert Refusal("insufficient_pool", "No.").kind.retry_may_help
    assert not Refusal("kind_unknown", "No.").kind.retry_may_help
    assert all(kind.code == code and kind.title and kind.meaning.endswith(".") for code, kind in REFUSALS.items())

    with pytest.raises(Broken, match="catalogue"):
        Refusal("no_such_code", "No.")


SHORTAGES = sorted(code for code in TRIED if code.startswith("insufficient"))


@pytest.mark.rule("REFUSAL-2")
@pytest.mark.parametrize("code", SHORTAGES)
def test_a_shortage_says_whose_it_is_what_there_is_what_was_asked_and_when_it_renews(code: str) -> None:
    office = Office()
    facts = office.books.refused(TRIED[code](office)).facts

    assert {"scope", "id", "limit", "available", "held", "asked", "resets_at"} <= set(facts)
    assert (facts["scope"], (facts["id"] or "")[:4]) in {("tenant", "ten_"), ("group", "grp_"), ("member", "mem_")}
    limit, available, held, asked = (amount(facts[name] or "") for name in ("limit", "available", "held", "asked"))
    assert asked > available
    # A group's budget per cycle is bounded by what it can promise; everything else by what is there.
    assert available + held == limit or code == "insufficient_budget"
    assert facts["resets_at"] in (None, "2026-04-01T00:00:00+00:00")


@pytest.mark.rule("COMMAND-7")
def test_the_ledgers_own_keys_are_written_as_no_callers_key_is() -> None:
    office = Office()
    original = office.posted(office.transfer("allocation", "1"))
    taken = OpenGroup(actor_id=ACTOR, key=reversal_key(original), group_id=identity())

    office.books.do(taken)
    office.books.do(office.reverse(original))

    assert office.books.refused(office.reverse(original)).code == "already_reversed"
