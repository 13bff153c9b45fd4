"""The rows a posting loads and changes. Field names are column names; amounts are whole micro-credits.

They are mutable on purpose: a batch of a thousand commands works on one set of rows, one command after another.
Nobody outside the core changes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


@dataclass(slots=True)
class Control:
    """The tenant's totals by class, what of each is held, and the running cycle."""

    tenant_id: UUID
    batch_number: int
    chain_hash: bytes
    last_posted_at: datetime
    epoch: int
    epoch_started_at: datetime
    epoch_ends_at: datetime
    cadence: str
    time_zone: str
    per_cycle_micro: int
    per_cycle_ceiling_micro: int | None
    expired_holds: str
    issued_micro: int
    pool_micro: int
    pot_micro: int
    pot_previous_micro: int
    groups_micro: int
    members_micro: int
    consumed_micro: int
    expired_micro: int
    pool_held_micro: int
    pot_held_micro: int
    groups_held_micro: int
    members_held_micro: int
    plan_micro: int
    cycle_micro: int
    groups_monthly_micro: int
    epoch_issued_micro: int
    epoch_used_micro: int
    epoch_pot_used_micro: int
    pool_sequence: int
    plan_sequence: int
    cycle_sequence: int
    pot_previous_sequence: int
    expired_sequence: int


@dataclass(slots=True)
class Issued:
    """One of the accounts that credits come from; counted below zero."""

    tenant_id: UUID
    account: str
    issued_micro: int
    sequence: int


@dataclass(slots=True)
class Group:
    """A group's accounts, as of the epoch they were last touched in."""

    tenant_id: UUID
    group_id: UUID
    is_default: bool
    is_closed: bool
    is_shared: bool
    members_count: int
    epoch: int
    monthly_micro: int
    members_monthly_micro: int
    allowance_micro: int
    allowance_held_micro: int
    balance_micro: int
    balance_held_micro: int
    shared_used_micro: int
    allowance_sequence: int
    balance_sequence: int


@dataclass(slots=True)
class Wallet:
    """A member's accounts, as of the epoch they were last touched in."""

    tenant_id: UUID
    member_id: UUID
    group_id: UUID
    status: str
    spends_pool: bool
    epoch: int
    monthly_micro: int
    allowance_micro: int
    allowance_held_micro: int
    balance_micro: int
    balance_held_micro: int
    used_micro: int
    consumed_micro: int
    allowance_sequence: int
    balance_sequence: int
    consumed_sequence: int
    has_credits: bool = False


@dataclass(slots=True)
class Hold:
    """Credits set aside for one call, by the accounts they are kept in, and how it ended."""

    tenant_id: UUID
    hold_id: UUID
    member_id: UUID
    group_id: UUID | None
    opened_by: UUID | None
    epoch: int
    fingerprint: int
    amount_micro: int
    allowance_micro: int
    balance_micro: int
    group_allowance_micro: int
    group_balance_micro: int
    pool_micro: int
    state: str
    settled_micro: int | None
    overrun_micro: int | None
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    closed_epoch: int | None
    key_id: UUID | None = None


@dataclass(slots=True)
class SpendingKey:
    """What the calls of an API key hold and have used, as of the epoch they were last touched in."""

    tenant_id: UUID
    key_id: UUID
    held_micro: int
    used_micro: int
    consumed_micro: int
    epoch: int


class Line(NamedTuple):
    """One line of the journal: a transfer, and what each of its two accounts held after it."""

    tenant_id: UUID
    posted_at: datetime
    batch_number: int
    line: int
    transfer_id: UUID
    kind: str
    source: str
    source_id: UUID | None
    source_after_micro: int
    source_sequence: int
    target: str
    target_id: UUID | None
    target_after_micro: int
    target_sequence: int
    amount_micro: int
    epoch: int
    actor_id: UUID | None
    reverses_id: UUID | None
    note: str | None


class Remembered(NamedTuple):
    """What was answered to an idempotency key."""

    key: str
    fingerprint: bytes
    outcome: bytes
    batch_number: int
    posted_at: datetime
    forget_at: datetime | None
