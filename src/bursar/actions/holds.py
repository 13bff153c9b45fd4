"""Credits set aside for a call under way, and what becomes of them. The hot path: everything goes through the lanes.

A hold leaves no event of its own: its row and the journal tell all of it, and there are thousands a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.actions.desk import Asked, Desk
from bursar.actions.metering import Wanted, agree, check_spender, identity_of, usage_row
from bursar.actions.once import Done
from bursar.actions.posting import posted
from bursar.db.transaction import Transaction, reading
from bursar.domain.costs import Cost
from bursar.domain.credits import Credits
from bursar.domain.metering import NO_PURPOSE, Measure, Purpose, is_free, measured
from bursar.domain.permissions import check_permission, may
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import (
    Along,
    ExtendHold,
    Held,
    HoldClosed,
    HoldExtended,
    HoldFigures,
    OpenHold,
    SettleHold,
    VoidHold,
    find_hold,
)
from bursar.store.metered_holds import (
    INSERT_METERED_HOLDS,
    MeteredHold,
    find_metered_hold,
    find_metering_terms,
    values_of_metered_hold,
)


@dataclass(frozen=True)
class NewHold:
    """What to set aside, for whom, for how long at most, and what for: credits, or else dollars."""

    member_id: UUID
    amount: Credits | None
    seconds: int
    dollars: Cost | None = None
    purpose: Purpose = NO_PURPOSE


@dataclass(frozen=True)
class HoldOpened:
    """A hold that was opened: what the ledger answered, and what it is for."""

    held: Held
    metered: MeteredHold

    @property
    def hold_id(self) -> UUID:
        """The hold's id."""
        return self.held.hold_id

    @property
    def opened_at(self) -> datetime:
        """When it was opened, by the ledger's time."""
        return self.held.opened_at


@dataclass(frozen=True)
class HoldSettled:
    """A hold that was settled: what the ledger answered, and in dollars, if they were given."""

    closed: HoldClosed
    dollars: Cost | None


async def open_hold(desk: Desk, asked: Asked, tenant_id: UUID, wanted: NewHold) -> Done[HoldOpened]:
    """Sets credits aside. Refuses `insufficient_quota`, `member_unknown`, `member_disabled`.

    Rule: METER-2, METER-3
    """
    check_spender(asked, wanted.member_id)
    hold_id = identity_of("hold", tenant_id, asked)
    async with reading(desk.tenants, tenant_id) as transaction:
        new = Wanted(wanted.member_id, wanted.amount, wanted.dollars, wanted.purpose)
        terms = await agree(transaction, desk, asked, tenant_id, hold_id, new)
    command = OpenHold(
        actor_id=asked.actor.identity,
        hold_id=hold_id,
        member_id=wanted.member_id,
        amount=terms.measure.credits,
        seconds=wanted.seconds,
        is_free=terms.measure.is_free,
        along=Along(INSERT_METERED_HOLDS, values_of_metered_hold(hold_id, terms.metered)),
    )
    done = posted(await desk.lanes.submit(tenant_id, command), Held)
    return Done(HoldOpened(done.answer, terms.metered), done.replayed)


async def settle_hold(
    desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID, cost: Credits | None, *, dollars: Cost | None = None
) -> Done[HoldSettled]:
    """Charges the true cost, below, at or above the hold, in credits or else in dollars. Refuses `hold_unknown`,
    `hold_settled`, `hold_voided`.

    Rule: METER-2, METER-3, METER-7
    """
    async with reading(desk.tenants, tenant_id) as transaction:
        hold = await _opened_hold(transaction, asked, tenant_id, hold_id)
        measure, along = await _settlement(transaction, desk, asked, tenant_id, hold, cost, dollars)
    command = SettleHold(
        actor_id=asked.actor.identity, key=asked.key, hold_id=hold_id, cost=measure.credits, along=along
    )
    done = posted(await desk.lanes.submit(tenant_id, command), HoldClosed)
    return Done(HoldSettled(done.answer, measure.dollars), done.replayed)


async def _settlement(
    transaction: Transaction,
    desk: Desk,
    asked: Asked,
    tenant_id: UUID,
    hold: HoldFigures,
    cost: Credits | None,
    dollars: Cost | None,
) -> tuple[Measure, Along]:
    """What is charged for a hold, at the factor that counted when it was opened, and the row of usage that says so."""
    terms = await find_metering_terms(transaction, tenant_id, hold.member_id, at=hold.opened_at)
    assert terms is not None, "a member is never removed"
    metered = await find_metered_hold(transaction, tenant_id, hold.hold_id)
    if metered is None:
        metered = MeteredHold(terms.group_id, asked.key_id, NO_PURPOSE, None, terms.credit_factor)
    measure = measured(cost, dollars, metered.credit_factor, field="cost")
    if is_free(metered.dollars, metered.credit_factor) and not measure.is_free:
        sentence = "This hold keeps no credits, because its dollars are free. Settle it in dollars."
        raise Refusal("invalid_input", sentence, field="cost")
    along = usage_row(
        asked,
        hold.hold_id,
        hold.member_id,
        metered,
        measure,
        held=hold.amount,
        day=terms.day,
        started_at=hold.opened_at,
        ended_at=desk.clock.now(),
    )
    return measure, along


async def void_hold(desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID) -> Done[HoldClosed]:
    """Gives all of it back. Refuses `hold_unknown`, `hold_settled`, `hold_expired`."""
    async with reading(desk.tenants, tenant_id) as transaction:
        await _opened_hold(transaction, asked, tenant_id, hold_id)
    command = VoidHold(actor_id=asked.actor.identity, key=asked.key, hold_id=hold_id)
    return posted(await desk.lanes.submit(tenant_id, command), HoldClosed)


async def extend_hold(desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID, seconds: int) -> Done[HoldExtended]:
    """Moves the deadline to `seconds` from now. Refuses `hold_unknown` and holds that have ended."""
    async with reading(desk.tenants, tenant_id) as transaction:
        await _opened_hold(transaction, asked, tenant_id, hold_id)
    command = ExtendHold(actor_id=asked.actor.identity, key=asked.key, hold_id=hold_id, seconds=seconds)
    return posted(await desk.lanes.submit(tenant_id, command), HoldExtended)


async def _opened_hold(transaction: Transaction, asked: Asked, tenant_id: UUID, hold_id: UUID) -> HoldFigures:
    """The hold, for who may end or extend it. What a call cost is said by whoever opened its hold, or by who meters for
    others, and never by the one who pays for it alone. A hold of somebody else is unknown to a member, as another
    tenant's is to everybody.

    Rule: HOLD-12
    """
    check_permission(asked.actor, Permission.SPEND)
    hold = await find_hold(transaction, tenant_id, hold_id)
    identity = asked.actor.identity
    is_own = hold is not None and hold.member_id == identity
    if hold is None or not (is_own or may(asked.actor, Permission.SPEND_FOR_OTHERS)):
        raise Refusal("hold_unknown", "There is no such hold.", field="hold_id")
    if hold.opened_by is None:
        sentence = "A call that goes through Bursar is ended by Bursar alone."
        raise Refusal("not_permitted", sentence, field="hold_id", permission=str(Permission.SPEND_FOR_OTHERS))
    if is_own and hold.opened_by != identity:
        sentence = "Only who opened this hold extends, settles or voids it."
        raise Refusal("not_permitted", sentence, field="hold_id", permission=str(Permission.SPEND_FOR_OTHERS))
    return hold
