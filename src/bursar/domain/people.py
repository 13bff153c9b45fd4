"""What an account needs: a name to sign in with, a name to be shown, perhaps an address and a title, a password.

An application's account, a *service account*, has no password: it has keys and credits, and nobody signs in as it.

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
JOB_TITLE_LENGTH_MAX = 120
USERNAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
USERNAME = re.compile(USERNAME_PATTERN)
EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,180}\.[^\s@.]{2,60}")


@dataclass(frozen=True)
class NewPerson:
    """What it takes to make an account for somebody; only a service account has no password."""

    username: str
    display_name: str
    email: str | None
    password: str | None


def check_new_person(person: NewPerson) -> None:
    """Refuses `invalid_input` for a username, display name, e-mail address or password that cannot be used, in that
    order.

    Rule: MEMBER-1
    """
    _check_names(person)
    check_password(person.password)


def check_new_service_account(account: NewPerson) -> None:
    """Refuses `invalid_input` for names that cannot be used, and for a password.

    Rule: MEMBER-4
    """
    _check_names(account)
    if account.password is not None:
        raise service_account_has_no_password()


def _check_names(person: NewPerson) -> None:
    check_username(person.username)
    check_display_name(person.display_name)
    if person.email is not None:
        check_email(person.email)


def check_display_name(name: str) -> None:
    """Refuses `invalid_input` for what cannot be a shown name."""
    check_shown_name(name, field="display_name", length_max=DISPLAY_NAME_LENGTH_MAX)


def check_job_title(title: str) -> None:
    """Refuses `invalid_input` for what cannot be a job title."""
    check_shown_name(title, field="job_title", length_max=JOB_TITLE_LENGTH_MAX)


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


def check_password(password: str | None, *, field: str = "password") -> None:
    """Refuses `invalid_input` for a password that is missing, too short or too long."""
    if password is None or not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise Refusal(
            "invalid_input",
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.",
            field=field,
        )


def service_account_has_no_password() -> Refusal:
    """What is said when a service account is to get a password.

    Rule: MEMBER-4
    """
    return Refusal("invalid_input", "A service account has no password: nobody signs in as it.", field="password")


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


def shown_name(display_name: str | None, *, username: str) -> str:
    """The name that is shown: what was entered for it, else the username.

    Rule: MEMBER-2
    """
    return display_name or username


def name_after_deletion(number: int) -> str:
    """What books and logs call a member who was deleted.

    Rule: MEMBER-12
    """
    return f"Deleted member #{number}"


def username_after_deletion(number: int) -> str:
    """What stands where the username stood; nobody signs in under it, since it is no sign-in name."""
    return f"deleted-{number}"
