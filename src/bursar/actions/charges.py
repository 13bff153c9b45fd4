"""Charging at once: a hold that is opened and settled in one command, for what is over when it is told of."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Desk
from bursar.actions.metering import Wanted, agree, check_spender, identity_of, usage_row
from bursar.actions.once import Done
from bursar.actions.posting import posted
from bursar.db.transaction import reading
from bursar.domain.metering import Measure
from bursar.ledger import Charge, HoldClosed
from bursar.store.metered_holds import MeteredHold


@dataclass(frozen=True)
class Charged:
    """What was charged: the ledger's answer, how much it was, and what for."""

    closed: HoldClosed
    measure: Measure
    metered: MeteredHold


async def charge(desk: Desk, asked: Asked, tenant_id: UUID, wanted: Wanted) -> Done[Charged]:
    """Charges the whole amount if what is left is above 0 and covers it. Refuses `insufficient_quota`,
    `member_unknown`, `member_disabled`.

    Rule: METER-3, METER-6, METER-7
    """
    check_spender(asked, wanted.member_id)
    charge_id = identity_of("charge", tenant_id, asked)
    async with reading(desk.tenants, tenant_id) as transaction:
        terms = await agree(transaction, desk, asked, tenant_id, charge_id, wanted)
    now = desk.clock.now()
    command = Charge(
        actor_id=asked.actor.identity,
        hold_id=charge_id,
        member_id=wanted.member_id,
        amount=terms.measure.credits,
        is_free=terms.measure.is_free,
        along=usage_row(
            asked,
            charge_id,
            wanted.member_id,
            terms.metered,
            terms.measure,
            held=terms.measure.credits,
            day=terms.day,
            started_at=now,
            ended_at=now,
        ),
    )
    done = posted(await desk.lanes.submit(tenant_id, command), HoldClosed)
    return Done(Charged(done.answer, terms.measure, terms.metered), done.replayed)
