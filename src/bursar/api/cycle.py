"""The tenant's running budgeting period."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.cycles import reset_cycle
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Note
from bursar.domain.cycles import CADENCES, Cadence
from bursar.domain.roles import Permission
from bursar.reports.pool import see_tenant_figures

routes = APIRouter(prefix="/cycle", tags=["cycle"])


class Cycle(Shape):
    """The running cycle and what it has to spend."""

    epoch: int
    cadence: str
    cadence_label: str
    time_zone: str
    started_at: datetime
    ends_at: datetime
    credits_per_cycle: Amount
    undistributed: Amount
    used: Amount


class StartedCycle(Shape):
    """The cycle that runs now."""

    epoch: int
    started_at: datetime
    ends_at: datetime


class CycleReset(Shape):
    """The number of the cycle to end, so that a reset sent twice is done once."""

    epoch: Annotated[int, Field(ge=1, le=2**31 - 1)]
    note: Note = None


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_cycle(visit: Annotated[TenantVisit, tenant(Permission.SEE_CYCLE)]) -> Cycle:
    """The running cycle."""
    seen = (await see_tenant_figures(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger)).cycle
    return Cycle(
        epoch=seen.epoch,
        cadence=seen.cadence,
        cadence_label=CADENCES[Cadence(seen.cadence)].label,
        time_zone=seen.time_zone,
        started_at=seen.started_at,
        ends_at=seen.ends_at,
        credits_per_cycle=seen.per_cycle,
        undistributed=seen.plan,
        used=seen.used,
    )


@routes.post("/reset", responses=problems(401, 403, 404, 409, 422))
async def reset_cycle_now(
    body: CycleReset,
    visit: Annotated[TenantVisit, tenant_change(Permission.RESET_CYCLE)],
) -> StartedCycle:
    """Ends the running cycle and starts a fresh one: allowances are renewed, balances stay."""
    done = await reset_cycle(visit.desk, visit.asked, visit.tenant_id, epoch=body.epoch, note=body.note)
    answer = visit.told(done)
    return StartedCycle(epoch=answer.epoch, started_at=answer.started_at, ends_at=answer.ends_at)
