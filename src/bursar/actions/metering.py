"""What holds and charges of the metering API have in common: who may meter for whom, on which terms, and the row of
usage that comes into the books with what is charged. Read next: `holds`, `charges`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from bursar.actions.calls import written_with
from bursar.actions.desk import Asked, Desk
from bursar.db.transaction import Transaction
from bursar.domain.calls import Call, CallOutcome
from bursar.domain.costs import ONE, Cost, Usage
from bursar.domain.credits import Credits
from bursar.domain.metering import ENDPOINT, NO_PURPOSE, UNNAMED, Measure, Purpose, check_purpose, measured
from bursar.domain.permissions import check_permission
from bursar.domain.prices import Service
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import Along, check_key
from bursar.outside.identity import new_uuid
from bursar.store.metered_holds import MeteredHold, find_metered_hold, find_metering_terms

TOTAL_MS_MAX = 2**31 - 1
"""More than three weeks; a hold that was extended for longer is said to have taken as long."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants metered for whom: credits, or dollars, and what for."""

    member_id: UUID
    amount: Credits | None
    dollars: Cost | None = None
    purpose: Purpose = NO_PURPOSE


@dataclass(frozen=True)
class Terms:
    """What was wanted, as it is charged: how much, in which group and on which day."""

    measure: Measure
    metered: MeteredHold
    day: date


def check_spender(asked: Asked, member_id: UUID) -> None:
    """One may spend one's own; an admin also on behalf of others.

    Rule: METER-4
    """
    check_permission(asked.actor, Permission.SPEND)
    if member_id != asked.actor.identity:
        check_permission(asked.actor, Permission.SPEND_FOR_OTHERS)


def identity_of(noun: str, tenant_id: UUID, asked: Asked) -> UUID:
    """The id of what is opened: a caller's own key becomes the id, and always the same one, so that the same request
    again finds what it opened."""
    if asked.key is None:
        return new_uuid()
    check_key(asked.key)
    caller = asked.actor.identity.bytes if asked.actor.identity else b""
    digest = hashlib.sha256(f"{noun}:".encode() + tenant_id.bytes + caller + asked.key.encode()).digest()
    return UUID(bytes=digest[:16])


async def agree(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID, wanted: Wanted
) -> Terms:
    """The terms of a new hold or charge; of one that was opened before under this id, the terms it was opened on, so
    that the same request is answered alike although the tenant's factor has changed since.

    Refuses `member_unknown`, `key_reused`, and amounts and purposes that cannot be.

    Rule: METER-2, METER-6
    """
    check_purpose(wanted.purpose)
    terms = await find_metering_terms(transaction, tenant_id, wanted.member_id, at=desk.clock.now())
    if terms is None:
        raise Refusal("member_unknown", "There is no such member.", field="member_id")
    earlier = None if asked.key is None else await find_metered_hold(transaction, tenant_id, hold_id)
    if earlier is None:
        measure = measured(wanted.amount, wanted.dollars, terms.credit_factor, field="amount")
        metered = MeteredHold(terms.group_id, asked.key_id, wanted.purpose, wanted.dollars, terms.credit_factor)
        return Terms(measure, metered, terms.day)
    if (earlier.purpose, earlier.dollars or Cost(0)) != (wanted.purpose, wanted.dollars or Cost(0)):
        raise Refusal("key_reused", "This key was used for something else.", field="key")
    measure = measured(wanted.amount, wanted.dollars, earlier.credit_factor, field="amount")
    return Terms(measure, earlier, terms.day)


def usage_row(
    asked: Asked,
    hold_id: UUID,
    member_id: UUID,
    metered: MeteredHold,
    measure: Measure,
    *,
    held: Credits,
    day: date,
    started_at: datetime,
    ended_at: datetime,
) -> Along:
    """The row of usage of what is charged, for the command that charges it.

    Rule: METER-7
    """
    # The ledger's clock and that of this machine may differ by a little.
    ended_at = max(started_at, ended_at)
    label, words = metered.purpose.label, metered.purpose.words
    call = Call(
        call_id=hold_id,
        member_id=member_id,
        group_id=metered.group_id,
        key_id=metered.key_id,
        endpoint=ENDPOINT,
        model=label or UNNAMED,
        provider=None,
        provider_model=None,
        is_streamed=False,
        is_simulated=False,
        started_at=started_at,
        ended_at=ended_at,
        day=day,
        outcome=CallOutcome.DELIVERED,
        usage=Usage(),
        is_estimated=False,
        price_id=None,
        service=Service.STANDARD,
        cost=measure.dollars or Cost(0),
        credit_factor=measure.credit_factor,
        price_factor=ONE,
        credits=measure.credits,
        held=held,
        total_ms=min(int((ended_at - started_at).total_seconds() * 1000), TOTAL_MS_MAX),
        request_id=asked.request_id,
        label=label,
        metadata=words,
    )
    return written_with(call)
