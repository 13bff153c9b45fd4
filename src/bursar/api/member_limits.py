"""What bounds the calls of each member of the tenant, over all keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.member_limits import set_member_limits
from bursar.api.answers import problems
from bursar.api.limits import MemberLimitsShape
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.domain.call_limits import MemberLimits
from bursar.domain.roles import Permission
from bursar.reports.member_limits import see_member_limits

routes = APIRouter(prefix="/settings/member-limits", tags=["settings"])


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_member_limits(visit: Annotated[TenantVisit, tenant(Permission.SEE_SETTINGS)]) -> MemberLimitsShape:
    """What bounds each member."""
    return _shape(await see_member_limits(visit.desk.tenants, visit.tenant_id))


@routes.put("", responses=problems(401, 403, 404, 409, 422))
async def put_member_limits(
    body: MemberLimitsShape, visit: Annotated[TenantVisit, tenant_change(Permission.CHANGE_SETTINGS)]
) -> MemberLimitsShape:
    """Replaces what bounds each member over all keys. What is left out is no limit."""
    limits = MemberLimits(
        requests_per_minute=body.requests_per_minute,
        tokens_per_minute=body.tokens_per_minute,
        calls_at_once=body.calls_at_once,
    )
    return _shape(visit.told(await set_member_limits(visit.desk, visit.asked, visit.tenant_id, limits)))


def _shape(limits: MemberLimits) -> MemberLimitsShape:
    return MemberLimitsShape(
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
        calls_at_once=limits.calls_at_once,
    )
