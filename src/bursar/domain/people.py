"""What an account of a person needs: a name to sign in with, a name to be shown, perhaps an address, a password.

Rule: MEMBER-1
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bursar.domain.refusals import Refusal

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 200
DISPLAY_NAME_LENGTH_MAX = 120
PLACE_NAME_LENGTH_MAX = 120
"""The longest name of a tenant or a group."""
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
    """Refuses `invalid_input` for a username, display name, e-mail address or password that cannot be used, in that
    order.

    Rule: MEMBER-1
    """
    check_username(person.username)
    check_shown_name(person.display_name, field="display_name", length_max=DISPLAY_NAME_LENGTH_MAX)
    if person.email is not None:
        check_email(person.email)
    check_password(person.password)


def check_username(username: str) -> None:
    """Refuses `invalid_input` for what cannot be a name to sign in with."""
    if not USERNAME.fullmatch(username):
        raise Refusal(
            "invalid_input",
            "A username has 1 to 64 letters, digits, points, dashes or underscores, and starts with a letter or digit.",
            field="username",
        )


def check_email(email: str) -> None:
    """Refuses `invalid_input` for what is no e-mail address."""
    if not EMAIL.fullmatch(email):
        raise Refusal("invalid_input", "This is not an email address.", field="email")


def check_password(password: str, *, field: str = "password") -> None:
    """Refuses `invalid_input` for a password that is too short or too long."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise Refusal(
            "invalid_input",
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.",
            field=field,
        )


def name_taken(field: str) -> Refusal:
    """What is said when a username or an e-mail address is somebody's already, in whatever tenant."""
    noun = "username" if field == "username" else "email address"
    return Refusal("name_taken", f"This {noun} is in use already.", field=field)


def check_shown_name(name: str, *, field: str, length_max: int = PLACE_NAME_LENGTH_MAX) -> None:
    """Refuses `invalid_input` for a name that is empty, too long, padded with blanks, or holds what no screen shows."""
    if not name or len(name) > length_max or name != name.strip() or not name.isprintable():
        raise Refusal(
            "invalid_input",
            f"A name has 1 to {length_max} printable characters, without blanks around it.",
            field=field,
        )


def name_after_deletion(number: int) -> str:
    """What books and logs call a member who was deleted."""
    return f"Deleted member #{number}"
