"""Credits set aside for a call under way, and what becomes of them. The hot path: everything goes through the lanes.

A hold leaves no event of its own: its row and the journal tell all of it, and there are thousands a second.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Desk
from bursar.actions.once import Done
from bursar.actions.posting import posted
from bursar.db.transaction import reading
from bursar.domain.credits import Credits
from bursar.domain.permissions import check_permission, may
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import (
    ExtendHold,
    Held,
    HoldClosed,
    HoldExtended,
    OpenHold,
    SettleHold,
    VoidHold,
    check_key,
    find_hold,
)
from bursar.outside.identity import new_uuid


@dataclass(frozen=True)
class NewHold:
    """What to set aside, for whom, for how long at most."""

    member_id: UUID
    amount: Credits
    seconds: int


async def open_hold(desk: Desk, asked: Asked, tenant_id: UUID, wanted: NewHold) -> Done[Held]:
    """Sets credits aside. Refuses `insufficient_quota`, `member_unknown`, `member_disabled`."""
    check_spender(asked, wanted.member_id)
    command = OpenHold(
        actor_id=asked.actor.identity,
        hold_id=_hold_id(tenant_id, asked),
        member_id=wanted.member_id,
        amount=wanted.amount,
        seconds=wanted.seconds,
    )
    return posted(await desk.lanes.submit(tenant_id, command), Held)


async def settle_hold(desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID, cost: Credits) -> Done[HoldClosed]:
    """Charges the true cost, below, at or above the hold. Refuses `hold_unknown`, `hold_settled`, `hold_voided`."""
    await _check_opener(desk, asked, tenant_id, hold_id)
    command = SettleHold(actor_id=asked.actor.identity, key=asked.key, hold_id=hold_id, cost=cost)
    return posted(await desk.lanes.submit(tenant_id, command), HoldClosed)


async def void_hold(desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID) -> Done[HoldClosed]:
    """Gives all of it back. Refuses `hold_unknown`, `hold_settled`, `hold_expired`."""
    await _check_opener(desk, asked, tenant_id, hold_id)
    command = VoidHold(actor_id=asked.actor.identity, key=asked.key, hold_id=hold_id)
    return posted(await desk.lanes.submit(tenant_id, command), HoldClosed)


async def extend_hold(desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID, seconds: int) -> Done[HoldExtended]:
    """Moves the deadline to `seconds` from now. Refuses `hold_unknown` and holds that have ended."""
    await _check_opener(desk, asked, tenant_id, hold_id)
    command = ExtendHold(actor_id=asked.actor.identity, key=asked.key, hold_id=hold_id, seconds=seconds)
    return posted(await desk.lanes.submit(tenant_id, command), HoldExtended)


def check_spender(asked: Asked, member_id: UUID) -> None:
    """One may spend one's own; an admin also on behalf of others. Another member's hold is unknown to a member."""
    check_permission(asked.actor, Permission.SPEND)
    if member_id != asked.actor.identity:
        check_permission(asked.actor, Permission.SPEND_FOR_OTHERS)


async def _check_opener(desk: Desk, asked: Asked, tenant_id: UUID, hold_id: UUID) -> None:
    """What a call cost is said by whoever opened its hold, or by who meters for others, and never by the one who pays
    for it alone. A hold of somebody else is unknown to a member, as another tenant's is to everybody.

    Rule: HOLD-12
    """
    check_permission(asked.actor, Permission.SPEND)
    async with reading(desk.tenants, tenant_id) as transaction:
        hold = await find_hold(transaction, tenant_id, hold_id)
    identity = asked.actor.identity
    is_own = hold is not None and hold.member_id == identity
    if hold is None or not (is_own or may(asked.actor, Permission.SPEND_FOR_OTHERS)):
        raise Refusal("hold_unknown", "There is no such hold.", field="hold_id")
    if is_own and hold.opened_by != identity:
        sentence = "Only who opened this hold extends, settles or voids it."
        raise Refusal("not_permitted", sentence, field="hold_id", permission=str(Permission.SPEND_FOR_OTHERS))


def _hold_id(tenant_id: UUID, asked: Asked) -> UUID:
    """A hold's id is its idempotency key; a caller's own key therefore becomes the id, and always the same one."""
    if asked.key is None:
        return new_uuid()
    check_key(asked.key)
    caller = asked.actor.identity.bytes if asked.actor.identity else b""
    digest = hashlib.sha256(b"hold:" + tenant_id.bytes + caller + asked.key.encode()).digest()
    return UUID(bytes=digest[:16])
