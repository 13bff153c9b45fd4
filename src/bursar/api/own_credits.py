"""What one has oneself, wherever credits are spent and in the personal centre."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import Visit, platform
from bursar.domain.roles import Permission
from bursar.reports.own_credits import OwnCredits, see_own_credits

routes = APIRouter(prefix="/own-credits", tags=["own credits"])


class OwnBalance(Shape):
    """A member's own: total = consumed + remaining + held. `remaining` is allowance + balance - held, and negative for
    who owes; `shared` is what the group's budget adds to it for calls.
    """

    total: Amount
    remaining: Amount
    held: Amount
    monthly: Amount
    allowance: Amount
    balance: Amount
    shared: Amount


class OwnPool(Shape):
    """A tenant admin's, who spends from the pool: available = total - allocated - pool_used. `pool_used` is what the
    tenant admins consumed and hold, this one's consumption included.
    """

    total: Amount
    allocated: Amount
    pool_used: Amount
    available: Amount


class OwnCreditsShape(Shape):
    """What one can spend now and has consumed, in the running cycle (`used`) and in all. `own` is null for a tenant
    admin, `pool` for everybody else. `open_requests` wait to be decided.
    """

    spendable: Amount
    consumed: Amount
    used: Amount
    cycle_ends_at: datetime
    open_requests: int
    own: OwnBalance | None
    pool: OwnPool | None


@routes.get("", responses=problems(401, 403))
async def get_own_credits(visit: Annotated[Visit, platform(Permission.SEE_OWN_CREDITS)]) -> OwnCreditsShape:
    """One's own credits, of one moment."""
    person = visit.person
    assert person.tenant is not None, "a super admin has no credits"
    clock = visit.desk.clock.of_ledger
    return own_credits_shape(await see_own_credits(visit.desk.tenants, person.tenant.tenant_id, person.identity, clock))


def own_credits_shape(seen: OwnCredits) -> OwnCreditsShape:
    """Somebody's own credits, as screens show them."""
    member, spends_pool = seen.member, seen.member.spends_pool
    return OwnCreditsShape(
        spendable=member.spendable,
        consumed=member.consumed,
        used=member.used,
        cycle_ends_at=seen.cycle.ends_at,
        open_requests=seen.open_requests,
        own=None if spends_pool else _own(seen),
        pool=_pool(seen) if spends_pool else None,
    )


def _own(seen: OwnCredits) -> OwnBalance:
    member = seen.member
    return OwnBalance(
        total=seen.total,
        remaining=member.remaining,
        held=member.held,
        monthly=member.monthly,
        allowance=member.allowance,
        balance=member.balance,
        shared=seen.shared,
    )


def _pool(seen: OwnCredits) -> OwnPool:
    tenant = seen.tenant
    return OwnPool(
        total=tenant.purchased, allocated=tenant.assigned, pool_used=tenant.pool_used, available=tenant.unassigned
    )
