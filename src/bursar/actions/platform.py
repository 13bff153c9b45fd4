"""The installation itself: its first super admin."""

from __future__ import annotations

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.people import take_names
from bursar.db.transaction import platform_reading, platform_writing
from bursar.domain.people import NewPerson, check_new_person
from bursar.domain.permissions import SYSTEM, Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid
from bursar.store.platform_admins import (
    PlatformAdmin,
    find_first_platform_admin,
    has_platform_admin,
    insert_platform_admin,
)


async def has_super_admin(desk: Desk) -> bool:
    """Whether somebody runs this installation yet."""
    async with platform_reading(desk.platform) as transaction:
        return await has_platform_admin(transaction)


async def operator(desk: Desk) -> Asked:
    """Who asks at the command line: whoever may run it holds the database, and acts in the first super admin's name.

    Nothing moves without somebody who moved it, so this refuses `not_signed_in` where there is no super admin yet.
    """
    async with platform_reading(desk.platform) as transaction:
        admin = await find_first_platform_admin(transaction)
    if admin is None:
        raise Refusal("not_signed_in", "This Bursar has no super admin yet: start `bursar serve` once.")
    return Asked(Actor(Role.SYSTEM, admin.admin_id, None, admin.display_name))


async def create_super_admin(desk: Desk, person: NewPerson) -> PlatformAdmin:
    """Makes the account of a super admin, as whoever holds the database may. Refuses `invalid_input`, `name_taken`."""
    check_new_person(person)
    admin = PlatformAdmin(
        admin_id=new_uuid(),
        username=person.username,
        email=person.email,
        display_name=person.display_name,
        password_hash=await desk.passwords.hashed(person.password),
        created_at=desk.clock.now(),
    )
    async with platform_writing(desk.platform) as transaction:
        await take_names(transaction, None, admin.admin_id, person)
        await insert_platform_admin(transaction, admin)
        changes = {
            "username": Change(None, admin.username),
            "display_name": Change(None, admin.display_name),
            "email": Change(None, admin.email),
        }
        told = Told("super_admin_created", Subject("platform_admin", admin.admin_id), changes=changes)
        await record(transaction, desk, Asked(SYSTEM), None, told)
    return admin
