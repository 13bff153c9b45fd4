"""The model: a tenant's credits kept the slow and obvious way, written from the rules and not from the ledger.

Accounts are entries of one dictionary. Nothing is cached: what is held is the sum over open holds, what a group has
given out is the sum over its members, and at the end of a cycle every single account is emptied and filled again.
The commands are in `deeds`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tests.ledger.model.calendar import next_boundary

Account = tuple[str, UUID | str | None]

POOL: Account = ("pool", None)
PLAN: Account = ("plan", None)
EXPIRED: Account = ("expired", None)

MAY_OWE = {"issued", "pool", "member_balance"}
IN_THE_POT = {"plan", "group_allowance", "member_allowance"}
LASTING_ONE_CYCLE = {"group_allowance", "member_allowance"}


class No(Exception):
    """The model refuses: a code, and the figures that the refusal must show."""

    def __init__(self, code: str, **facts: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass
class Member:
    group: UUID
    spends_pool: bool
    status: str = "active"
    monthly: int = 0


@dataclass
class Team:
    is_default: bool
    monthly: int = 0
    is_shared: bool = False
    is_closed: bool = False


@dataclass
class Leg:
    """A part of a hold: whose credits it took, and where they are kept now."""

    origin: Account
    kept_in: Account
    micro: int


@dataclass
class Reservation:
    """A hold."""

    member: UUID
    opener: UUID | None
    body: object
    amount: int
    cycle: int
    opened_at: datetime
    expires_at: datetime
    legs: list[Leg]
    state: str = "open"
    charged: int = 0
    overrun: int = 0
    closed_at: datetime | None = None
    closed_cycle: int | None = None


@dataclass
class Posted:
    """A transfer that somebody posted."""

    kind: str
    member: UUID | None
    group: UUID | None
    micro: int
    is_reversed: bool = False


@dataclass
class Office:
    """Everything the model knows of one tenant."""

    now: datetime
    cadence: str
    time_zone: str
    cycle: int = 1
    started_at: datetime = field(init=False)
    ends_at: datetime = field(init=False)
    per_cycle: int = 0
    ceiling: int | None = None
    are_expired_charged: bool = False
    accounts: Counter[Account] = field(default_factory=Counter)
    members: dict[UUID, Member] = field(default_factory=dict)
    groups: dict[UUID, Team] = field(default_factory=dict)
    holds: dict[UUID, Reservation] = field(default_factory=dict)
    posted: dict[UUID, Posted] = field(default_factory=dict)
    used: Counter[UUID] = field(default_factory=Counter)
    used_of_pot: int = 0
    shared_use: Counter[UUID] = field(default_factory=Counter)
    issued_this_cycle: int = 0

    def __post_init__(self) -> None:
        self.started_at = self.now
        self.ends_at = next_boundary(self.now, self.cadence, self.time_zone)

    # -- Credits ------------------------------------------------------------------------------------------------------

    def give(self, source: Account, target: Account, micro: int) -> None:
        """Move credits. Only three kinds of account may owe."""
        assert micro >= 0
        self.accounts[source] -= micro
        self.accounts[target] += micro
        assert self.accounts[source] >= 0 or source[0] in MAY_OWE, (source, self.accounts[source])

    def held(self, account: Account) -> int:
        """What open holds keep of an account."""
        return sum(
            leg.micro
            for hold in self.holds.values()
            if hold.state == "open"
            for leg in hold.legs
            if leg.kept_in == account
        )

    def free(self, account: Account) -> int:
        """What an account has and no hold keeps."""
        return self.accounts[account] - self.held(account)

    def need(self, account: Account, micro: int) -> None:
        """Refuse unless this much of the account is free."""
        free, held = self.free(account), self.held(account)
        if account[0] == "issued":
            free = -self.accounts[account]
        if free >= micro:
            return
        code = {
            "pool": "insufficient_pool",
            "plan": "insufficient_plan",
            "issued": "insufficient_grant",
            "group_allowance": "insufficient_budget",
            "member_allowance": "insufficient_allowance",
        }.get(account[0], "insufficient_balance")
        raise No(code, limit=text(free + held), available=text(free), held=text(held), asked=text(micro))

    # -- Budgets ------------------------------------------------------------------------------------------------------

    def handed_to_members(self, group: UUID) -> int:
        """What the group's members get each cycle."""
        return sum(member.monthly for member in self.members.values() if member.group == group)

    def handed_to_groups(self) -> int:
        """What the groups get each cycle."""
        return sum(group.monthly for group in self.groups.values())

    def count_in(self, group: UUID) -> int:
        """How many members a group has."""
        return sum(1 for member in self.members.values() if member.group == group and member.status != "deleted")

    # -- Cycles -------------------------------------------------------------------------------------------------------

    def turn_clock(self, now: datetime) -> None:
        """Time passes; every cycle that ends is ended, one by one."""
        self.now = max(self.now, now)
        while self.ends_at <= self.now:
            self.start_cycle(self.ends_at)

    def start_cycle(self, started_at: datetime) -> None:
        """End the running cycle and start the next one: empty every account of the pot and fill it again."""
        for hold_id, hold in self.holds.items():
            for leg in hold.legs:
                if hold.state == "open" and leg.kept_in[0] in LASTING_ONE_CYCLE:
                    self.give(leg.kept_in, ("carried", hold_id), leg.micro)
                    leg.kept_in = ("carried", hold_id)
        for account in list(self.accounts):
            if account[0] in IN_THE_POT:
                self.give(account, EXPIRED, self.accounts[account])
        self.cycle += 1
        self.started_at = started_at
        self.ends_at = next_boundary(started_at, self.cadence, self.time_zone)
        self.used.clear()
        self.shared_use.clear()
        self.used_of_pot = 0
        self.issued_this_cycle = self.per_cycle
        self.give(("issued", "issued.cycle"), PLAN, self.per_cycle)
        for group_id, group in self.groups.items():
            self.give(PLAN, ("group_allowance", group_id), group.monthly)
        for member_id, member in self.members.items():
            self.give(("group_allowance", member.group), ("member_allowance", member_id), member.monthly)

    # -- Spending -----------------------------------------------------------------------------------------------------

    def purses(self, member_id: UUID) -> list[Account]:
        """What the member spends from, in order."""
        member = self.members[member_id]
        if member.spends_pool:
            return [POOL]
        own: list[Account] = [("member_allowance", member_id), ("member_balance", member_id)]
        if self.groups[member.group].is_shared:
            own += [("group_allowance", member.group), ("group_balance", member.group)]
        return own

    def spendable(self, member_id: UUID) -> int:
        """What the member can still use."""
        return sum(self.free(account) for account in self.purses(member_id))

    def pick(self, member_id: UUID, micro: int) -> list[tuple[Account, int]]:
        """Which accounts an amount comes out of; less than the amount if there is not enough."""
        picked = []
        for account in self.purses(member_id):
            part = max(min(self.free(account), micro), 0)
            if part:
                picked.append((account, part))
            micro -= part
        return picked

    def charge(self, member_id: UUID, account: Account, micro: int) -> None:
        """Credits are consumed."""
        self.give(account, ("consumed", member_id), micro)
        self.count_use(member_id, account, micro)

    def count_use(self, member_id: UUID, account: Account, micro: int) -> None:
        """Consumption (or, negative, a refund) counts as used in the running cycle."""
        self.used[member_id] += micro
        if account[0] in IN_THE_POT:
            self.used_of_pot += micro
        if account[0] in ("group_allowance", "group_balance"):
            assert isinstance(account[1], UUID)
            self.shared_use[account[1]] += micro

    def hand_in(self, member_id: UUID) -> None:
        """Somebody deleted, or who spends from the pool, keeps nothing but what holds keep."""
        member = self.members[member_id]
        if member.status != "deleted" and not member.spends_pool:
            return
        balance: Account = ("member_balance", member_id)
        if self.accounts[balance] < 0:
            debt = -self.accounts[balance]
            paid = min(debt, max(self.free(POOL), 0))
            self.give(POOL, balance, paid)
            self.give(("issued", "issued.adjustment"), balance, debt - paid)
        else:
            self.give(balance, POOL, max(self.free(balance), 0))
        allowance: Account = ("member_allowance", member_id)
        budget = PLAN if self.groups[member.group].is_closed else ("group_allowance", member.group)
        self.give(allowance, budget, self.free(allowance))


def text(micro: int) -> str:
    """An amount as refusals show it: credits with two to six decimals."""
    shown = f"{Decimal(micro) / 1_000_000:.6f}"
    while shown[-1] == "0" and shown[-3] != ".":
        shown = shown[:-1]
    return shown
