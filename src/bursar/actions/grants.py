"""Credits that the platform gives to a tenant's pool, and takes back out of it."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, Told
from bursar.actions.once import Done
from bursar.actions.posting import moved, post_and_tell
from bursar.domain.credits import Credits
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import Transfer, Transferred
from bursar.outside.identity import new_uuid


async def grant(desk: Desk, asked: Asked, tenant_id: UUID, amount: Credits, *, note: str | None) -> Done[Transferred]:
    """Credits into the pool. Refuses `tenant_unknown`, `total_too_large`.

    Rule: TENANT-3
    """
    check_permission(asked.actor, Permission.GRANT)
    return await _post(desk, asked, tenant_id, "grant", amount, note)


async def withdraw_grant(
    desk: Desk, asked: Asked, tenant_id: UUID, amount: Credits, *, note: str | None
) -> Done[Transferred]:
    """Granted credits that nobody was given back out of the pool. Refuses `tenant_unknown`, `insufficient_pool`,
    `insufficient_grant`.

    Rule: TENANT-5
    """
    check_permission(asked.actor, Permission.GRANT)
    return await _post(desk, asked, tenant_id, "grant_withdrawal", amount, note)


async def _post(
    desk: Desk, asked: Asked, tenant_id: UUID, kind: str, amount: Credits, note: str | None
) -> Done[Transferred]:
    command = Transfer(
        actor_id=asked.actor.identity, key=asked.key, transfer_id=new_uuid(), kind=kind, amount=amount, note=note
    )

    def told(answer: Transferred) -> Told:
        is_out = kind == "grant_withdrawal"
        return moved(Subject("tenant", tenant_id), "pool", answer, note=note, is_out=is_out)

    return await post_and_tell(desk, asked, tenant_id, command, Transferred, told=told)
