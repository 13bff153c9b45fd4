"""The installation itself: its first super admin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading, platform_writing
from bursar.domain.refusals import Refusal
from bursar.outside.identity import new_uuid
from bursar.store.platform_admins import PlatformAdmin, has_platform_admin, insert_platform_admin
from bursar.store.sign_in_names import insert_sign_in_name

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 200
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,180}\.[^\s@.]{2,60}")


@dataclass(frozen=True)
class NewPerson:
    """What it takes to make an account for somebody."""

    username: str
    display_name: str
    email: str | None
    password: str


def check_new_person(person: NewPerson) -> None:
    """Refuses `invalid_input` for a username, e-mail address or password that cannot be used, in that order."""
    if not USERNAME.fullmatch(person.username):
        raise Refusal(
            "invalid_input",
            "A username has 1 to 64 letters, digits, points, dashes or underscores, and starts with a letter or digit.",
            field="username",
        )
    if person.email is not None and not EMAIL.fullmatch(person.email):
        raise Refusal("invalid_input", "This is not an email address.", field="email")
    if not PASSWORD_LENGTH_MIN <= len(person.password) <= PASSWORD_LENGTH_MAX:
        raise Refusal(
            "invalid_input",
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.",
            field="password",
        )


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
        for kind, name in (("username", person.username), ("email", person.email)):
            if name is not None and not await insert_sign_in_name(
                transaction, None, admin.admin_id, name=name, kind=kind
            ):
                raise name_taken(kind)
        await insert_platform_admin(transaction, admin)
    return admin


def name_taken(field: str) -> Refusal:
    """What is said when a username or an e-mail address is somebody's already, in whatever tenant."""
    noun = "username" if field == "username" else "email address"
    return Refusal("name_taken", f"This {noun} is in use already.", field=field)
