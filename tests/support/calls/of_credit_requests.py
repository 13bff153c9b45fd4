"""Members asking for more credits, and what is decided about it."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.db.transaction import writing
from bursar.domain.credit_requests import RequestStatus
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid_at
from bursar.store.credit_requests import CreditRequest, insert_credit_request
from tests.support.calls.scenes import Call, Sample, Scene


async def create(_: Scene) -> Call:
    return Call("POST", "/credit-requests", {"amount": "2.50", "reason": "For the launch"})


async def approve(scene: Scene) -> Call:
    await scene.house.granted(scene.place, "10")
    body = {"amount": "2", "source": "pool", "note": "For now"}
    return Call("POST", f"/credit-requests/{await waiting(scene)}/approve", body)


async def deny(scene: Scene) -> Call:
    return Call("POST", f"/credit-requests/{await waiting(scene)}/deny", {"note": "Not this month"})


async def waiting(scene: Scene) -> str:
    """The id of a request of the target that waits. It is put there and not asked for: a tenant admin asks for none,
    and yet what would be theirs to decide must not be one's own."""
    now = scene.house.clock.now()
    request = CreditRequest(
        request_id=new_uuid_at(now),
        member_id=scene.target.member_id,
        group_id=scene.target.group_id,
        amount=parse_level("2.50", field="amount"),
        reason="For the launch",
        status=RequestStatus.PENDING,
        submitted_at=now,
        epoch=1,
    )
    async with writing(scene.house.desk.tenants, scene.tenant_id) as transaction:
        await insert_credit_request(transaction, scene.tenant_id, request)
    return public_id("credit_request", request.request_id)


SAMPLES: Mapping[str, Sample] = {
    "create_credit_request": Sample(create, by=Role.MEMBER, on_oneself=True, changes=frozenset({"status"})),
    "approve_credit_request": Sample(approve, by=Role.ADMIN, changes=frozenset({"status"})),
    "deny_credit_request": Sample(deny, by=Role.ADMIN, changes=frozenset({"status"})),
}
