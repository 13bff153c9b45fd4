"""Deleting a member: what is unused goes back, what is personal goes away, and what the books need stays."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.credit_requests import deny_open_requests
from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.member_standing import check_tenant_is_run, moved
from bursar.actions.members import reached_member, state_of
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.people import name_after_deletion
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import CloseWallet, lock_books
from bursar.outside.identity import new_uuid
from bursar.store.api_keys import update_keys_of_member_deleted
from bursar.store.conversations import delete_conversations_of_member
from bursar.store.invitations import update_invitations_of_member_deleted
from bursar.store.members import update_member_deleted
from bursar.store.notifications import delete_notifications_of_member
from bursar.store.secret_hashes import delete_secrets_of_keys
from bursar.store.sessions import revoke_live_sessions
from bursar.store.sign_in_names import delete_sign_in_names


@dataclass(frozen=True)
class DeletedMember:
    """Who is gone, under what the books call them; what went back to the pool, and what calls under way still hold.

    `returned` is negative where a debt was taken over.
    """

    member_id: UUID
    number: int
    display_name: str
    returned: Credits
    held: Credits


async def delete_member(desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID) -> Done[DeletedMember]:
    """Deletes a member for good. Refuses `member_unknown`, `last_tenant_admin`, and whom the actor does not reach.

    Rule: MEMBER-12, REQUEST-11, RECLAIM-4
    """
    check_permission(asked.actor, Permission.DELETE_MEMBER)

    async def act(transaction: Transaction) -> DeletedMember:
        now = desk.clock.now()
        await lock_books(transaction, tenant_id)
        member = await reached_member(transaction, asked, Permission.DELETE_MEMBER, tenant_id, member_id)
        await check_tenant_is_run(transaction, tenant_id, member)
        command = CloseWallet(actor_id=asked.actor.identity, transfer_id=new_uuid(), member_id=member_id)
        returned = await moved(transaction, desk, tenant_id, command)
        denied = await deny_open_requests(
            transaction, desk, asked, tenant_id, member_id, note="The member was deleted."
        )
        await update_member_deleted(transaction, tenant_id, member, now=now)
        await delete_sign_in_names(transaction, member_id)
        await update_invitations_of_member_deleted(
            transaction, tenant_id, member_id, called=name_after_deletion(member.number)
        )
        await delete_notifications_of_member(transaction, tenant_id, member_id)
        await delete_conversations_of_member(transaction, tenant_id, member_id)
        await revoke_live_sessions(transaction, member_id, now=now, seen_after=now, kept=None)
        keys = await update_keys_of_member_deleted(transaction, tenant_id, member_id, now=now)
        await delete_secrets_of_keys(transaction, tenant_id, keys)
        # What the member was called stands in earlier events, and is not written down once more.
        told = Told(
            "member_deleted",
            Subject("member", member_id),
            detail={
                "number": str(member.number),
                "returned": str(returned),
                "keys_deleted": str(len(keys)),
                "requests_denied": str(denied),
            },
            changes={"status": Change(member.status, "deleted")},
        )
        await record(transaction, desk, asked, tenant_id, told)
        state = await state_of(transaction, desk, tenant_id, member)
        return DeletedMember(
            member_id=member_id,
            number=member.number,
            display_name=name_after_deletion(member.number),
            returned=returned,
            held=state.figures.held,
        )

    return await once(desk, asked, tenant_id, DeletedMember, act)
