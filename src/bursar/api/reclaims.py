"""A member's or a group's balance taken back to the pool."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from bursar.actions.allocations import reclaim
from bursar.api.allocations import NewHanding
from bursar.api.answers import problems
from bursar.api.idempotency import IdempotencyKey
from bursar.api.movements import Movement, movement
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.permissions import Permission

routes = APIRouter(prefix="/reclaims", tags=["reclaims"])


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_reclaim(
    body: NewHanding,
    response: Response,
    visit: Annotated[TenantVisit, tenant(Permission.RECLAIM)],
    idempotency_key: IdempotencyKey = None,
) -> Movement:
    """Takes unused credits back from a member or a group."""
    posted = await reclaim(visit.desk, visit.asked, visit.tenant_id, body.handing(), key=idempotency_key)
    return movement(posted, response)
