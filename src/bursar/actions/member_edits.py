"""Changing what a member is called, where they are written to, and the password they sign in with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from msgspec import UNSET, UnsetType

from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.members import MemberState, changes_between, reached_member, state_of
from bursar.actions.once import Done, once
from bursar.actions.people import change_name
from bursar.db.transaction import Transaction
from bursar.domain.people import (
    check_display_name,
    check_email,
    check_job_title,
    check_password,
    check_username,
    service_account_has_no_password,
    shown_name,
)
from bursar.domain.permissions import check_in_person, check_permission
from bursar.domain.roles import Permission
from bursar.store.members import Member, update_member, update_password_hash
from bursar.store.sessions import revoke_live_sessions


@dataclass(frozen=True)
class MemberEdit:
    """What is to be changed of a member; what is left out stays. None removes an address or a title, and makes the
    username the shown name."""

    username: str | UnsetType = UNSET
    display_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    job_title: str | UnsetType | None = UNSET
    password: str | UnsetType = UNSET


async def edit_member(
    desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, edit: MemberEdit
) -> Done[MemberState]:
    """Changes the fields that the edit names. Refuses `invalid_input`, `member_unknown`, `name_taken`, and whom the
    actor does not reach.

    Rule: MEMBER-7
    """
    check_permission(asked.actor, Permission.EDIT_MEMBER)
    if edit.password is not UNSET:
        check_in_person(asked.actor, "Resetting a password")
    _check_edit(edit)
    password_hash = None if edit.password is UNSET else await desk.passwords.hashed(edit.password)

    async def act(transaction: Transaction) -> MemberState:
        before = await reached_member(transaction, asked, Permission.EDIT_MEMBER, tenant_id, member_id)
        if password_hash is not None and before.is_service_account:
            raise service_account_has_no_password()
        after = _edited(before, edit)
        await _rewrite(transaction, desk, asked, tenant_id, before, after)
        if password_hash is not None:
            await _reset_password(transaction, desk, asked, tenant_id, member_id, password_hash)
        return await state_of(transaction, desk, tenant_id, after)

    return await once(desk, asked, tenant_id, MemberState, act)


def _check_edit(edit: MemberEdit) -> None:
    """Refuses `invalid_input` for the first field that cannot be used, in the order of creating somebody."""
    if edit.username is not UNSET:
        check_username(edit.username)
    if edit.display_name is not UNSET and edit.display_name is not None:
        check_display_name(edit.display_name)
    if edit.email is not UNSET and edit.email is not None:
        check_email(edit.email)
    if edit.job_title is not UNSET and edit.job_title is not None:
        check_job_title(edit.job_title)
    if edit.password is not UNSET:
        check_password(edit.password)


def _edited(member: Member, edit: MemberEdit) -> Member:
    username = member.username if edit.username is UNSET else edit.username
    display_name = member.display_name
    if edit.display_name is not UNSET:
        display_name = shown_name(edit.display_name, username=username)
    return replace(
        member,
        username=username,
        display_name=display_name,
        email=member.email if edit.email is UNSET else edit.email,
        job_title=member.job_title if edit.job_title is UNSET else edit.job_title,
    )


async def _rewrite(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, before: Member, after: Member
) -> None:
    """The member's row, sign-in names and event, if anything differs."""
    changes = changes_between(before, after)
    if not changes:
        return
    member_id = before.member_id
    await change_name(transaction, tenant_id, member_id, "username", before=before.username, after=after.username)
    await change_name(transaction, tenant_id, member_id, "email", before=before.email, after=after.email)
    await update_member(transaction, tenant_id, after, now=desk.clock.now())
    told = Told("member_changed", Subject("member", member_id), changes=changes)
    await record(transaction, desk, asked, tenant_id, told)


async def _reset_password(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, password_hash: str
) -> None:
    """Another password, under which nobody is signed in yet.

    Rule: MEMBER-8
    """
    now = desk.clock.now()
    await update_password_hash(transaction, tenant_id, member_id, password_hash, now=now)
    ended = await revoke_live_sessions(
        transaction, member_id, now=now, seen_after=now - desk.session_limits.idle, kept=None
    )
    told = Told("password_reset", Subject("member", member_id), detail={"sign_ins_ended": str(ended)})
    await record(transaction, desk, asked, tenant_id, told)
