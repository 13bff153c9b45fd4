"""What the platform has granted a tenant in all, and the cap it sets on the tenant's credits per cycle."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.cycles import set_cycle_ceiling
from bursar.actions.totals import NewTotal, set_total
from bursar.api.amounts import Amount, Figure, LevelOrNone, TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import TenantId
from bursar.api.signed_in import Visit, platform_change
from bursar.api.texts import Note
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/tenants", tags=["grants"])


class Total(Shape):
    """The total to be, and `seen`, what it was when the person looked."""

    total: TypedLevel
    seen: Figure
    note: Note = None


class TotalSet(Shape):
    """The tenant's total, and what it was before."""

    total: Amount
    before: Amount


class Ceiling(Shape):
    """The cap to be: null is none, 0 allows nothing."""

    ceiling: LevelOrNone
    note: Note = None


class CeilingSet(Shape):
    """The cap on credits per cycle, and what it was before; null is none."""

    ceiling: Amount | None
    before: Amount | None


@routes.put("/{tenant_id}/total", responses=problems(401, 403, 404, 409, 422))
async def set_total_of_tenant(
    tenant_id: TenantId, body: Total, visit: Annotated[Visit, platform_change(Permission.GRANT)]
) -> TotalSet:
    """Sets what the platform has granted in all: the difference comes into the tenant's pool, or leaves it."""
    wanted = NewTotal(body.total, body.seen, body.note)
    level = visit.told(await set_total(visit.desk, visit.asked, tenant_id, wanted))
    return TotalSet(total=level.after, before=level.before)


@routes.put("/{tenant_id}/cycle-ceiling", responses=problems(401, 403, 404, 409, 422))
async def set_cycle_ceiling_of_tenant(
    tenant_id: TenantId, body: Ceiling, visit: Annotated[Visit, platform_change(Permission.CHANGE_TENANT)]
) -> CeilingSet:
    """Caps the tenant's credits per cycle, not below what the tenant has set."""
    done = await set_cycle_ceiling(visit.desk, visit.asked, tenant_id, body.ceiling, note=body.note)
    ceiling = visit.told(done)
    return CeilingSet(ceiling=ceiling.after, before=ceiling.before)
