"""Text that people type: what is trimmed, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

NOTE_LENGTH_MAX = 200
SEARCH_LENGTH_MAX = 100
YEAR_MIN, YEAR_MAX = 2000, 2200


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _printable(value: str | None) -> str | None:
    """The database cannot keep a NUL, and no screen shows the others."""
    if value is not None and not value.isprintable():
        raise PydanticCustomError("invalid_input", "Text must not contain line breaks or control characters.")
    return value


Name = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(min_length=1, max_length=120), AfterValidator(_printable)
]
"""What somebody or something is called."""

OptionalName = Annotated[
    Annotated[str, StringConstraints(max_length=120)] | None,
    AfterValidator(_printable),
    BeforeValidator(_empty_is_none),
    BeforeValidator(_trimmed),
]
"""What somebody is called besides, or nothing: blank is as good as absent."""

Note = Annotated[
    Annotated[str, StringConstraints(max_length=NOTE_LENGTH_MAX)] | None,
    AfterValidator(_printable),
    BeforeValidator(_empty_is_none),
    BeforeValidator(_trimmed),
]
"""Why somebody did something; none is as good as empty."""

Email = Annotated[
    Annotated[str, StringConstraints(max_length=250)] | None,
    AfterValidator(_printable),
    BeforeValidator(_empty_is_none),
    BeforeValidator(_trimmed),
]
"""An e-mail address, or none."""

Address = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(min_length=1, max_length=250), AfterValidator(_printable)
]
"""An e-mail address where there must be one."""

SearchText = Annotated[
    str, BeforeValidator(_trimmed), StringConstraints(max_length=SEARCH_LENGTH_MAX), AfterValidator(_printable)
]
"""A part of what is looked for; empty looks for everything."""


def _text_only(value: Any) -> Any:
    """A number would be taken for seconds since 1970."""
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_input", "A time is text, such as 2026-11-02T09:30:00Z.")
    return value


def _in_utc(value: datetime) -> datetime:
    """Far from the ends of the calendar, where another time zone would be beyond it."""
    if not YEAR_MIN <= value.year <= YEAR_MAX:
        raise PydanticCustomError("invalid_input", f"A time is in the years {YEAR_MIN} to {YEAR_MAX}.")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_text_only), AfterValidator(_in_utc)]
"""A time with its offset, RFC 3339."""
