"""Who runs this installation: making further super admins, disabling and enabling them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once_on_platform
from bursar.actions.people import take_names
from bursar.db.transaction import Transaction
from bursar.domain.people import NewPerson, check_new_person
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.outside.identity import new_uuid
from bursar.store.platform_admins import (
    PlatformAdmin,
    insert_platform_admin,
    lock_platform_admin,
    lock_working_platform_admins,
    update_platform_admin_disabled,
)


@dataclass(frozen=True)
class SuperAdmin:
    """A super admin, as others see one."""

    admin_id: UUID
    username: str
    display_name: str
    email: str | None
    created_at: datetime
    disabled_at: datetime | None


async def add_super_admin(desk: Desk, asked: Asked, person: NewPerson) -> Done[SuperAdmin]:
    """Makes the account of a super admin. Refuses `invalid_input`, `name_taken`.

    Rule: TENANT-9
    """
    check_permission(asked.actor, Permission.MANAGE_SUPER_ADMINS)
    check_new_person(person)
    assert person.password is not None, "it has just been checked"
    admin = PlatformAdmin(
        admin_id=new_uuid(),
        username=person.username,
        email=person.email,
        display_name=person.display_name,
        password_hash=await desk.passwords.hashed(person.password),
        created_at=desk.clock.now(),
    )

    async def act(transaction: Transaction) -> SuperAdmin:
        await take_names(transaction, None, admin.admin_id, person)
        await insert_platform_admin(transaction, admin)
        changes = {
            "username": Change(None, admin.username),
            "display_name": Change(None, admin.display_name),
            "email": Change(None, admin.email),
        }
        told = Told("super_admin_created", _subject(admin.admin_id), changes=changes)
        await record(transaction, desk, asked, None, told)
        return _seen(admin, admin.disabled_at)

    return await once_on_platform(desk, asked, SuperAdmin, act)


async def disable_super_admin(desk: Desk, asked: Asked, admin_id: UUID, *, note: str | None) -> Done[SuperAdmin]:
    """Stops a super admin at once. Refuses `not_to_oneself`, `super_admin_unknown`, `last_super_admin`.

    Rule: TENANT-9
    """
    _check_may_switch(asked, admin_id)

    async def act(transaction: Transaction) -> SuperAdmin:
        # All of them are locked: of two who disable each other, the second finds itself the last one.
        working = await lock_working_platform_admins(transaction)
        admin = await _known(transaction, admin_id)
        if admin.disabled_at is not None:
            return _seen(admin, admin.disabled_at)
        if working == [admin_id]:
            raise Refusal(
                "last_super_admin", "This is the last active super admin of the installation.", field="super_admin_id"
            )
        now = desk.clock.now()
        await _switch(transaction, desk, asked, admin_id, now, Told("super_admin_disabled", _subject(admin_id), note))
        return _seen(admin, now)

    return await once_on_platform(desk, asked, SuperAdmin, act)


async def enable_super_admin(desk: Desk, asked: Asked, admin_id: UUID, *, note: str | None) -> Done[SuperAdmin]:
    """Lets a disabled super admin go on. Refuses `not_to_oneself`, `super_admin_unknown`.

    Rule: TENANT-9
    """
    _check_may_switch(asked, admin_id)

    async def act(transaction: Transaction) -> SuperAdmin:
        admin = await _known(transaction, admin_id)
        if admin.disabled_at is not None:
            told = Told("super_admin_enabled", _subject(admin_id), note)
            await _switch(transaction, desk, asked, admin_id, None, told)
        return _seen(admin, None)

    return await once_on_platform(desk, asked, SuperAdmin, act)


def _check_may_switch(asked: Asked, admin_id: UUID) -> None:
    check_permission(asked.actor, Permission.MANAGE_SUPER_ADMINS)
    if asked.actor.identity == admin_id:
        raise Refusal("not_to_oneself", "Nobody does that to oneself.", field="super_admin_id")


async def _known(transaction: Transaction, admin_id: UUID) -> PlatformAdmin:
    admin = await lock_platform_admin(transaction, admin_id)
    if admin is None:
        raise Refusal("super_admin_unknown", "There is no such super admin.", field="super_admin_id")
    return admin


async def _switch(
    transaction: Transaction, desk: Desk, asked: Asked, admin_id: UUID, disabled_at: datetime | None, told: Told
) -> None:
    await update_platform_admin_disabled(transaction, admin_id, disabled_at)
    before, after = ("disabled", "active") if disabled_at is None else ("active", "disabled")
    changes = {"status": Change(before, after)}
    await record(transaction, desk, asked, None, Told(told.kind, told.subject, told.note, changes=changes))


def _subject(admin_id: UUID) -> Subject:
    return Subject("platform_admin", admin_id)


def _seen(admin: PlatformAdmin, disabled_at: datetime | None) -> SuperAdmin:
    return SuperAdmin(admin.admin_id, admin.username, admin.display_name, admin.email, admin.created_at, disabled_at)
