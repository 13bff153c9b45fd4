"""Text that people type: what is trimmed, what is refused."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from bursar.domain.conversations import TITLE_LENGTH_MAX
from bursar.domain.credit_requests import REASON_LENGTH_MAX
from bursar.domain.platform_settings import INSTRUCTIONS_LENGTH_MAX
from bursar.domain.settings import CONTACT_LENGTH_MAX

NOTE_LENGTH_MAX = 200
SEARCH_LENGTH_MAX = 100


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def blank_is_none(value: Any) -> Any:
    """An empty field of a form is one that nothing was entered into."""
    return None if value == "" else value


def printable(value: str | None) -> str | None:
    """The database cannot keep a NUL, and no screen shows the others."""
    if value is not None and not value.isprintable():
        raise PydanticCustomError("invalid_input", "Text must not contain line breaks or control characters.")
    return value


def _with_plain_line_ends(value: Any) -> Any:
    """Browsers send the ends of lines as two characters, programs mostly as one."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _printable_in_lines(value: str | None) -> str | None:
    if value is not None and not all(line.isprintable() for line in value.split("\n")):
        raise PydanticCustomError("invalid_input", "Text must not contain control characters but line breaks.")
    return value


Name = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(min_length=1, max_length=120), AfterValidator(printable)
]
"""What somebody or something is called."""

OptionalName = Annotated[
    Annotated[str, StringConstraints(max_length=120)] | None,
    AfterValidator(printable),
    BeforeValidator(blank_is_none),
    BeforeValidator(_trimmed),
]
"""What somebody is called besides, or nothing: blank is as good as absent."""

Title = Annotated[
    Annotated[str, StringConstraints(max_length=TITLE_LENGTH_MAX)] | None,
    AfterValidator(printable),
    BeforeValidator(blank_is_none),
    BeforeValidator(_trimmed),
]
"""What a conversation is called, or nothing: blank is as good as absent."""

Note = Annotated[
    Annotated[str, StringConstraints(max_length=NOTE_LENGTH_MAX)] | None,
    AfterValidator(printable),
    BeforeValidator(blank_is_none),
    BeforeValidator(_trimmed),
]
"""Why somebody did something; none is as good as empty."""

Reason = Annotated[
    str,
    BeforeValidator(_trimmed),
    StringConstraints(min_length=1, max_length=NOTE_LENGTH_MAX),
    AfterValidator(printable),
]
"""Why somebody did something, where they have to say it."""

Paragraphs = Annotated[
    str,
    BeforeValidator(_with_plain_line_ends),
    BeforeValidator(_trimmed),
    StringConstraints(min_length=1, max_length=REASON_LENGTH_MAX),
    AfterValidator(_printable_in_lines),
]
"""What somebody wrote in a field with several lines; the ends of lines are made alike."""

Contact = Annotated[
    Annotated[str, StringConstraints(max_length=CONTACT_LENGTH_MAX)] | None,
    AfterValidator(printable),
    BeforeValidator(blank_is_none),
    BeforeValidator(_trimmed),
]
"""Whom to ask for help: a sentence, or an address of the web or of mail; none is as good as empty."""

Instructions = Annotated[
    Annotated[str, StringConstraints(max_length=INSTRUCTIONS_LENGTH_MAX)] | None,
    AfterValidator(_printable_in_lines),
    BeforeValidator(blank_is_none),
    BeforeValidator(_with_plain_line_ends),
    BeforeValidator(_trimmed),
]
"""What takes several lines to say; none is as good as empty."""

Email = Annotated[
    Annotated[str, StringConstraints(max_length=250)] | None,
    AfterValidator(printable),
    BeforeValidator(blank_is_none),
    BeforeValidator(_trimmed),
]
"""An e-mail address, or none."""

Address = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(min_length=1, max_length=250), AfterValidator(printable)
]
"""An e-mail address where there must be one."""

SearchText = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(max_length=SEARCH_LENGTH_MAX), AfterValidator(printable)
]
"""A part of what is looked for; empty looks for everything."""
