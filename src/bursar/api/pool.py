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
    utilized.
    """

    balance: Amount
    held: Amount
    purchased: Amount
    utilized: Amount
    available: Amount
    assigned: Amount
    unassigned: Amount


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_pool(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> PoolShape:
    """The pool and the totals, all from one moment."""
    figures = await see_tenant_figures(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger)
    return PoolShape(
        balance=figures.pool.balance,
        held=figures.pool.held,
        purchased=figures.purchased,
        utilized=figures.utilized,
        available=figures.available,
        assigned=figures.assigned,
        unassigned=figures.unassigned,
    )
