"""Credits set aside for a call under way: open, then settle at the true cost, or void."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.holds import NewHold, extend_hold, open_hold, settle_hold, void_hold
from bursar.api.amounts import Amount, MeteredAmount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.permissions import may
from bursar.domain.roles import Permission
from bursar.ledger import HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, HoldClosed
from bursar.reports.holds import see_hold

routes = APIRouter(prefix="/holds", tags=["holds"])

HOLD_SECONDS = 1200
"""Twice the longest time that model clients wait by default."""

Seconds = Annotated[
    int, Field(ge=HOLD_SECONDS_MIN, le=HOLD_SECONDS_MAX, strict=True, description="Seconds from now until it expires.")
]


class HoldDraft(Shape):
    """How much to set aside. Without a member it is one's own."""

    member_id: str | None = None
    amount: MeteredAmount
    seconds: Seconds = HOLD_SECONDS


class Settlement(Shape):
    """What the call really cost."""

    cost: MeteredAmount


class Extension(Shape):
    """How much longer the call may take, from now."""

    seconds: Seconds


class OpenedHold(Shape):
    """Credits that are set aside now."""

    id: str
    state: str
    amount: Amount
    opened_at: datetime


class ClosedHold(Shape):
    """How a hold ended: what was charged, and what of that was above the hold."""

    id: str
    state: str
    charged: Amount
    overrun: Amount
    closed_at: datetime


class ExtendedHold(Shape):
    """A hold's new deadline."""

    id: str
    expires_at: datetime


class HoldShape(Shape):
    """One hold. `charged`, `overrun` and `closed_at` are null while it is open."""

    id: str
    member_id: str
    state: str
    amount: Amount
    charged: Amount | None
    overrun: Amount | None
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None


Looker = Annotated[TenantVisit, tenant(Permission.SPEND)]
Spender = Annotated[TenantVisit, tenant_change(Permission.SPEND)]


@routes.post("", status_code=201, responses=problems(401, 402, 403, 404, 422))
async def create_hold(body: HoldDraft, visit: Spender) -> OpenedHold:
    """Sets credits aside for a call."""
    member_id = (
        visit.person.identity
        if body.member_id is None
        else parse_public_id("member", body.member_id, field="member_id")
    )
    wanted = NewHold(member_id, body.amount, body.seconds)
    held = visit.told(await open_hold(visit.desk, visit.asked, visit.tenant_id, wanted))
    return OpenedHold(
        id=public_id("hold", held.hold_id), state="open", amount=Credits(held.amount_micro), opened_at=held.opened_at
    )


@routes.get("/{hold_id}", responses=problems(401, 403, 404, 422))
async def get_hold(hold_id: str, visit: Looker) -> HoldShape:
    """One hold; a member sees only the own ones."""
    sees_all = may(visit.person.actor, Permission.SPEND_FOR_OTHERS)
    hold = await see_hold(
        visit.desk.tenants,
        visit.tenant_id,
        parse_public_id("hold", hold_id, field="hold_id"),
        only_of=None if sees_all else visit.person.identity,
    )
    return HoldShape(
        id=public_id("hold", hold.hold_id),
        member_id=public_id("member", hold.member_id),
        state=hold.state,
        amount=hold.amount,
        charged=hold.charged,
        overrun=hold.overrun,
        opened_at=hold.opened_at,
        expires_at=hold.expires_at,
        closed_at=hold.closed_at,
    )


@routes.post("/{hold_id}/settle", responses=problems(401, 403, 404, 409, 422))
async def settle_open_hold(hold_id: str, body: Settlement, visit: Spender) -> ClosedHold:
    """Charges the call's true cost, below, at or above its hold. Settling again at the same cost changes nothing."""
    identity = parse_public_id("hold", hold_id, field="hold_id")
    return _closed(visit.told(await settle_hold(visit.desk, visit.asked, visit.tenant_id, identity, body.cost)))


@routes.post("/{hold_id}/void", responses=problems(401, 403, 404, 409, 422))
async def void_open_hold(hold_id: str, visit: Spender) -> ClosedHold:
    """Gives all of it back, because nothing was delivered. Voiding again changes nothing."""
    identity = parse_public_id("hold", hold_id, field="hold_id")
    return _closed(visit.told(await void_hold(visit.desk, visit.asked, visit.tenant_id, identity)))


@routes.post("/{hold_id}/extend", responses=problems(401, 403, 404, 409, 422))
async def extend_open_hold(hold_id: str, body: Extension, visit: Spender) -> ExtendedHold:
    """Moves the deadline, because the call is still alive."""
    identity = parse_public_id("hold", hold_id, field="hold_id")
    extended = visit.told(await extend_hold(visit.desk, visit.asked, visit.tenant_id, identity, body.seconds))
    return ExtendedHold(id=public_id("hold", extended.hold_id), expires_at=extended.expires_at)


def _closed(closed: HoldClosed) -> ClosedHold:
    return ClosedHold(
        id=public_id("hold", closed.hold_id),
        state=closed.state,
        charged=Credits(closed.charged_micro),
        overrun=Credits(closed.overrun_micro),
        closed_at=closed.closed_at,
    )
