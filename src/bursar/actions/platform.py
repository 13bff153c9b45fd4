"""The installation itself: its first super admin."""

from __future__ import annotations

from bursar.actions.desk import Asked, Desk
from bursar.actions.super_admins import add_super_admin
from bursar.db.transaction import platform_reading
from bursar.domain.people import NewPerson
from bursar.domain.permissions import SYSTEM, Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.store.platform_admins import find_first_platform_admin, has_platform_admin


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


async def create_super_admin(desk: Desk, person: NewPerson) -> None:
    """Makes the account of a super admin in Bursar's own name. Refuses `invalid_input`, `name_taken`."""
    await add_super_admin(desk, Asked(SYSTEM), person)
