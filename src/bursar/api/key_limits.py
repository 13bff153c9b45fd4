"""What the tenant's API keys inherit where they have no limit of their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.key_limits import set_key_limits
from bursar.api.answers import problems
from bursar.api.limits import LimitsDraft, TenantLimits
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.domain.api_keys import KeyLimits
from bursar.domain.roles import Permission
from bursar.reports.api_keys import see_key_limits

routes = APIRouter(prefix="/settings/key-limits", tags=["settings"])


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_key_limits(visit: Annotated[TenantVisit, tenant(Permission.SEE_SETTINGS)]) -> TenantLimits:
    """What keys inherit."""
    return _shape(await see_key_limits(visit.desk.tenants, visit.tenant_id))


@routes.put("", responses=problems(401, 403, 404, 409, 422))
async def put_key_limits(
    body: LimitsDraft, visit: Annotated[TenantVisit, tenant_change(Permission.CHANGE_SETTINGS)]
) -> TenantLimits:
    """Replaces what keys inherit. What is left out is no limit."""
    limits = KeyLimits(**body.named())
    return _shape(visit.told(await set_key_limits(visit.desk, visit.asked, visit.tenant_id, limits)))


def _shape(limits: KeyLimits) -> TenantLimits:
    return TenantLimits(
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
        calls_at_once=limits.calls_at_once,
        credits_per_cycle=limits.credits_per_cycle,
        credits_in_total=limits.credits_in_total,
    )
