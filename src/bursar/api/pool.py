"""The tenant's pool and its summary cards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.permissions import Permission
from bursar.reports.pool import see_pool

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
    unassigned: Amount


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_pool(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> PoolShape:
    """The pool and the totals, all from one moment."""
    pool = await see_pool(visit.desk.tenants, visit.tenant_id, now=visit.desk.clock.now())
    return PoolShape(
        balance=pool.balance,
        held=pool.held,
        purchased=pool.purchased,
        utilized=pool.utilized,
        available=pool.available,
        unassigned=pool.unassigned,
    )
