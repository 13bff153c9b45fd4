"""What a member can spend now, for whoever meters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import MemberId
from bursar.api.metering import metered_member
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.ids import public_id
from bursar.domain.roles import Permission
from bursar.reports.spendable import see_spendable

routes = APIRouter(prefix="/spendable", tags=["holds"])


class SpendableShape(Shape):
    """What a member can spend: allowance + balance - held, with what a shared group adds; what the pool has for who
    spends from it. Negative for who owes. `resets_at` is null where nothing renews by itself.
    """

    member_id: str
    spendable: Amount
    allowance: Amount
    balance: Amount
    held: Amount
    resets_at: datetime | None


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_spendable(
    visit: Annotated[TenantVisit, tenant(Permission.SPEND)],
    member_id: Annotated[MemberId | None, Query(description="This member; without it, oneself.")] = None,
) -> SpendableShape:
    """What a member can spend at this moment."""
    wanted = metered_member(visit, member_id)
    seen = await see_spendable(visit.desk.tenants, visit.tenant_id, wanted, visit.desk.clock.of_ledger)
    return SpendableShape(
        member_id=public_id("member", wanted),
        spendable=seen.member.spendable,
        allowance=seen.member.allowance,
        balance=seen.member.balance,
        held=seen.member.held,
        resets_at=seen.resets_at,
    )
