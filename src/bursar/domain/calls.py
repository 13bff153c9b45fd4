"""What is kept of a call: who made it, to what, what it used, what that cost, and how it came out.

A call that was refused before it left is none of these. What a call was charged stands in the ledger under the same id;
here stands what for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from bursar.domain.costs import Cost, Factor, Usage
from bursar.domain.credits import Credits
from bursar.domain.prices import Service

FAULT_LENGTH_MAX = 500
"""What went wrong, in a provider's words: enough for a person, and never a whole page."""


class CallOutcome(StrEnum):
    """How a call came out.

    *Delivered*: all of the answer was there. *Cancelled*: the client left, and paid for what was produced. *Broken*:
    the provider broke off, and what had been delivered is charged. *Failed*: nothing was delivered or charged.

    Rule: CALL-9
    """

    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    BROKEN = "broken"
    FAILED = "failed"


def unreported(outcome: CallOutcome, *, answered_tokens: int) -> CallOutcome:
    """How a call came out whose provider never said what was used: one that broke off before it had said anything
    delivered nothing, so it failed.

    Rule: CALL-9
    """
    return CallOutcome.FAILED if outcome is CallOutcome.BROKEN and not answered_tokens else outcome


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as it is kept. `usage` and `reported` are what was counted, and what the provider said in its own
    words; `is_estimated` says that it said nothing, and that what went by was counted instead.
    """

    call_id: UUID
    member_id: UUID
    group_id: UUID
    key_id: UUID | None
    endpoint: str
    model: str
    provider: str | None
    provider_model: str | None
    is_streamed: bool
    is_simulated: bool
    started_at: datetime
    ended_at: datetime
    day: date
    outcome: CallOutcome
    usage: Usage
    is_estimated: bool
    price_id: UUID | None
    service: Service
    cost: Cost
    credit_factor: Factor
    price_factor: Factor
    credits: Credits
    held: Credits | None
    total_ms: int
    first_byte_ms: int | None = None
    status: int | None = None
    fault: str | None = None
    request_id: str | None = None
    provider_request_id: str | None = None
    label: str | None = None
    reported: bytes | None = None
    metadata: Mapping[str, str] | None = None


_COUNTS = tuple(field.name for field in fields(Usage))
_DEFAULTS = {field.name: field.default for field in fields(Usage)}


def counts_of(usage: Usage) -> dict[str, int]:
    """Every count that is not what it would be anyway, by its name."""
    return {name: count for name in _COUNTS if (count := getattr(usage, name)) != _DEFAULTS[name]}


def usage_of(counts: Mapping[str, int]) -> Usage:
    """The usage that these counts are of. A name that is not known any more is a fault."""
    return Usage(**counts)
