"""Pool credits handed out to a member's or a group's balance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict

from bursar.actions.allocations import Handing, Holder, allocate
from bursar.api.amounts import TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import GroupId, MemberId
from bursar.api.movements import Movement, movement
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.api.texts import Note
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission

routes = APIRouter(prefix="/allocations", tags=["allocations"])


class NewHanding(Shape):
    """Exactly one of `member_id` and `group_id`, the amount, and a note if wanted.

    Rule: ALLOC-3
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [one], "properties": {one: {"type": "string"}, other: {"type": "null"}}}
                for one, other in (("member_id", "group_id"), ("group_id", "member_id"))
            ]
        }
    )

    member_id: MemberId | None = None
    group_id: GroupId | None = None
    amount: TypedAmount
    note: Note = None

    def handing(self) -> Handing:
        return Handing(self._holder(), self.amount, self.note)

    def _holder(self) -> Holder:
        if self.member_id is not None and self.group_id is None:
            return Holder("member", self.member_id)
        if self.group_id is not None and self.member_id is None:
            return Holder("group", self.group_id)
        raise Refusal("invalid_input", "Name either a member or a group.", field="member_id")


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_allocation(
    body: NewHanding,
    visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)],
) -> Movement:
    """Allocates pool credits to a member or a group."""
    return movement(visit.told(await allocate(visit.desk, visit.asked, visit.tenant_id, body.handing())))
