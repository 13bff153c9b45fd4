"""What prices are multiplied with for a tenant and its groups: set by super admins, seen by who sees the settings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.price_factors import FactorSet, set_price_factor
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import GroupId, TenantId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, Visit, platform_change, tenant
from bursar.domain.costs import ONE, PRICE_FACTOR_MAX, Factor, parse_factor
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.roles import Permission
from bursar.reports.price_factors import see_price_factors

routes = APIRouter(tags=["prices"])


class FactorDraft(Shape):
    """A factor from 0 to 1000 with at most four decimals, such as "1.10"; null takes it away."""

    price_factor: Annotated[str, Field(max_length=20, examples=["1.10"])] | None

    def factor(self) -> Factor | None:
        """The factor that was typed. Refuses `invalid_input`."""
        if self.price_factor is None:
            return None
        return parse_factor(self.price_factor, field="price_factor", largest=PRICE_FACTOR_MAX)


class FactorShape(Shape):
    """The factor that the tenant or group has of its own; null if none."""

    price_factor: str | None


class GroupFactorShape(Shape):
    """A group with a factor of its own, which counts instead of the tenant's."""

    group_id: str
    name: str
    price_factor: str


class FactorList(Shape):
    """What the tenant's prices are multiplied with, and a page of the groups that differ from it."""

    price_factor: str
    groups: list[GroupFactorShape]
    next_cursor: str | None


Keeper = Annotated[Visit, platform_change(Permission.MANAGE_PRICES)]


@routes.get("/price-factors", responses=problems(401, 403, 404, 422))
async def list_price_factors(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_SETTINGS)], limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> FactorList:
    """What prices are multiplied with in the tenant."""
    after = None if cursor is None else parse_public_id("group", decode_cursor(cursor, str)[0], field="cursor")
    page = await see_price_factors(visit.desk.tenants, visit.tenant_id, after=after, limit=limit + 1)
    shown = [
        GroupFactorShape(group_id=public_id("group", row.group_id), name=row.name, price_factor=str(row.factor))
        for row in page.groups[:limit]
    ]
    has_more = len(page.groups) > limit
    return FactorList(
        price_factor=str(ONE if page.tenant is None else page.tenant),
        groups=shown,
        next_cursor=encode_cursor(shown[-1].group_id) if has_more else None,
    )


@routes.put("/tenants/{tenant_id}/price-factor", responses=problems(401, 403, 404, 422))
async def set_price_factor_of_tenant(tenant_id: TenantId, body: FactorDraft, visit: Keeper) -> FactorShape:
    """Sets what all prices are multiplied with for the tenant's calls from now on."""
    return _shape(visit.told(await set_price_factor(visit.desk, visit.asked, tenant_id, None, body.factor())))


@routes.put("/tenants/{tenant_id}/groups/{group_id}/price-factor", responses=problems(401, 403, 404, 422))
async def set_price_factor_of_group(
    tenant_id: TenantId, group_id: GroupId, body: FactorDraft, visit: Keeper
) -> FactorShape:
    """Sets what prices are multiplied with for one group's calls, instead of the tenant's factor."""
    return _shape(visit.told(await set_price_factor(visit.desk, visit.asked, tenant_id, group_id, body.factor())))


def _shape(done: FactorSet) -> FactorShape:
    return FactorShape(price_factor=None if done.factor is None else str(done.factor))
