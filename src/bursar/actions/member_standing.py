"""What a member is in the tenant: the role, whether they are active, and the group. Each moves credits or binds them.

The tenant's books are locked first. So what is decided here still holds when it is written, and nobody allocates to, or
calls as, somebody who is being disabled or moved.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from bursar.actions.credit_requests import deny_open_requests
from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.members import (
    MemberState,
    changes_between,
    check_role,
    known_member,
    reached_member,
    state_of,
)
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.permissions import Target, check_may_reach, check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, Permission, Reach, Role
from bursar.ledger import Changed, Command, MoveWallet, SetSpendsPool, SetWalletStatus, lock_books, post
from bursar.outside.identity import new_uuid
from bursar.store.members import Member, has_other_tenant_admin, update_member


async def set_role(desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, role: Role) -> Done[MemberState]:
    """Promotes or demotes a member. Refuses `invalid_input`, `member_unknown`, `last_tenant_admin`, and whom the actor
    does not reach.

    Rule: MEMBER-9, REQUEST-11
    """
    check_permission(asked.actor, Permission.SET_ROLE)

    async def act(transaction: Transaction) -> MemberState:
        await lock_books(transaction, tenant_id)
        before = await known_member(transaction, tenant_id, member_id)
        is_about_running = Role.TENANT_ADMIN in (role, Role(before.role))
        permission = Permission.APPOINT_TENANT_ADMIN if is_about_running else Permission.SET_ROLE
        check_may_reach(asked.actor, permission, Target(Role(before.role), member_id))
        check_role(role, is_service_account=before.is_service_account)
        if role == before.role:
            return await state_of(transaction, desk, tenant_id, before)
        await check_tenant_is_run(transaction, tenant_id, before)
        detail: dict[str, str | None] = {}
        if is_about_running:
            command = SetSpendsPool(
                actor_id=asked.actor.identity,
                transfer_id=new_uuid(),
                member_id=member_id,
                spends_pool=role is Role.TENANT_ADMIN,
            )
            detail["returned"] = str(await moved(transaction, desk, tenant_id, command))
        if role is Role.TENANT_ADMIN:
            denied = await deny_open_requests(
                transaction, desk, asked, tenant_id, member_id, note="A tenant admin spends from the pool."
            )
            detail["requests_denied"] = str(denied)
        after = replace(before, role=str(role))
        return await _told(transaction, desk, asked, tenant_id, before, after, kind="member_role_set", detail=detail)

    return await once(desk, asked, tenant_id, MemberState, act)


async def switch_member(
    desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, *, is_active: bool
) -> Done[MemberState]:
    """Enables or disables a member, who keeps all they have; doing it again changes nothing. Refuses `member_unknown`,
    `last_tenant_admin`, and whom the actor does not reach.

    Rule: MEMBER-11
    """
    check_permission(asked.actor, Permission.SWITCH_MEMBER)
    status = "active" if is_active else "disabled"

    async def act(transaction: Transaction) -> MemberState:
        await lock_books(transaction, tenant_id)
        before = await reached_member(transaction, asked, Permission.SWITCH_MEMBER, tenant_id, member_id)
        if before.status == status:
            return await state_of(transaction, desk, tenant_id, before)
        if not is_active:
            await check_tenant_is_run(transaction, tenant_id, before)
        command = SetWalletStatus(actor_id=asked.actor.identity, member_id=member_id, is_active=is_active)
        await moved(transaction, desk, tenant_id, command)
        kind = "member_enabled" if is_active else "member_disabled"
        return await _told(transaction, desk, asked, tenant_id, before, replace(before, status=status), kind=kind)

    return await once(desk, asked, tenant_id, MemberState, act)


async def move_member(desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, group_id: UUID) -> Done[MemberState]:
    """Puts a member into another group, whose budget takes their allowance over. Refuses `member_unknown`,
    `group_unknown`, `same_group`, `insufficient_budget`.

    Rule: MEMBER-14, ROLE-3
    """
    check_permission(asked.actor, Permission.MOVE_MEMBER)

    async def act(transaction: Transaction) -> MemberState:
        await lock_books(transaction, tenant_id)
        before = await known_member(transaction, tenant_id, member_id)
        # A tenant admin may move everybody, oneself as well: else the group that the only one is in could never go.
        if PERMISSIONS[Permission.MOVE_MEMBER].reach(asked.actor.role) is Reach.OTHERS:
            check_may_reach(asked.actor, Permission.MOVE_MEMBER, Target(Role(before.role), member_id))
        command = MoveWallet(
            actor_id=asked.actor.identity, transfer_id=new_uuid(), member_id=member_id, group_id=group_id
        )
        detail: dict[str, str | None] = {"monthly": str(await moved(transaction, desk, tenant_id, command))}
        after = replace(before, group_id=group_id)
        return await _told(transaction, desk, asked, tenant_id, before, after, kind="member_moved", detail=detail)

    return await once(desk, asked, tenant_id, MemberState, act)


async def check_tenant_is_run(transaction: Transaction, tenant_id: UUID, member: Member) -> None:
    """Refuses `last_tenant_admin` if nobody active would run the tenant without this member. The books are locked.

    Rule: MEMBER-10
    """
    runs_it = member.role == Role.TENANT_ADMIN and member.status == "active"
    if runs_it and not await has_other_tenant_admin(transaction, tenant_id, member.member_id):
        raise Refusal(
            "last_tenant_admin", "The organisation keeps at least one active tenant admin.", field="member_id"
        )


async def moved(transaction: Transaction, desk: Desk, tenant_id: UUID, command: Command) -> Credits:
    """Has the books follow, and says what moved for it. Raises the ledger's refusal."""
    (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
    changed = outcome.unwrap()
    assert isinstance(changed, Changed)
    return Credits(changed.moved_micro)


async def _told(
    transaction: Transaction,
    desk: Desk,
    asked: Asked,
    tenant_id: UUID,
    before: Member,
    after: Member,
    *,
    kind: str,
    detail: dict[str, str | None] | None = None,
) -> MemberState:
    """Writes the member as they are now, and the event that tells of it."""
    await update_member(transaction, tenant_id, after, now=desk.clock.now())
    told = Told(kind, Subject("member", after.member_id), detail=detail or {}, changes=changes_between(before, after))
    await record(transaction, desk, asked, tenant_id, told)
    return await state_of(transaction, desk, tenant_id, after)
