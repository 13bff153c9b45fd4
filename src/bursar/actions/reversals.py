"""Taking an allocation or a reclaim back, by its exact opposite."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, record
from bursar.actions.once import Done, once
from bursar.actions.posting import asked_as, moved, post_one
from bursar.db.transaction import Transaction
from bursar.domain.accounts import OWNER_OF, Owner
from bursar.domain.ids import public_id
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import OfTransfer, PostedTransfer, Reverse, Transferred, explain, lock_books
from bursar.outside.identity import new_uuid


async def reverse(
    desk: Desk, asked: Asked, tenant_id: UUID, reverses_id: UUID, *, note: str | None
) -> Done[Transferred]:
    """Posts the opposite of an allocation or a reclaim, once, while the funds are still there.

    Refuses `transfer_unknown`, `not_reversible`, `already_reversed`, recipients that cannot receive, and the shortage
    of whoever would have to give the credits back.

    Rule: RECLAIM-6, RECLAIM-7
    """
    check_permission(asked.actor, Permission.REVERSE)
    command = Reverse(actor_id=asked.actor.identity, transfer_id=new_uuid(), reverses_id=reverses_id, note=note)

    async def act(transaction: Transaction) -> Transferred:
        await lock_books(transaction, tenant_id)
        # Whoever asks names the transaction, and through it everything else.
        with asked_as(**dict.fromkeys(("reverses_id", "transfer_id", "member_id", "group_id"), "transaction_id")):
            story = await explain(transaction, tenant_id, OfTransfer(reverses_id), desk.clock.of_ledger)
            answer = await post_one(transaction, desk, tenant_id, command, Transferred)
        original = story.entries[0].transfer
        subject, is_out = _holder(original)
        detail = {"kind": original.kind, "reverses": public_id("transfer", reverses_id)}
        told = moved(subject, "balance", answer, note=note, is_out=is_out, detail=detail, kind="reversal")
        await record(transaction, desk, asked, tenant_id, told)
        return answer

    return await once(desk, asked, tenant_id, Transferred, act)


def _holder(original: PostedTransfer) -> tuple[Subject, bool]:
    """Whose balance the original moved, and whether its opposite goes out of it."""
    for side, is_out in ((original.target, True), (original.source, False)):
        owner = OWNER_OF[side.account]
        if side.owner_id is not None and owner is not Owner.TENANT:
            return Subject(str(owner), side.owner_id), is_out
    raise AssertionError("what can be reversed has a member or a group on one side")
