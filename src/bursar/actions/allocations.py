"""Handing out: pool credits to a member's or a group's balance, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, Told
from bursar.actions.once import Done
from bursar.actions.posting import moved, post_and_tell
from bursar.domain.credits import Credits
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import Transfer, Transferred
from bursar.outside.identity import new_uuid

GIVEN: Mapping[str, str] = {"member": "allocation", "group": "group_allocation"}
TAKEN: Mapping[str, str] = {"member": "reclaim", "group": "group_reclaim"}
"""The kind of transfer by whose balance it fills or empties."""


@dataclass(frozen=True)
class Holder:
    """Whose balance is meant: a member's or a group's."""

    noun: str
    identity: UUID


@dataclass(frozen=True)
class Handing:
    """An amount to hand out to a holder or to take back, and why."""

    holder: Holder
    amount: Credits
    note: str | None = None


async def allocate(desk: Desk, asked: Asked, tenant_id: UUID, handing: Handing) -> Done[Transferred]:
    """Pool to balance. Refuses `insufficient_pool`, and recipients that cannot receive.

    Rule: ALLOC-1, ALLOC-2, ALLOC-4, ALLOC-5
    """
    check_permission(asked.actor, Permission.ALLOCATE)
    return await _hand(desk, asked, tenant_id, handing, kinds=GIVEN, is_out=False)


async def reclaim(desk: Desk, asked: Asked, tenant_id: UUID, handing: Handing) -> Done[Transferred]:
    """Balance to pool, at most the balance less holds, whether who holds it is active or not. Refuses
    `insufficient_balance`.

    Rule: RECLAIM-1, RECLAIM-2, RECLAIM-3
    """
    check_permission(asked.actor, Permission.RECLAIM)
    return await _hand(desk, asked, tenant_id, handing, kinds=TAKEN, is_out=True)


async def _hand(
    desk: Desk, asked: Asked, tenant_id: UUID, handing: Handing, *, kinds: Mapping[str, str], is_out: bool
) -> Done[Transferred]:
    holder = handing.holder
    kind = kinds[holder.noun]
    command = Transfer(
        actor_id=asked.actor.identity,
        key=asked.key,
        transfer_id=new_uuid(),
        kind=kind,
        amount=handing.amount,
        member_id=holder.identity if holder.noun == "member" else None,
        group_id=holder.identity if holder.noun == "group" else None,
        note=handing.note,
    )
    subject = Subject(holder.noun, holder.identity)

    def told(answer: Transferred) -> Told:
        return moved(subject, "balance", answer, note=handing.note, is_out=is_out)

    return await post_and_tell(desk, asked, tenant_id, command, Transferred, told=told)
