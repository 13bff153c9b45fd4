"""Credits that the platform gives to a tenant, and takes back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.grants import grant, withdraw_grant
from bursar.api.amounts import TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import TenantId
from bursar.api.movements import Movement, movement
from bursar.api.signed_in import Visit, platform_change
from bursar.api.texts import Note
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/tenants", tags=["grants"])


class NewGrant(Shape):
    """How much to give, and why."""

    amount: TypedAmount
    note: Note = None


@routes.post("/{tenant_id}/grants", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_grant(
    tenant_id: TenantId,
    body: NewGrant,
    visit: Annotated[Visit, platform_change(Permission.GRANT)],
) -> Movement:
    """Gives credits to the tenant's pool."""
    return movement(visit.told(await grant(visit.desk, visit.asked, tenant_id, body.amount, note=body.note)))


@routes.post("/{tenant_id}/grant-withdrawals", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_grant_withdrawal(
    tenant_id: TenantId,
    body: NewGrant,
    visit: Annotated[Visit, platform_change(Permission.GRANT)],
) -> Movement:
    """Takes granted credits that nobody was given back out of the tenant's pool."""
    return movement(visit.told(await withdraw_grant(visit.desk, visit.asked, tenant_id, body.amount, note=body.note)))
