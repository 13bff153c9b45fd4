"""THE CATALOGUE of kinds of transfer: everything that credits can do.

A transfer takes one positive amount from a source account to a target account of the same tenant. To add a kind,
add one entry here: posting, the API, the transactions page, the documentation and the report totals derive from it.

Rule: TRANSFER-1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bursar.domain.accounts import Account
from bursar.domain.roles import Role


class Tag(StrEnum):
    """The colour a kind is shown with."""

    BLUE = "blue"
    ORANGE = "orange"
    GREEN = "green"
    GREY = "grey"
    RED = "red"


class Channel(StrEnum):
    """How a kind gets posted: by a `Transfer` command of its own, or as a consequence of another command."""

    COMMAND = "command"
    CONSEQUENCE = "consequence"


@dataclass(frozen=True, slots=True)
class TransferKind:
    """One kind: where it takes credits from and to, who may do it, and how people see it."""

    code: str
    sources: frozenset[Account]
    targets: frozenset[Account]
    label: str
    tag: Tag
    meaning: str
    channel: Channel = Channel.CONSEQUENCE
    roles: frozenset[Role] = frozenset()
    reversed_by: str | None = None

    @property
    def source(self) -> Account:
        """The one source of a kind that has only one."""
        (account,) = self.sources
        return account

    @property
    def target(self) -> Account:
        """The one target of a kind that has only one."""
        (account,) = self.targets
        return account


_A = Account
_OPERATOR = frozenset({Role.SUPER_ADMIN})
_TENANT_ADMIN = frozenset({Role.TENANT_ADMIN})
# The super admin says that an order was paid; where a provider says it, it is whoever ordered that moved the credits.
_SELLING = _OPERATOR | _TENANT_ADMIN
_ADMINS = frozenset({Role.TENANT_ADMIN, Role.ADMIN})
# What is within a group's reserve, Bursar approves by itself.
_ADMINS_AND_RESERVE = _ADMINS | {Role.SYSTEM}
_SPENDING = frozenset(
    {_A.MEMBER_ALLOWANCE, _A.MEMBER_BALANCE, _A.GROUP_ALLOWANCE, _A.GROUP_BALANCE, _A.POOL, _A.POT_PREVIOUS}
)


def _posted(
    code: str, source: Account, target: Account, label: str, tag: Tag, meaning: str,
    roles: frozenset[Role], reversed_by: str | None = None,
) -> TransferKind:  # fmt: skip
    return TransferKind(
        code, frozenset({source}), frozenset({target}), label, tag, meaning, Channel.COMMAND, roles, reversed_by
    )


def _follows(
    code: str, sources: Account | frozenset[Account], targets: Account | frozenset[Account], label: str, tag: Tag,
    meaning: str,
) -> TransferKind:  # fmt: skip
    source_set = sources if isinstance(sources, frozenset) else frozenset({sources})
    target_set = targets if isinstance(targets, frozenset) else frozenset({targets})
    return TransferKind(code, source_set, target_set, label, tag, meaning)


_KINDS: tuple[TransferKind, ...] = (
    # In and out of the tenant
    _posted(
        "purchase", _A.ISSUED_PURCHASE, _A.POOL, "Purchase", Tag.GREEN, "Credits bought, once the order is paid.",
        _SELLING,
    ),
    _posted("redemption", _A.ISSUED_REDEMPTION, _A.POOL, "Redemption", Tag.GREEN, "A code redeemed.", _TENANT_ADMIN),
    _posted("grant", _A.ISSUED_GRANT, _A.POOL, "Grant", Tag.GREEN, "Credits given by the platform.", _OPERATOR),
    _posted(
        "grant_withdrawal", _A.POOL, _A.ISSUED_GRANT, "Grant taken back", Tag.RED,
        "Unassigned credits taken back by the platform.", _OPERATOR,
    ),
    # Handing out
    _posted(
        "allocation", _A.POOL, _A.MEMBER_BALANCE, "Allocation", Tag.BLUE, "Pool credits given to a member.", _ADMINS,
        "allocation_reversal",
    ),
    _posted(
        "reclaim", _A.MEMBER_BALANCE, _A.POOL, "Reclaim", Tag.ORANGE, "Unused credits taken back from a member.",
        _ADMINS, "reclaim_reversal",
    ),
    _posted(
        "group_allocation", _A.POOL, _A.GROUP_BALANCE, "Group allocation", Tag.BLUE, "Pool credits given to a group.",
        _ADMINS, "group_allocation_reversal",
    ),
    _posted(
        "group_reclaim", _A.GROUP_BALANCE, _A.POOL, "Group reclaim", Tag.ORANGE, "Credits taken back from a group.",
        _ADMINS, "group_reclaim_reversal",
    ),
    _posted(
        "group_hand_out", _A.GROUP_BALANCE, _A.MEMBER_BALANCE, "Hand-out", Tag.BLUE,
        "Credits of the group's balance given to a member.", _ADMINS_AND_RESERVE,
    ),
    _posted(
        "cycle_top_up", _A.GROUP_ALLOWANCE, _A.MEMBER_ALLOWANCE, "Cycle top-up", Tag.BLUE,
        "More allowance for a member in this cycle only, out of the group's budget.", _ADMINS_AND_RESERVE,
    ),
    _posted(
        "signup_credits", _A.POOL, _A.MEMBER_BALANCE, "Signup credits", Tag.BLUE, "Credits on joining.",
        frozenset({Role.SYSTEM}),
    ),
    _follows(
        "allocation_reversal", _A.MEMBER_BALANCE, _A.POOL, "Allocation reversed", Tag.ORANGE,
        "The exact opposite of one allocation.",
    ),
    _follows(
        "reclaim_reversal", _A.POOL, _A.MEMBER_BALANCE, "Reclaim reversed", Tag.BLUE,
        "The exact opposite of one reclaim.",
    ),
    _follows(
        "group_allocation_reversal", _A.GROUP_BALANCE, _A.POOL, "Group allocation reversed", Tag.ORANGE,
        "The exact opposite of one allocation to a group.",
    ),
    _follows(
        "group_reclaim_reversal", _A.POOL, _A.GROUP_BALANCE, "Group reclaim reversed", Tag.BLUE,
        "The exact opposite of one reclaim from a group.",
    ),
    # Cycles
    _follows("cycle_lapse", _A.CYCLE, _A.EXPIRED, "Cycle ended", Tag.GREY, "All of the ended cycle that is not held."),
    _follows("cycle_carry", _A.CYCLE, _A.POT_PREVIOUS, "Held over", Tag.GREY, "What holds of the ended cycle keep."),
    _follows("cycle_issue", _A.ISSUED_CYCLE, _A.CYCLE, "Cycle budget", Tag.GREEN, "The new cycle's credits."),
    _follows("cycle_increase", _A.ISSUED_CYCLE, _A.PLAN, "Cycle budget raised", Tag.GREEN, "Credits per cycle raised."),
    _follows("cycle_reduction", _A.PLAN, _A.ISSUED_CYCLE, "Cycle budget cut", Tag.RED, "Credits per cycle lowered."),
    _follows("plan_return", _A.PLAN, _A.CYCLE, "Plan closed", Tag.GREY, "The ended cycle's undistributed budget."),
    _follows("plan_renewal", _A.CYCLE, _A.PLAN, "Plan renewed", Tag.GREY, "The new cycle's undistributed budget."),
    _follows(
        "allowance_return", frozenset({_A.MEMBER_ALLOWANCE, _A.GROUP_ALLOWANCE}), _A.CYCLE, "Allowance ended", Tag.GREY,
        "What was left of the ended cycle's allowance; it lapsed with the cycle.",
    ),
    _follows(
        "allowance_renewal", _A.CYCLE, frozenset({_A.MEMBER_ALLOWANCE, _A.GROUP_ALLOWANCE}), "Allowance renewed",
        Tag.GREEN, "The new cycle's allowance.",
    ),
    _follows("hold_lapse", _A.POT_PREVIOUS, _A.EXPIRED, "Hold lapsed", Tag.GREY, "Freed by a hold of an ended cycle."),
    # Budgets within the cycle
    _follows("budget_increase", _A.PLAN, _A.GROUP_ALLOWANCE, "Group budget raised", Tag.BLUE, "A group's monthly up."),
    _follows("budget_reduction", _A.GROUP_ALLOWANCE, _A.PLAN, "Group budget cut", Tag.ORANGE, "A group's monthly cut."),
    _follows(
        "allowance_increase", _A.GROUP_ALLOWANCE, _A.MEMBER_ALLOWANCE, "Allowance raised", Tag.BLUE,
        "A member's monthly raised.",
    ),
    _follows(
        "allowance_reduction", _A.MEMBER_ALLOWANCE, _A.GROUP_ALLOWANCE, "Allowance cut", Tag.ORANGE,
        "A member's monthly lowered, or returned on leaving.",
    ),
    _follows(
        "budget_move", _A.GROUP_ALLOWANCE, _A.GROUP_ALLOWANCE, "Budget moved", Tag.BLUE,
        "A member moved: the new group's budget takes over the member's monthly from the old one's.",
    ),
    # Spending
    _follows("usage", _SPENDING, _A.CONSUMED, "Usage", Tag.GREY, "A call's true cost."),
    _follows(
        "usage_refund", _A.CONSUMED, _SPENDING - {_A.POT_PREVIOUS} | {_A.PLAN, _A.EXPIRED}, "Usage refunded", Tag.GREEN,
        "Charged at expiry and found to cost less.",
    ),
    # Leaving
    _follows("member_return", _A.MEMBER_BALANCE, _A.POOL, "Returned on deletion", Tag.ORANGE, "A deleted member's."),
    _follows("member_debt", _A.POOL, _A.MEMBER_BALANCE, "Debt taken over", Tag.RED, "A deleted member's debt."),
    _follows(
        "debt_adjustment", _A.ISSUED_ADJUSTMENT, _A.MEMBER_BALANCE, "Debt adjusted", Tag.RED,
        "A deleted member's debt that the pool lacked.",
    ),
    _follows("group_return", _A.GROUP_BALANCE, _A.POOL, "Group closed", Tag.ORANGE, "A removed group's balance."),
)  # fmt: skip

KINDS: Mapping[str, TransferKind] = {kind.code: kind for kind in _KINDS}
"""Every kind of transfer by its code."""
