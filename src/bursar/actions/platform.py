"""The installation itself: its first super admin."""

from __future__ import annotations

from bursar.actions.desk import Desk
from bursar.actions.people import take_names
from bursar.db.transaction import platform_reading, platform_writing
from bursar.domain.people import NewPerson, check_new_person
from bursar.outside.identity import new_uuid
from bursar.store.platform_admins import PlatformAdmin, has_platform_admin, insert_platform_admin


async def has_super_admin(desk: Desk) -> bool:
    """Whether somebody runs this installation yet."""
    async with platform_reading(desk.platform) as transaction:
        return await has_platform_admin(transaction)


async def create_super_admin(desk: Desk, person: NewPerson) -> PlatformAdmin:
    """Makes the account of a super admin. Refuses `invalid_input`, `name_taken`."""
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
    return admin
