"""What every action works with, and the event that every action leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from bursar.ledger import Lanes
from bursar.outside.clock import Clock
from bursar.outside.identity import new_uuid
from bursar.outside.secrets import Passwords
from bursar.store.events import Event, insert_event


@dataclass(frozen=True)
class SessionLimits:
    """When a sign-in ends by itself."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True)
class Desk:
    """The parts that actions share: the two ways into the database, the time, and secrets."""

    tenants: Database
    platform: Database
    lanes: Lanes
    clock: Clock
    passwords: Passwords
    token_key: bytes
    session_limits: SessionLimits


@dataclass(frozen=True)
class Asked:
    """Who asks for something, and under which request."""

    actor: Actor
    request_id: str | None = None


@dataclass(frozen=True)
class Subject:
    """What an event is about."""

    kind: str
    identity: UUID | None


# The system's role with a person behind it is the operator at the command line.
ACTOR_KINDS: Mapping[Role, str] = {
    Role.SYSTEM: "platform_admin",
    Role.SUPER_ADMIN: "platform_admin",
    Role.TENANT_ADMIN: "member",
    Role.ADMIN: "member",
    Role.MEMBER: "member",
}


async def record(
    transaction: Transaction,
    desk: Desk,
    asked: Asked,
    *,
    tenant_id: UUID,
    kind: str,
    subject: Subject,
    note: str | None = None,
    detail: Mapping[str, str | None] | None = None,
) -> None:
    """Leaves the event of an action, in the action's own transaction."""
    event = Event(
        event_id=new_uuid(),
        happened_at=desk.clock.now(),
        kind=kind,
        actor_id=asked.actor.identity,
        actor_kind="system" if asked.actor.identity is None else ACTOR_KINDS[asked.actor.role],
        subject_kind=subject.kind,
        subject_id=subject.identity,
        request_id=asked.request_id,
        note=note,
        detail=detail or {},
    )
    await insert_event(transaction, tenant_id, event)
