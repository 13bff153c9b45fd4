"""The tenant's running budgeting period."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.cycles import NewCadence, NewPerCycle, reset_cycle, set_cadence, set_per_cycle
from bursar.api.amounts import Amount, TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Note
from bursar.domain.cycles import CADENCES, Cadence
from bursar.domain.roles import Permission
from bursar.reports.pool import see_tenant_figures

routes = APIRouter(prefix="/cycle", tags=["cycle"])


class Cycle(Shape):
    """The running cycle and what it has to spend. `ceiling` caps credits per cycle; null is no cap."""

    epoch: int
    cadence: str
    cadence_label: str
    time_zone: str
    started_at: datetime
    ends_at: datetime
    credits_per_cycle: Amount
    ceiling: Amount | None
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


class CreditsPerCycle(Shape):
    """What each cycle is to have, and `seen`, what it had when the person looked."""

    credits_per_cycle: TypedLevel
    seen: TypedLevel
    note: Note = None


class CreditsPerCycleSet(Shape):
    """What each cycle has, and what it had before."""

    credits_per_cycle: Amount
    before: Amount


class CadenceDraft(Shape):
    """How long cycles are to last and where their days begin, and the number of the cycle that this ends."""

    cadence: Cadence
    time_zone: Annotated[str, Field(max_length=64)]
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
        ceiling=seen.ceiling,
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


@routes.put("/credits-per-cycle", responses=problems(401, 403, 404, 409, 422))
async def set_credits_per_cycle(
    body: CreditsPerCycle,
    visit: Annotated[TenantVisit, tenant_change(Permission.CHANGE_CYCLE)],
) -> CreditsPerCycleSet:
    """Sets what each cycle has to spend; the running one's plan moves by the difference at once."""
    wanted = NewPerCycle(body.credits_per_cycle, body.seen, body.note)
    level = visit.told(await set_per_cycle(visit.desk, visit.asked, visit.tenant_id, wanted))
    return CreditsPerCycleSet(credits_per_cycle=level.after, before=level.before)


@routes.put("/cadence", responses=problems(401, 403, 404, 409, 422))
async def set_cadence_of_cycles(
    body: CadenceDraft,
    visit: Annotated[TenantVisit, tenant_change(Permission.CHANGE_CYCLE)],
) -> StartedCycle:
    """Changes how long cycles last, or where their days begin; a fresh cycle starts at once."""
    wanted = NewCadence(str(body.cadence), body.time_zone, body.epoch, body.note)
    answer = visit.told(await set_cadence(visit.desk, visit.asked, visit.tenant_id, wanted))
    return StartedCycle(epoch=answer.epoch, started_at=answer.started_at, ends_at=answer.ends_at)
