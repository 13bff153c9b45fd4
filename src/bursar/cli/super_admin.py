"""The first super admin: from the environment, else asked for at the terminal."""

from __future__ import annotations

import getpass
import sys

from bursar.cli.speech import complain, say
from bursar.config import CannotStart, Settings
from bursar.domain.people import NewPerson, check_email, check_new_person, check_password, check_username
from bursar.domain.refusals import Refusal

PROMPTS = {"username": "Username", "email": "Email", "password": "Password (8 characters or more)"}
CHECKS = {"username": check_username, "email": check_email, "password": check_password}


def first_super_admin(settings: Settings) -> NewPerson:
    """Who will run this installation. Raises `CannotStart` if something is missing and nobody can be asked."""
    password = settings.super_admin_password
    given = {
        "username": settings.super_admin_name,
        "email": settings.super_admin_email,
        "password": password.get_secret_value() if password else None,
    }
    missing = [name for name, value in given.items() if value is None]
    if not missing:
        return _checked({name: str(value) for name, value in given.items()})
    if not sys.stdin.isatty():
        raise CannotStart(
            "Bursar has no super admin yet, and there is no terminal to ask for one.",
            hint="for the first start, set BURSAR_SUPER_ADMIN_NAME, BURSAR_SUPER_ADMIN_EMAIL and "
            "BURSAR_SUPER_ADMIN_PASSWORD",
        )
    say("This Bursar is new. Who runs it?")
    answers = {name: _ask(name) if value is None else value for name, value in given.items()}
    return _checked(answers)


def _ask(name: str) -> str:
    """One answer, asked for until it can be used."""
    while True:
        answer = _ask_twice(name) if name == "password" else input(f"{PROMPTS[name]}: ").strip()
        try:
            CHECKS[name](answer)
        except Refusal as refusal:
            complain(refusal.detail)
            continue
        return answer


def _ask_twice(name: str) -> str:
    """What is typed unseen, typed the same way twice."""
    while True:
        answer = getpass.getpass(f"{PROMPTS[name]}: ")
        if getpass.getpass("The same again: ") == answer:
            return answer
        complain("The two were not the same.")


def _checked(answers: dict[str, str]) -> NewPerson:
    person = _person(answers)
    try:
        check_new_person(person)
    except Refusal as refusal:
        name = {"username": "NAME", "email": "EMAIL", "password": "PASSWORD"}[refusal.field or "username"]
        raise CannotStart(f"BURSAR_SUPER_ADMIN_{name} cannot be used: {refusal.detail}") from None
    return person


def _person(answers: dict[str, str]) -> NewPerson:
    return NewPerson(
        username=answers["username"],
        display_name=answers["username"],
        email=answers["email"] or None,
        password=answers["password"],
    )
