"""The tenant's pool and its summary cards."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.roles import Permission
from bursar.reports.pool import see_pool

routes = APIRouter(prefix="/pool", tags=["pool"])

NoAllocating = Literal["pool_empty", "nobody_to_receive"] | None
NoReclaiming = Literal["no_balances"] | None


class PoolShape(Shape):
    """What the organisation has. `balance` can be allocated now, less what is `held`; `available` is purchased -
    utilized. `granted` is the part of purchased that the platform gave, `pool_used` what the tenant admins use
    themselves: unassigned = purchased - assigned - pool_used. Where nothing can be allocated or reclaimed, the reason
    says why: `pool_empty` is helped by purchasing or redeeming, `nobody_to_receive` by creating or inviting members.
    """

    balance: Amount
    held: Amount
    granted: Amount
    purchased: Amount
    utilized: Amount
    available: Amount
    assigned: Amount
    pool_used: Amount
    unassigned: Amount
    can_allocate: bool
    cannot_allocate_because: NoAllocating
    can_reclaim: bool
    cannot_reclaim_because: NoReclaiming


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_pool(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> PoolShape:
    """The pool and the totals, all from one moment."""
    actor_id = visit.asked.actor.identity
    view = await see_pool(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger, actor_id=actor_id)
    figures, openings = view.figures, view.openings
    return PoolShape(
        balance=figures.pool.balance,
        held=figures.pool.held,
        granted=figures.granted,
        purchased=figures.purchased,
        utilized=figures.utilized,
        available=figures.available,
        assigned=figures.assigned,
        pool_used=figures.pool_used,
        unassigned=figures.unassigned,
        can_allocate=openings.allocating is None,
        cannot_allocate_because=cast(NoAllocating, openings.allocating and str(openings.allocating)),
        can_reclaim=openings.reclaiming is None,
        cannot_reclaim_because=cast(NoReclaiming, openings.reclaiming and str(openings.reclaiming)),
    )
