"""The chart of accounts: every place credits can be, and which of them may fall below zero.

A tenant's books are double entry. Each *account* belongs to one *class*; the tenant's control row keeps one total
per class, and those totals always sum to zero. Read next: `transfers`, which says what may move between accounts.

Rule: ACCOUNT-1
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AccountClass(StrEnum):
    """The eight totals of a tenant's control row. They sum to zero after every transfer."""

    ISSUED = "issued"
    POOL = "pool"
    POT = "pot"
    POT_PREVIOUS = "pot_previous"
    GROUPS = "groups"
    MEMBERS = "members"
    CONSUMED = "consumed"
    EXPIRED = "expired"


class Account(StrEnum):
    """The kinds of account. Those of a group or member exist once for each of them."""

    ISSUED_PURCHASE = "issued.purchase"
    ISSUED_REDEMPTION = "issued.redemption"
    ISSUED_GRANT = "issued.grant"
    ISSUED_CYCLE = "issued.cycle"
    ISSUED_ADJUSTMENT = "issued.adjustment"
    POOL = "pool"
    PLAN = "plan"
    CYCLE = "cycle"
    GROUP_ALLOWANCE = "group_allowance"
    MEMBER_ALLOWANCE = "member_allowance"
    POT_PREVIOUS = "pot_previous"
    GROUP_BALANCE = "group_balance"
    MEMBER_BALANCE = "member_balance"
    CONSUMED = "consumed"
    EXPIRED = "expired"


class Owner(StrEnum):
    """Whose account it is: the tenant has one, or each group or each member has one."""

    TENANT = "tenant"
    GROUP = "group"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class AccountRule:
    """One row of the chart: the account's class, whose it is, when it may be negative, and what it means."""

    account: Account
    account_class: AccountClass
    owner: Owner
    below_zero: str
    meaning: str


_A, _C, _O = Account, AccountClass, Owner
_ALWAYS = "always: it is where credits come from"
_NEVER = "never"

CHART: tuple[AccountRule, ...] = (
    AccountRule(_A.ISSUED_PURCHASE, _C.ISSUED, _O.TENANT, _ALWAYS, "Credits the tenant has bought."),
    AccountRule(_A.ISSUED_REDEMPTION, _C.ISSUED, _O.TENANT, _ALWAYS, "Credits that came in by redemption code."),
    AccountRule(_A.ISSUED_GRANT, _C.ISSUED, _O.TENANT, _ALWAYS, "Credits the platform granted, less those taken back."),
    AccountRule(_A.ISSUED_CYCLE, _C.ISSUED, _O.TENANT, _ALWAYS, "Credits issued for the tenant's cycles."),
    AccountRule(_A.ISSUED_ADJUSTMENT, _C.ISSUED, _O.TENANT, _ALWAYS, "Debt of deleted members that the pool lacked."),
    AccountRule(
        _A.POOL, _C.POOL, _O.TENANT, "only by a tenant admin's own overrun", "Persistent credits nobody holds."
    ),
    AccountRule(_A.PLAN, _C.POT, _O.TENANT, _NEVER, "This cycle's budget that no group has been given."),
    AccountRule(
        _A.CYCLE,
        _C.POT,
        _O.TENANT,
        "until untouched rows have rolled over",
        "The clearing account of cycles: what groups and members not touched since the last rollover still have to "
        "hand in and to receive.",
    ),
    AccountRule(_A.GROUP_ALLOWANCE, _C.POT, _O.GROUP, _NEVER, "This cycle's budget of a group, not given to a member."),
    AccountRule(_A.MEMBER_ALLOWANCE, _C.POT, _O.MEMBER, _NEVER, "What a member may still use in this cycle only."),
    AccountRule(
        _A.POT_PREVIOUS, _C.POT_PREVIOUS, _O.TENANT, _NEVER, "Allowance that holds of ended cycles still keep."
    ),
    AccountRule(_A.GROUP_BALANCE, _C.GROUPS, _O.GROUP, _NEVER, "Persistent credits of a group."),
    AccountRule(
        _A.MEMBER_BALANCE,
        _C.MEMBERS,
        _O.MEMBER,
        "only by a settlement above its hold",
        "Persistent credits of a member.",
    ),
    AccountRule(_A.CONSUMED, _C.CONSUMED, _O.MEMBER, _NEVER, "Credits a member has spent, for life."),
    AccountRule(_A.EXPIRED, _C.EXPIRED, _O.TENANT, _NEVER, "Credits of ended cycles that nobody used."),
)

CLASS_OF: dict[str, str] = {str(rule.account): str(rule.account_class) for rule in CHART}
"""The class of each account, by name."""

OWNER_OF: dict[str, Owner] = {str(rule.account): rule.owner for rule in CHART}
"""Whose account it is, by name."""
