"""Credits set aside for a call under way: open, then settle at the true cost, or void."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from bursar.actions.holds import NewHold, extend_hold, open_hold, settle_hold, void_hold
from bursar.api.amounts import Amount, DollarsOrNone, DollarsShown, MeteredOrNone
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import MemberId
from bursar.api.metering import PurposeDraft, metered_member, words_of
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.domain.costs import Cost
from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.metering import is_free
from bursar.domain.permissions import may
from bursar.domain.roles import Permission
from bursar.ledger import HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, HoldClosed, OpenHoldsAfter
from bursar.reports.holds import SeenHold, see_hold, see_open_holds

routes = APIRouter(prefix="/holds", tags=["holds"])

HOLD_SECONDS = 1200
"""Twice the longest time that model clients wait by default."""

Seconds = Annotated[
    int, Field(ge=HOLD_SECONDS_MIN, le=HOLD_SECONDS_MAX, strict=True, description="Seconds from now until it expires.")
]


class HoldDraft(PurposeDraft):
    """How much to set aside, in credits or else in dollars. Without a member it is one's own."""

    amount: MeteredOrNone = None
    amount_usd: DollarsOrNone = None
    seconds: Seconds = HOLD_SECONDS


class Settlement(Shape):
    """What the call really cost, in credits or else in dollars."""

    cost: MeteredOrNone = None
    cost_usd: DollarsOrNone = None


class Extension(Shape):
    """How much longer the call may take, from now."""

    seconds: Seconds


class OpenedHold(Shape):
    """Credits that are set aside now. `is_free` says that nothing is held or will be charged for dollars, because the
    tenant's credit factor is 0.
    """

    id: str
    member_id: str
    state: str
    amount: Amount
    amount_usd: DollarsShown
    is_free: bool
    label: str | None
    metadata: Mapping[str, str]
    opened_at: datetime
    expires_at: datetime


class ClosedHold(Shape):
    """How a hold ended: what was charged, and what of that was above the hold."""

    id: str
    state: str
    charged: Amount
    charged_usd: DollarsShown
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
    amount_usd: DollarsShown
    is_free: bool
    charged: Amount | None
    overrun: Amount | None
    label: str | None
    metadata: Mapping[str, str]
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None


class HoldList(Shape):
    """A page of open holds, those that expire first in front."""

    holds: list[HoldShape]
    next_cursor: str | None


Looker = Annotated[TenantVisit, tenant(Permission.SPEND)]
Spender = Annotated[TenantVisit, tenant_change(Permission.SPEND)]


@routes.post("", status_code=201, responses=problems(401, 402, 403, 404, 422))
async def create_hold(body: HoldDraft, visit: Spender) -> OpenedHold:
    """Sets credits aside for a call."""
    member_id = metered_member(visit, body.member_id)
    wanted = NewHold(member_id, body.amount, body.seconds, body.amount_usd, body.purpose)
    opened = visit.told(await open_hold(visit.desk, visit.asked, visit.tenant_id, wanted))
    held, metered = opened.held, opened.metered
    return OpenedHold(
        id=public_id("hold", held.hold_id),
        member_id=public_id("member", member_id),
        state="open",
        amount=Credits(held.amount_micro),
        amount_usd=metered.dollars,
        is_free=is_free(metered.dollars, metered.credit_factor),
        label=metered.purpose.label,
        metadata=words_of(metered.purpose),
        opened_at=held.opened_at,
        # As it was when it was opened, for whoever asks again: the hold may have been extended since.
        expires_at=held.opened_at + timedelta(seconds=body.seconds),
    )


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_open_holds(
    visit: Looker,
    member_id: Annotated[MemberId | None, Query(description="This member's holds; without it, one's own.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> HoldList:
    """A member's open holds, those that expire first in front. One that is extended meanwhile may come twice."""
    holder_id = metered_member(visit, member_id)
    after = None if cursor is None else _after(cursor)
    seen = await see_open_holds(visit.desk.tenants, visit.tenant_id, holder_id, after=after, limit=limit + 1)
    page = seen[:limit]
    has_more = len(seen) > limit
    last = page[-1].hold if page else None
    return HoldList(
        holds=[_shape(hold) for hold in page],
        next_cursor=encode_cursor(last.expires_at.isoformat(), last.hold_id.hex) if has_more and last else None,
    )


@routes.get("/{hold_id}", responses=problems(401, 403, 404, 422))
async def get_hold(hold_id: str, visit: Looker) -> HoldShape:
    """One hold; a member sees only the own ones."""
    sees_all = may(visit.person.actor, Permission.SPEND_FOR_OTHERS)
    seen = await see_hold(
        visit.desk.tenants,
        visit.tenant_id,
        parse_public_id("hold", hold_id, field="hold_id"),
        only_of=None if sees_all else visit.person.identity,
    )
    return _shape(seen)


@routes.post("/{hold_id}/settle", responses=problems(401, 403, 404, 409, 422))
async def settle_open_hold(hold_id: str, body: Settlement, visit: Spender) -> ClosedHold:
    """Charges the call's true cost, below, at or above its hold. Settling again at the same cost changes nothing."""
    identity = parse_public_id("hold", hold_id, field="hold_id")
    done = await settle_hold(
        visit.desk, visit.asked, visit.tenant_id, identity, body.cost, dollars=body.cost_usd
    )  # fmt: skip
    settled = visit.told(done)
    return _closed(settled.closed, settled.dollars)


@routes.post("/{hold_id}/void", responses=problems(401, 403, 404, 409, 422))
async def void_open_hold(hold_id: str, visit: Spender) -> ClosedHold:
    """Gives all of it back, because nothing was delivered. Voiding again changes nothing."""
    identity = parse_public_id("hold", hold_id, field="hold_id")
    return _closed(visit.told(await void_hold(visit.desk, visit.asked, visit.tenant_id, identity)), None)


@routes.post("/{hold_id}/extend", responses=problems(401, 403, 404, 409, 422))
async def extend_open_hold(hold_id: str, body: Extension, visit: Spender) -> ExtendedHold:
    """Moves the deadline, because the call is still alive."""
    identity = parse_public_id("hold", hold_id, field="hold_id")
    extended = visit.told(await extend_hold(visit.desk, visit.asked, visit.tenant_id, identity, body.seconds))
    return ExtendedHold(id=public_id("hold", extended.hold_id), expires_at=extended.expires_at)


def _after(cursor: str) -> OpenHoldsAfter:
    moment, digits = decode_cursor(cursor, str, str)
    try:
        expires_at = datetime.fromisoformat(moment)
        after = OpenHoldsAfter(expires_at, parse_public_id("hold", f"hld_{digits}", field="cursor"))
    except ValueError:
        raise not_handed_out() from None
    if expires_at.tzinfo is None:
        raise not_handed_out()
    return after


def _shape(seen: SeenHold) -> HoldShape:
    hold, metered = seen.hold, seen.metered
    dollars = None if metered is None else metered.dollars
    return HoldShape(
        id=public_id("hold", hold.hold_id),
        member_id=public_id("member", hold.member_id),
        state=hold.state,
        amount=hold.amount,
        amount_usd=dollars,
        is_free=metered is not None and is_free(dollars, metered.credit_factor),
        charged=hold.charged,
        overrun=hold.overrun,
        label=None if metered is None else metered.purpose.label,
        metadata={} if metered is None else words_of(metered.purpose),
        opened_at=hold.opened_at,
        expires_at=hold.expires_at,
        closed_at=hold.closed_at,
    )


def _closed(closed: HoldClosed, dollars: Cost | None) -> ClosedHold:
    return ClosedHold(
        id=public_id("hold", closed.hold_id),
        state=closed.state,
        charged=Credits(closed.charged_micro),
        charged_usd=dollars,
        overrun=Credits(closed.overrun_micro),
        closed_at=closed.closed_at,
    )
