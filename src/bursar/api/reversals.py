"""An allocation or a reclaim taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from bursar.actions.reversals import reverse
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import TransferId
from bursar.api.movements import Movement, movement
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.api.texts import Note
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/transactions", tags=["transactions"])


class NewReversal(Shape):
    """Why the transaction is taken back."""

    note: Note = None


@routes.post("/{transaction_id}/reversal", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def reverse_transaction(
    transaction_id: TransferId,
    body: Annotated[NewReversal, Body(default_factory=NewReversal)],
    visit: Annotated[TenantVisit, tenant_change(Permission.REVERSE)],
) -> Movement:
    """Takes an allocation or a reclaim back by its exact opposite, once, while the funds are still there."""
    done = await reverse(visit.desk, visit.asked, visit.tenant_id, transaction_id, note=body.note)
    return movement(visit.told(done))
