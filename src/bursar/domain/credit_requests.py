"""Members asking for more credits: what can become of it, where the credits come from, and what needs nobody to look.

A request waits until somebody decides it, unless it is within the reserve of the member's group. Here amounts are only
compared and divided; they are moved in `actions/credit_requests`. Read next: there, then `store/credit_requests`.

Rule: REQUEST-1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bursar.domain.credits import ZERO, Credits
from bursar.domain.refusals import Refusal

REASON_LENGTH_MAX = 1_000
"""A page of text: whoever decides reads it, and many of them."""

NOTE_LENGTH_MAX = 200
"""As of every note on what credits do."""

OPEN_REQUESTS_MAX = 10
"""More than anybody waits for at once; without a bound one member could fill the list of those who decide."""


FIELD = "credit_request_id"
"""How callers name a request."""


class RequestStatus(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    AUTO_APPROVED = "auto_approved"


ALL_STATUSES_LABEL = "All Statuses"
"""How people call the choice that leaves nothing out."""

STATUS_LABELS: Mapping[RequestStatus, str] = {
    RequestStatus.PENDING: "Pending",
    RequestStatus.APPROVED: "Approved",
    RequestStatus.DENIED: "Denied",
    RequestStatus.AUTO_APPROVED: "Auto-Approved",
}
"""How people call what became of a request, in the order in which they choose from it.

Rule: REQUEST-10
"""

STATUS_TAGS: Mapping[RequestStatus, str] = {
    RequestStatus.PENDING: "grey",
    RequestStatus.APPROVED: "green",
    RequestStatus.DENIED: "red",
    RequestStatus.AUTO_APPROVED: "green",
}
"""The colour each is shown with."""


class Source(StrEnum):
    """Where an approval takes its credits from."""

    GROUP = "group"  # the group's allowance, then the group's balance
    GROUP_AND_POOL = "group_and_pool"  # the same, then the pool for the rest
    POOL = "pool"  # the pool alone


@dataclass(frozen=True)
class Funds:
    """What can be taken at this moment, and is neither spent nor held: of a group's allowance and balance, and of the
    pool, which may be below zero."""

    group_allowance: Credits
    group_balance: Credits
    pool: Credits


@dataclass(frozen=True)
class Means:
    """What there is to approve with: what group and pool have, what is left of the reserve, and in which cycle."""

    funds: Funds
    reserve_left: Credits
    epoch: int


@dataclass(frozen=True)
class Parts:
    """What of an approval came from where."""

    of_allowance: Credits
    of_balance: Credits
    of_pool: Credits

    @property
    def sum(self) -> Credits:
        """The approved amount."""
        return self.of_allowance + self.of_balance + self.of_pool


def check_reason(reason: str) -> None:
    """Refuses `invalid_input` for a reason that is missing or too long, or holds what no screen shows. Line breaks are
    fine: people write a reason in a field with several lines.

    Rule: REQUEST-1
    """
    if not 1 <= len(reason) <= REASON_LENGTH_MAX or reason != reason.strip():
        raise Refusal(
            "invalid_input", f"A reason has 1 to {REASON_LENGTH_MAX} characters, without blanks around it.",
            field="reason",
        )  # fmt: skip
    if not all(line.isprintable() for line in reason.split("\n")):
        raise Refusal("invalid_input", "A reason has no control characters but line breaks.", field="reason")


def check_denial_note(note: str | None) -> None:
    """Refuses `invalid_input` for a denial without a reason, or with more of it than a note holds.

    Rule: REQUEST-7
    """
    if note is None or not 1 <= len(note) <= NOTE_LENGTH_MAX or not note.isprintable() or note != note.strip():
        raise Refusal(
            "invalid_input", f"Whoever denies a request says why, in 1 to {NOTE_LENGTH_MAX} characters.", field="note"
        )


def check_open_requests(count: int) -> None:
    """Refuses `too_many_credit_requests` if so many of one member wait already that there is no room for another.

    Rule: REQUEST-4
    """
    if count >= OPEN_REQUESTS_MAX:
        raise Refusal(
            "too_many_credit_requests",
            f"{count} requests wait to be decided, and more than {OPEN_REQUESTS_MAX} cannot.",
            largest=str(OPEN_REQUESTS_MAX),
        )


def request_unknown() -> Refusal:
    """What is said of a request that is not there, or not in this tenant."""
    return Refusal("credit_request_unknown", "There is no such request for credits.", field=FIELD)


def reserve_left(reserve: Credits, auto_approved: Credits) -> Credits:
    """What of a group's reserve is left in a cycle; nothing, where it was lowered below what is used of it.

    Rule: REQUEST-3
    """
    return max(reserve - auto_approved, ZERO)


def parts_of_auto_approval(amount: Credits, means: Means) -> Parts | None:
    """What a request takes from where if it is within what is left of the reserve and the group has the credits, its
    allowance first; None if somebody has to look at it. The pool is never touched.

    Rule: REQUEST-2
    """
    funds = means.funds
    of_group = _above_zero(funds.group_allowance) + _above_zero(funds.group_balance)
    if amount > min(means.reserve_left, of_group):
        return None
    return parts_of_approval(amount, funds, Source.GROUP)


def parts_of_approval(amount: Credits, funds: Funds, source: Source) -> Parts:
    """What an approval takes from where: the group's allowance as far as it goes, then its balance, then the pool, of
    those that the source names.

    Refuses `insufficient_budget` where the group alone is to give and has less, `insufficient_pool` where the pool has
    less than it is to give; the facts say what each has.

    Rule: REQUEST-5, REQUEST-6
    """
    of_group = source is not Source.POOL
    of_allowance = min(amount, _above_zero(funds.group_allowance)) if of_group else ZERO
    of_balance = min(amount - of_allowance, _above_zero(funds.group_balance)) if of_group else ZERO
    of_pool = amount - of_allowance - of_balance
    if source is Source.GROUP and of_pool > ZERO:
        raise _short("insufficient_budget", "The group has too little", amount, of_allowance + of_balance, funds)
    if of_pool > _above_zero(funds.pool):
        there = "The pool has" if source is Source.POOL else "Group and pool have"
        available = of_allowance + of_balance + _above_zero(funds.pool)
        raise _short("insufficient_pool", f"{there} too little", amount, available, funds)
    return Parts(of_allowance, of_balance, of_pool)


def _short(code: str, sentence: str, amount: Credits, available: Credits, funds: Funds) -> Refusal:
    return Refusal(
        code,
        f"{sentence}: {available} available, {amount} asked. The request stays pending.",
        field="amount",
        available=str(available),
        asked=str(amount),
        group_allowance=str(funds.group_allowance),
        group_balance=str(funds.group_balance),
        pool=str(funds.pool),
    )


def _above_zero(credits_there: Credits) -> Credits:
    return max(credits_there, ZERO)
