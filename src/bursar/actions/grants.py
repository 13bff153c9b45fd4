"""Credits that the platform gives to a tenant's pool."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject
from bursar.actions.posting import Posted, Told, post_and_tell
from bursar.domain.credits import Credits
from bursar.domain.permissions import Permission, check_permission
from bursar.ledger import Transfer, Transferred
from bursar.outside.identity import new_uuid


async def grant(
    desk: Desk, asked: Asked, tenant_id: UUID, amount: Credits, *, note: str | None, key: str | None
) -> Posted[Transferred]:
    """Credits into the pool. Refuses `tenant_unknown`, `total_too_large`."""
    check_permission(asked.actor, Permission.GRANT)
    command = Transfer(
        actor_id=asked.actor.identity, key=key, transfer_id=new_uuid(), kind="grant", amount=amount, note=note
    )
    told = Told("grant", Subject("tenant", tenant_id), note, {"amount": str(amount)})
    return await post_and_tell(desk, asked, tenant_id, command, Transferred, told=told)
