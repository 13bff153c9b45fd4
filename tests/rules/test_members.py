"""docs/rules/members.md, example by example."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bursar.domain.people import NewPerson, check_new_person
from bursar.domain.refusals import Refusal

PERSON = NewPerson(username="ada.l", display_name="Ada Lovelace", email="ada@example.com", password="12345678")

USERNAME = "A username has 1 to 64 letters, digits, points, dashes or underscores, and starts with a letter or digit."
NAME = "A name has 1 to 120 printable characters, without blanks around it."
EMAIL = "This is not an email address."
PASSWORD = "A password has 8 to 200 characters."


def refusal_of(person: NewPerson) -> Refusal:
    with pytest.raises(Refusal) as caught:
        check_new_person(person)
    return caught.value


@pytest.mark.rule("MEMBER-1")
@pytest.mark.parametrize(
    "person",
    [
        PERSON,
        replace(PERSON, email=None),
        replace(PERSON, username="a" * 64, display_name="\u00c9" * 120, password="p" * 200),
        replace(PERSON, username="7-of_9"),
    ],
)
def test_a_person_has_a_username_a_shown_name_a_password_and_perhaps_an_address(person: NewPerson) -> None:
    check_new_person(person)


@pytest.mark.rule("MEMBER-1")
@pytest.mark.parametrize(
    ("person", "field", "detail"),
    [
        *((replace(PERSON, username=bad), "username", USERNAME)
          for bad in ("", ".ada", "a b", "ada@example.com", "a" * 65, "\u00e4da", "ada\n")),
        *((replace(PERSON, display_name=bad), "display_name", NAME)
          for bad in ("", " Ada", "Ada ", "A" * 121, "A\nB", "A\u200bB", "A\u202eB")),
        *((replace(PERSON, email=bad), "email", EMAIL)
          for bad in ("", "ada", "ada@", "@example.com", "a b@example.com", "ada@example", "a@b@example.com")),
        *((replace(PERSON, password=bad), "password", PASSWORD) for bad in ("", "1234567", "p" * 201)),
        # Where two could apply, the order decides.
        (NewPerson("", "", "", ""), "username", USERNAME),
        (NewPerson("ada", "", "", ""), "display_name", NAME),
        (NewPerson("ada", "Ada", "", ""), "email", EMAIL),
    ],
)  # fmt: skip
def test_what_cannot_be_an_account_is_refused_with_its_field(person: NewPerson, field: str, detail: str) -> None:
    assert refusal_of(person) == Refusal("invalid_input", detail, field=field)
