"""What the platform has granted a tenant in all, set as a level."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import LevelSet, locked_figures, post_one
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.levels import check_seen
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import Changed, SetTotal
from bursar.outside.identity import new_uuid


@dataclass(frozen=True)
class NewTotal:
    """The total to be, the one that the person saw, and why."""

    total: Credits
    seen: Credits
    note: str | None


async def set_total(desk: Desk, asked: Asked, tenant_id: UUID, wanted: NewTotal) -> Done[LevelSet]:
    """Sets the tenant's total: the difference is granted to the pool, or taken back out of it.

    Refuses `tenant_unknown`, `figure_changed`, `total_in_use`, `total_too_large`.

    Rule: TENANT-3
    """
    check_permission(asked.actor, Permission.GRANT)
    total = wanted.total
    command = SetTotal(actor_id=asked.actor.identity, transfer_id=new_uuid(), total=total, note=wanted.note)

    async def act(transaction: Transaction) -> LevelSet:
        present = (await locked_figures(transaction, desk, tenant_id)).granted
        check_seen(wanted.seen, present=present)
        await post_one(transaction, desk, tenant_id, command, Changed)
        if total != present:
            changes = {"total": Change(str(present), str(total))}
            # A fact as well as a change, because people are told of it.
            told = Told("total_set", Subject("tenant", tenant_id), wanted.note, {"total": str(total)}, changes)
            await record(transaction, desk, asked, tenant_id, told)
        return LevelSet(present, total)

    return await once(desk, asked, tenant_id, LevelSet, act)
