"""What a member has left, set as a level."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.remaining import NewRemaining, RemainingSet, set_remaining
from bursar.api.amounts import Amount, Figure, TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import MemberId
from bursar.api.movements import Movement, movement
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.api.texts import Note
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/members", tags=["allocations"])


class Remaining(Shape):
    """What the member is to have left, and `seen`, what it had when the person looked."""

    remaining: TypedLevel
    seen: Figure
    note: Note = None


class RemainingShape(Shape):
    """What the member has left and had before, and the allocation or reclaim that made the difference, if any did."""

    remaining: Amount
    before: Amount
    movement: Movement | None


@routes.put("/{member_id}/remaining", responses=problems(401, 403, 404, 409, 422))
async def set_remaining_of_member(
    member_id: MemberId, body: Remaining, visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)]
) -> RemainingShape:
    """Sets what the member has left: the difference comes out of the pool, or goes back to it."""
    wanted = NewRemaining(body.remaining, body.seen, body.note)
    return _shape(visit.told(await set_remaining(visit.desk, visit.asked, visit.tenant_id, member_id, wanted)))


def _shape(done: RemainingSet) -> RemainingShape:
    return RemainingShape(
        remaining=done.after,
        before=done.before,
        movement=None if done.transferred is None else movement(done.transferred),
    )
