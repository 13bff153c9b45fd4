"""THE CATALOGUE of notifications: which events people are told of, who is told, in which words, and where it leads.

To tell of something new, add one entry here: delivery, the list and the documentation derive from it. What happened is
an event first (`events`); of a kind that is not here nobody is told. Titles are made when somebody reads, so that a
better word is better for what happened before, too.

Rule: NOTIFY-2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from string import Formatter
from uuid import UUID

from bursar.domain.events import EVENTS

RECIPIENTS_MAX = 1_000
"""The most people told of one event. A tenant has a handful of admins; where it has more, the first ones are told."""

KEPT_MAX = 500
"""How many notifications a member keeps: more than anybody reads, and few enough to count the unread ones each time."""

KEPT_FOR = timedelta(days=90)
"""How long a notification is kept. What happened stays in the audit log."""


class Audience(StrEnum):
    """Who is told of an event."""

    ADMINS = "tenant admins and admins"
    TENANT_ADMINS = "tenant admins"
    SUBJECT = "the member whom it is about"
    OWNER = "who asked for it, ordered it or started it"


class Tone(StrEnum):
    """How a notification looks: merely told, good, to be looked after, or gone wrong."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class Place(StrEnum):
    """Where a notification leads: a list, or in it the one thing that the event is about."""

    CREDIT_REQUESTS = "credit_requests"
    OWN_CREDIT_REQUESTS = "own_credit_requests"
    OWN_CREDITS = "own_credits"
    POOL = "pool"
    TRANSACTIONS = "transactions"
    PURCHASES = "purchases"
    MEMBERS = "members"
    ALLOCATION_BATCHES = "allocation_batches"


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """One kind of event that people are told of.

    The title names facts in braces: `actor` and `subject` are read as what they are called now, all others are as they
    were when it happened. `tells_actor` is for what somebody's own act brought about without anybody deciding it.
    `only_with` names a count among the facts, without which, or with none of which, nobody is told.
    """

    code: str
    audience: Audience
    tone: Tone
    leads_to: Place
    title: str
    tells_actor: bool = False
    only_with: str | None = None


_K, _A, _T, _P = NotificationKind, Audience, Tone, Place

_KINDS: tuple[NotificationKind, ...] = (
    _K("credit_request_submitted", _A.ADMINS, _T.INFO, _P.CREDIT_REQUESTS, "{actor} asks for {amount} credits."),
    _K(
        "credit_request_approved", _A.OWNER, _T.SUCCESS, _P.OWN_CREDIT_REQUESTS,
        "Your request was approved: you were given {approved} credits.",
    ),
    _K(
        "credit_request_auto_approved", _A.OWNER, _T.SUCCESS, _P.OWN_CREDIT_REQUESTS,
        "Your request was approved at once: you were given {approved} credits.", tells_actor=True,
    ),
    _K(
        "credit_request_denied", _A.OWNER, _T.WARNING, _P.OWN_CREDIT_REQUESTS,
        "Your request for {amount} credits was denied.",
    ),
    _K(
        "pool_low", _A.ADMINS, _T.WARNING, _P.POOL,
        "The pool is low: {available} credits are left, less than {mark}.",
    ),
    _K(
        "balance_low", _A.SUBJECT, _T.WARNING, _P.OWN_CREDITS,
        "Your credits are low: {remaining} are left, less than {mark}.",
    ),
    _K("grant", _A.TENANT_ADMINS, _T.SUCCESS, _P.TRANSACTIONS, "{amount} credits were granted to the pool."),
    _K(
        "total_set", _A.TENANT_ADMINS, _T.INFO, _P.TRANSACTIONS,
        "The platform set your organisation's total to {total} credits.",
    ),
    _K("redemption", _A.TENANT_ADMINS, _T.SUCCESS, _P.TRANSACTIONS, "A code brought {amount} credits to the pool."),
    _K("purchase_paid", _A.TENANT_ADMINS, _T.SUCCESS, _P.PURCHASES, "{amount} credits were bought for the pool."),
    _K("purchase_cancelled", _A.OWNER, _T.WARNING, _P.PURCHASES, "Your order of {amount} credits was cancelled."),
    _K(
        "signup_credits_missed", _A.ADMINS, _T.WARNING, _P.MEMBERS,
        "The pool was too small for the signup credits of {subject}.",
    ),
    _K(
        "batch_finished", _A.OWNER, _T.ERROR, _P.ALLOCATION_BATCHES,
        "{failed} of the members in your batch were given nothing.", only_with="failed",
    ),
)  # fmt: skip

NOTIFICATIONS: Mapping[str, NotificationKind] = {kind.code: kind for kind in _KINDS}
"""Every kind of event that people are told of, by the event's code."""

NAMED_FACTS = frozenset({"actor", "subject"})
"""Facts that are people or things, told by what they are called when somebody reads."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The active people who run a tenant."""

    tenant_admins: frozenset[UUID]
    admins: frozenset[UUID]

    @property
    def count(self) -> int:
        """How many there are: the most that one event tells."""
        return len(self.tenant_admins) + len(self.admins)


@dataclass(frozen=True, slots=True)
class Happened:
    """What of an event decides who is told: its kind, whom it is about, whose matter it is, who did it, its facts."""

    kind: str
    subject_id: UUID | None
    owner_id: UUID | None
    actor_id: UUID | None
    facts: Mapping[str, str | None]


def recipients(event: Happened, staff: Staff) -> frozenset[UUID]:
    """Who is told of an event: nobody for a kind that is not in the catalogue, and never who did it, except of what
    came about without anybody deciding it.

    Rule: NOTIFY-2, NOTIFY-3
    """
    kind = NOTIFICATIONS.get(event.kind)
    if kind is None or (kind.only_with is not None and event.facts.get(kind.only_with) in (None, "0")):
        return frozenset()
    one = event.subject_id if kind.audience is Audience.SUBJECT else event.owner_id
    told = {
        Audience.ADMINS: staff.tenant_admins | staff.admins,
        Audience.TENANT_ADMINS: staff.tenant_admins,
        Audience.SUBJECT: frozenset() if one is None else frozenset({one}),
        Audience.OWNER: frozenset() if one is None else frozenset({one}),
    }[kind.audience]
    return told if kind.tells_actor or event.actor_id is None else told - {event.actor_id}


def title_of(code: str, facts: Mapping[str, str | None]) -> str:
    """The sentence for a reader. Where a fact is not known, it is what the audit log calls such an event.

    Rule: NOTIFY-4
    """
    kind = NOTIFICATIONS[code]
    known = {name: value for name, value in facts.items() if value is not None}
    return kind.title.format_map(known) if facts_named(kind) <= set(known) else f"{EVENTS[code].label}."


def facts_named(kind: NotificationKind) -> frozenset[str]:
    """The facts that the title names."""
    return frozenset(name for _, name, _, _ in Formatter().parse(kind.title) if name is not None)
