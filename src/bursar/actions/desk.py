"""What every action works with, and the event that every action leaves."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction
from bursar.domain.events import EVENTS
from bursar.domain.ids import PREFIXES
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Broken
from bursar.domain.roles import Role
from bursar.ledger import Lanes
from bursar.outside.clock import Clock
from bursar.outside.identity import new_uuid_at
from bursar.outside.mail import Mailer
from bursar.outside.metrics import Metrics
from bursar.outside.payments import PaymentProvider
from bursar.outside.secrets import Passwords, derive_key
from bursar.outside.tracing import NO_TRACING, Tracing
from bursar.store.events import Event, insert_events, insert_into_outbox, insert_platform_event


@dataclass(frozen=True)
class SessionLimits:
    """When a sign-in ends by itself."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True)
class Correspondence:
    """How people outside are written to: where they find Bursar, by which mail server if there is one, and how long
    they may take to accept.
    """

    site: str | None
    mailer: Mailer | None
    invitation_life: timedelta


@dataclass(frozen=True)
class Outbound:
    """How providers of models are reached: the variables in which their keys may stand, asked anew each time, and the
    proxy on the way, if there is one.
    """

    variables: Mapping[str, str] = field(repr=False)
    proxy: str | None = field(repr=False)


@dataclass(frozen=True)
class Desk:
    """The parts that actions share: the two ways into the database, the time, secrets, the mail, how credits are paid
    for, and how providers of models are reached.

    `batches_waiting` is set when a batch of allocations was made in this process, so that its worker need not wait for
    its next look. Nothing depends on it: what waits stands in the database. Nor does anything depend on `metrics` and
    `tracing`, which tell an operator what goes on.
    """

    tenants: Database
    platform: Database
    lanes: Lanes
    clock: Clock
    passwords: Passwords
    secret_key: bytes = field(repr=False)
    session_limits: SessionLimits
    correspondence: Correspondence
    payments: PaymentProvider
    outbound: Outbound
    batches_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = NO_TRACING

    def secret_for(self, purpose: str) -> bytes:
        """A key for one purpose only, from which neither the office's key nor another purpose's can be told."""
        return derive_key(self.secret_key, purpose=purpose)


@dataclass(frozen=True)
class RequestKey:
    """The idempotency key of one request, and the digest of all that the request asks for."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True)
class Asked:
    """Who asks for something, from where, and under which request; with which key, if it may come twice."""

    actor: Actor
    request_id: str | None = None
    address: str | None = None
    key_id: UUID | None = None
    once: RequestKey | None = None

    @property
    def key(self) -> str | None:
        """The idempotency key, as a command of the ledger takes it."""
        return None if self.once is None else self.once.key

    def under(self, key: str | None, *words: str) -> Asked:
        """The same, asked under this key, for what has no request to take a digest of: a command line, by its words."""
        digest = hashlib.sha256("\0".join(words).encode()).digest()
        return replace(self, once=None if key is None else RequestKey(key, digest))


@dataclass(frozen=True)
class Subject:
    """What an event is about."""

    kind: str
    identity: UUID | None


@dataclass(frozen=True)
class Change:
    """A field before and after; None where it had or has no value. A secret never stands here."""

    before: str | None
    after: str | None


@dataclass(frozen=True)
class Told:
    """What an event tells beside who and when: its kind, what it is about, why, facts, and each changed field."""

    kind: str
    subject: Subject
    note: str | None = None
    detail: Mapping[str, str | None] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)


# The system's role with a person behind it is the operator at the command line.
ACTOR_KINDS: Mapping[Role, str] = {
    Role.SYSTEM: "platform_admin",
    Role.SUPER_ADMIN: "platform_admin",
    Role.TENANT_ADMIN: "member",
    Role.ADMIN: "member",
    Role.MEMBER: "member",
}


async def record(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID | None, told: Told) -> None:
    """Leaves the event of an action, in the action's own transaction: the tenant's, or the platform's for None. What
    happens in a tenant also goes into its outbox, from which people are told.

    Rule: AUDIT-1, AUDIT-2, NOTIFY-1
    """
    if tenant_id is None:
        await insert_platform_event(transaction, _event(desk, asked, told))
    else:
        await record_all(transaction, desk, asked, tenant_id, [told])


async def record_all(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, told: Sequence[Told]) -> None:
    """The same for several events of one tenant, in as many round trips as for one.

    Rule: AUDIT-1, NOTIFY-1
    """
    events = [_event(desk, asked, one) for one in told]
    if events:
        await insert_events(transaction, tenant_id, events)
        await insert_into_outbox(transaction, tenant_id, events)


def _event(desk: Desk, asked: Asked, told: Told) -> Event:
    if told.kind not in EVENTS:
        raise Broken("an event must be in the catalogue", kind=told.kind)
    if told.subject.identity is not None and told.subject.kind not in PREFIXES:
        raise Broken("an id in an event must be one that people can name", kind=told.subject.kind)
    now = desk.clock.now()
    return Event(
        event_id=new_uuid_at(now),
        happened_at=now,
        kind=told.kind,
        actor_id=asked.actor.identity,
        actor_kind="system" if asked.actor.identity is None else ACTOR_KINDS[asked.actor.role],
        subject_kind=told.subject.kind,
        subject_id=told.subject.identity,
        request_id=asked.request_id,
        key_id=asked.key_id,
        address=asked.address,
        note=told.note,
        detail=told.detail,
        changes={name: (change.before, change.after) for name, change in told.changes.items()},
    )
