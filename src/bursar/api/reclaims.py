"""A member's or a group's balance taken back to the pool."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.allocations import reclaim
from bursar.api.allocations import NewHanding
from bursar.api.answers import problems
from bursar.api.movements import Movement, movement
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/reclaims", tags=["reclaims"])


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_reclaim(
    body: NewHanding,
    visit: Annotated[TenantVisit, tenant_change(Permission.RECLAIM)],
) -> Movement:
    """Takes unused credits back from a member or a group."""
    return movement(visit.told(await reclaim(visit.desk, visit.asked, visit.tenant_id, body.handing())))
