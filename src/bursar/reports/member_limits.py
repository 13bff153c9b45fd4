"""What bounds the members of a tenant, as people see it."""

from __future__ import annotations

from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.call_limits import MemberLimits
from bursar.domain.refusals import Refusal
from bursar.store.member_limits import find_member_limits


async def see_member_limits(database: Database, tenant_id: UUID) -> MemberLimits:
    """What bounds each member of the tenant. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        limits = await find_member_limits(transaction, tenant_id)
    if limits is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    return limits
