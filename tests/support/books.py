"""A tenant's books for tests of the rules: the real core between the real loading and the real writing, in memory.

Rows are kept between batches, only what loading asks for is loaded, and a change that the core forgot to mark for
writing is found at once. After every batch the books are checked: see `check_books`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from bursar.domain.accounts import Account
from bursar.domain.credits import MICRO_PER_CREDIT, Credits, decimal_text
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Answer,
    Command,
    Held,
    HoldClosed,
    OpenGroup,
    OpenHold,
    OpenWallet,
    Outcome,
    SetGroupMonthly,
    SetMemberMonthly,
    SetPerCycle,
    SettleHold,
    ShareGroup,
    Transfer,
    open_books,
)
from bursar.ledger.core import books as core_books
from bursar.ledger.core.decide import decide
from bursar.ledger.core.rows import Control, Group, Hold, Issued, Line, Wallet
from bursar.ledger.posting import tables
from bursar.ledger.posting.loading import load
from bursar.ledger.posting.writing import write
from tests.support.tables_in_memory import TablesInMemory, finish, rows_of

NOON: datetime = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""When the books of a test begin unless it says otherwise: the 10th of a month, in the middle of a day."""

ACTOR = UUID(int=0xAC)
"""An admin who is not a member of the books of these tests."""

_numbers = count(1)


def identity() -> UUID:
    """An id that no other has."""
    return UUID(int=0xB000_0000 + next(_numbers))


def amount(text: str) -> Credits:
    """An amount as a test writes it: any at all, negative ones and too large ones included."""
    return Credits(int(Decimal(text) * MICRO_PER_CREDIT))


class TestBooks:
    """One tenant. Amounts go in and come out as decimal strings, as people would see them."""

    __test__ = False

    def __init__(self, *, cadence: str = "calendar_month", time_zone: str = "UTC", now: datetime = NOON) -> None:
        self.tables = TablesInMemory()
        self.tenant_id = identity()
        self.default_group_id = identity()
        self.now = now
        finish(
            open_books(
                self.tables.transaction,
                self.tenant_id,
                default_group_id=self.default_group_id,
                cadence=cadence,
                time_zone=time_zone,
                now=now,
            )
        )

    # -- Posting ------------------------------------------------------------------------------------------------------

    def post(self, *commands: Command) -> list[Outcome]:
        """Load, decide, write; the outcome of each command."""
        loaded = finish(load(self.tables.transaction, {self.tenant_id: commands}, lambda _: self.now))
        books = loaded[self.tenant_id]
        outcomes = decide(books, commands)
        self._check_marks(books)
        finish(write(self.tables.transaction, [books], identity()))
        check_books(self)
        return outcomes

    def do(self, command: Command) -> Answer:
        """The answer to a command that is not refused, posted in a batch of its own."""
        (outcome,) = self.post(command)
        return outcome.unwrap()

    def refused(self, command: Command) -> Refusal:
        """The refusal of a command, having seen that it changed no account and wrote no line."""
        before = self.accounts()
        lines = len(self.journal)
        (outcome,) = self.post(command)
        assert outcome.refusal is not None, f"not refused: {outcome.answer}"
        assert self.accounts() == before
        assert len(self.journal) == lines
        return outcome.refusal

    def pass_time(self, **parts: float) -> None:
        """Turn the clock on, by what `timedelta` takes."""
        self.now += timedelta(**parts)

    # -- Setting up ---------------------------------------------------------------------------------------------------

    def fund_pool(self, credits_text: str) -> None:
        """Grant credits to the pool."""
        self.do(_transfer("grant", credits_text))

    def budget(self, *, per_cycle: str, group: str = "0.00") -> None:
        """Set credits per cycle, and the monthly budget of the default group."""
        self.do(SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=amount(per_cycle)))
        self.set_group_monthly(self.default_group_id, group)

    def set_group_monthly(self, group_id: UUID, monthly: str) -> None:
        """Set a group's budget."""
        self.do(SetGroupMonthly(actor_id=ACTOR, transfer_id=identity(), group_id=group_id, monthly=amount(monthly)))

    def set_monthly(self, member_id: UUID, monthly: str) -> None:
        """Set a member's allowance per cycle."""
        self.do(SetMemberMonthly(actor_id=ACTOR, transfer_id=identity(), member_id=member_id, monthly=amount(monthly)))

    def open_group(self, *, is_shared: bool = False, monthly: str | None = None, balance: str | None = None) -> UUID:
        """Another group."""
        group_id = identity()
        self.do(OpenGroup(actor_id=ACTOR, group_id=group_id))
        if is_shared:
            self.do(ShareGroup(actor_id=ACTOR, group_id=group_id, is_shared=True))
        if monthly is not None:
            self.set_group_monthly(group_id, monthly)
        if balance is not None:
            self.fund_pool(balance)
            self.do(_transfer("group_allocation", balance, group_id=group_id))
        return group_id

    def open_member(
        self,
        *,
        group_id: UUID | None = None,
        monthly: str | None = None,
        balance: str | None = None,
        spends_pool: bool = False,
    ) -> UUID:
        """A member, of the default group unless another is named; its balance is granted to the pool and allocated."""
        member_id = identity()
        self.do(
            OpenWallet(
                actor_id=ACTOR,
                member_id=member_id,
                group_id=group_id or self.default_group_id,
                spends_pool=spends_pool,
            )
        )
        if monthly is not None:
            self.set_monthly(member_id, monthly)
        if balance is not None:
            self.fund_pool(balance)
            self.do(_transfer("allocation", balance, member_id=member_id))
        return member_id

    def hold(self, member_id: UUID, credits_text: str, *, seconds: int = 600) -> UUID:
        """Open a hold; its id."""
        hold_id = identity()
        answer = self.do(
            OpenHold(actor_id=ACTOR, hold_id=hold_id, member_id=member_id, amount=amount(credits_text), seconds=seconds)
        )
        assert isinstance(answer, Held)
        return hold_id

    def settle(self, hold_id: UUID, cost: str) -> HoldClosed:
        """Settle a hold."""
        answer = self.do(SettleHold(actor_id=ACTOR, hold_id=hold_id, cost=amount(cost)))
        assert isinstance(answer, HoldClosed)
        return answer

    # -- Reading ------------------------------------------------------------------------------------------------------

    @property
    def control(self) -> Control:
        """The control row."""
        return Control(**self._row(tables.CONTROL, self.tenant_id))

    def wallet(self, member_id: UUID) -> Wallet:
        """The member's row as it is stored; it may not have rolled over."""
        return Wallet(**self._row(tables.WALLETS, self.tenant_id, member_id))

    def group(self, group_id: UUID | None = None) -> Group:
        """A group's row as it is stored, the default group's if none is named."""
        return Group(**self._row(tables.GROUPS, self.tenant_id, group_id or self.default_group_id))

    def hold_row(self, hold_id: UUID) -> Hold:
        """The hold's row."""
        return Hold(**self._row(tables.HOLDS, self.tenant_id, hold_id))

    @property
    def journal(self) -> list[Line]:
        """Every line, in order."""
        return [Line(**row) for row in rows_of(self.tables, tables.JOURNAL, self.tenant_id)]

    def moves(self, since: int = 0) -> list[tuple[str, str, str, str]]:
        """The journal from a line on, as (kind, source, target, amount)."""
        return [(line.kind, line.source, line.target, decimal_text(line.amount_micro)) for line in self.journal[since:]]

    @property
    def pool(self) -> str:
        """What the pool has."""
        return decimal_text(self.control.pool_micro)

    def balance(self, member_id: UUID) -> str:
        """What the member's balance is, holds included."""
        return decimal_text(self.wallet(member_id).balance_micro)

    def allowance(self, member_id: UUID) -> str:
        """What the member's allowance is in the running cycle, holds included."""
        return decimal_text(self._view().allowance(self.wallet(member_id)))

    def group_allowance(self, group_id: UUID | None = None) -> str:
        """What the group has of its budget in the running cycle and has not given to a member."""
        return decimal_text(self._view().allowance(self.group(group_id)))

    def group_balance(self, group_id: UUID | None = None) -> str:
        """What the group's balance is."""
        return decimal_text(self.group(group_id).balance_micro)

    @property
    def plan(self) -> str:
        """What of the cycle's budget no group has been given."""
        return decimal_text(self.control.plan_micro)

    def used(self, member_id: UUID) -> str:
        """What the member has used in the running cycle."""
        wallet = self.wallet(member_id)
        return decimal_text(wallet.used_micro if wallet.epoch == self.control.epoch else 0)

    def consumed(self, member_id: UUID) -> str:
        """What the member has spent in its life."""
        return decimal_text(self.wallet(member_id).consumed_micro)

    @property
    def expired(self) -> str:
        """What has lapsed unused in the life of the tenant."""
        return decimal_text(self.control.expired_micro)

    def accounts(self) -> dict[str, Any]:
        """Everything that has an amount, as stored: what must not change when a command is refused."""
        kept = ("last_posted_at", "batch_number", "chain_hash")
        return {
            f"{table.name}.{key}": {name: value for name, value in row.items() if name not in kept}
            for table in (tables.CONTROL, tables.ISSUED, tables.GROUPS, tables.WALLETS, tables.HOLDS)
            for key, row in self.tables.rows[table.name].items()
        }

    def _view(self) -> core_books.Books:
        return core_books.Books(self.control, self.now)

    def _row(self, table: tables.Table, *key: UUID) -> dict[str, Any]:
        row = self.tables.find(table, *key)
        assert row is not None, f"{table.name} has no {key}"
        return row

    # -- Checking -----------------------------------------------------------------------------------------------------

    def _check_marks(self, books: core_books.Books) -> None:
        """What the core changed and did not mark would be lost: find it."""
        if not books.is_changed:
            assert books.control == self.control, "the control row changed, and nothing says so"
        for wallet in books.wallets.values():
            if wallet.member_id not in books.touched_wallets:
                assert wallet == self.wallet(wallet.member_id), "a wallet changed unmarked"
        for group in books.groups.values():
            if group.group_id not in books.touched_groups:
                assert group == self.group(group.group_id), "a group changed unmarked"
        for issued in books.issued.values():
            if issued.account not in books.touched_issued:
                stored = self.tables.find(tables.ISSUED, self.tenant_id, issued.account)
                blank = Issued(self.tenant_id, issued.account, 0, 0)
                assert issued == (Issued(**stored) if stored else blank), "an issued account changed unmarked"
        for hold in books.holds.values():
            is_new = books.touched_holds.get(hold.hold_id)
            if is_new:
                continue
            written = tables.HOLDS_CHANGED.names if is_new is False else ()
            stored_hold = self.hold_row(hold.hold_id)
            expected = replace(stored_hold, **{name: getattr(hold, name) for name in written})
            assert hold == expected, "a hold changed in a way that is not written"


def check_books(books: TestBooks) -> None:
    """Assert that the books hold together: totals and their parts, what is held, and each account's history."""
    control = books.control
    wallets = [Wallet(**row) for row in rows_of(books.tables, tables.WALLETS, books.tenant_id)]
    groups = [Group(**row) for row in rows_of(books.tables, tables.GROUPS, books.tenant_id)]
    holds = [Hold(**row) for row in rows_of(books.tables, tables.HOLDS, books.tenant_id)]
    issued = [Issued(**row) for row in rows_of(books.tables, tables.ISSUED, books.tenant_id)]
    holders: list[Wallet | Group] = [*wallets, *groups]
    current = [row for row in holders if row.epoch == control.epoch]
    is_open = [hold for hold in holds if hold.state == "open"]

    assert (
        control.issued_micro + control.pool_micro + control.pot_micro + control.pot_previous_micro
        + control.groups_micro + control.members_micro + control.consumed_micro + control.expired_micro
    ) == 0  # fmt: skip
    assert control.issued_micro == sum(row.issued_micro for row in issued)
    assert control.members_micro == sum(row.balance_micro for row in wallets)
    assert control.consumed_micro == sum(row.consumed_micro for row in wallets)
    assert control.groups_micro == sum(row.balance_micro for row in groups)
    allowances = sum(row.allowance_micro for row in holders)
    assert control.pot_micro == control.plan_micro + control.cycle_micro + allowances

    assert control.pot_held_micro == sum(row.allowance_held_micro for row in current)
    assert control.pot_held_micro == sum(
        hold.allowance_micro + hold.group_allowance_micro for hold in is_open if hold.epoch == control.epoch
    )
    assert control.pot_previous_micro == sum(
        hold.allowance_micro + hold.group_allowance_micro for hold in is_open if hold.epoch != control.epoch
    )
    assert control.members_held_micro == sum(row.balance_held_micro for row in wallets)
    assert control.members_held_micro == sum(hold.balance_micro for hold in is_open)
    assert control.groups_held_micro == sum(row.balance_held_micro for row in groups)
    assert control.groups_held_micro == sum(hold.group_balance_micro for hold in is_open)
    assert control.pool_held_micro == sum(hold.pool_micro for hold in is_open)

    assert control.groups_monthly_micro == sum(row.monthly_micro for row in groups) <= control.per_cycle_micro
    for group in groups:
        members = [wallet for wallet in wallets if wallet.group_id == group.group_id and wallet.status != "deleted"]
        assert group.members_monthly_micro == sum(wallet.monthly_micro for wallet in members) <= group.monthly_micro
        assert group.members_count == len(members)
        assert group.balance_micro >= group.balance_held_micro >= 0
        assert group.shared_used_micro >= 0
    for row in holders:
        assert row.allowance_micro >= row.allowance_held_micro >= 0
    for wallet in wallets:
        assert min(wallet.used_micro, wallet.consumed_micro, wallet.balance_held_micro, wallet.monthly_micro) >= 0
    assert control.epoch_used_micro == sum(row.used_micro for row in wallets if row.epoch == control.epoch)
    _check_history(books)


def _check_history(books: TestBooks) -> None:
    """Each *before* is the last *after* of its account, and each account has counted its transfers."""
    after: dict[tuple[str, UUID | None], int] = {}
    sequence: dict[tuple[str, UUID | None], int] = {}
    for line in books.journal:
        for sign, account, owner, left, number in (
            (-1, line.source, line.source_id, line.source_after_micro, line.source_sequence),
            (1, line.target, line.target_id, line.target_after_micro, line.target_sequence),
        ):
            place = (account, owner)
            assert left == after.get(place, 0) + sign * line.amount_micro, f"a gap in {place}: {line}"
            assert number == sequence.get(place, 0) + 1, f"a gap in the count of {place}: {line}"
            after[place], sequence[place] = left, number
    assert after.get((Account.POOL, None), 0) == books.control.pool_micro


def _transfer(kind: str, credits_text: str, *, member_id: UUID | None = None, group_id: UUID | None = None) -> Transfer:
    return Transfer(
        actor_id=ACTOR,
        transfer_id=identity(),
        kind=kind,
        amount=amount(credits_text),
        member_id=member_id,
        group_id=group_id,
    )
