"""The tenant's pool and its summary cards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.roles import Permission
from bursar.reports.pool import see_tenant_figures

routes = APIRouter(prefix="/pool", tags=["pool"])


class PoolShape(Shape):
    """What the organisation has. `balance` can be allocated now, less what is `held`; `available` is purchased -
    utilized. `granted` is the part of purchased that the platform gave, `pool_used` what the tenant admins use
    themselves: unassigned = purchased - assigned - pool_used.
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


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_pool(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> PoolShape:
    """The pool and the totals, all from one moment."""
    figures = await see_tenant_figures(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger)
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
    )
