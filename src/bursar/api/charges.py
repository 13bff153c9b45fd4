"""Charging at once, for what is over when it is told of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter

from bursar.actions.charges import charge
from bursar.actions.metering import Wanted
from bursar.api.amounts import Amount, DollarsOrNone, DollarsShown, MeteredOrNone
from bursar.api.answers import Shape, problems
from bursar.api.metering import PurposeDraft, metered_member, words_of
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/charges", tags=["holds"])


class ChargeDraft(PurposeDraft):
    """How much to charge, in credits or else in dollars. Without a member it is oneself."""

    amount: MeteredOrNone = None
    amount_usd: DollarsOrNone = None


class ChargeShape(Shape):
    """What was charged; its id is that of a hold, which was settled as it was opened. `is_free` says that nothing is
    charged for dollars, because the tenant's credit factor is 0.
    """

    id: str
    member_id: str
    charged: Amount
    charged_usd: DollarsShown
    is_free: bool
    label: str | None
    metadata: Mapping[str, str]
    charged_at: datetime


@routes.post("", status_code=201, responses=problems(401, 402, 403, 404, 422))
async def create_charge(
    body: ChargeDraft, visit: Annotated[TenantVisit, tenant_change(Permission.SPEND)]
) -> ChargeShape:
    """Charges all of it at once if what is left covers it, and nothing if not."""
    member_id = metered_member(visit, body.member_id)
    wanted = Wanted(member_id, body.amount, body.amount_usd, body.purpose)
    done = visit.told(await charge(visit.desk, visit.asked, visit.tenant_id, wanted))
    return ChargeShape(
        id=public_id("hold", done.closed.hold_id),
        member_id=public_id("member", member_id),
        charged=Credits(done.closed.charged_micro),
        charged_usd=done.measure.dollars,
        is_free=done.measure.is_free,
        label=done.metered.purpose.label,
        metadata=words_of(done.metered.purpose),
        charged_at=done.closed.closed_at,
    )
