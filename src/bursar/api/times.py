"""Times that callers send: RFC 3339 with an offset, and nothing that merely looks like a time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # fmt: skip
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _read_time(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February; the last hours of the year 9999 in another zone
        pass
    raise PydanticCustomError("invalid_input", 'A time is written like "2030-01-31T12:00:00Z".')


Moment = Annotated[
    datetime,
    PlainValidator(_read_time),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, with an offset."}),
]
"""A time in a body, in UTC once it is read."""


def _read_day(value: Any) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:  # the 31st of February
        pass
    raise PydanticCustomError("invalid_input", 'A day is written like "2030-01-31".')


Day = Annotated[
    date,
    PlainValidator(_read_day),
    WithJsonSchema({"type": "string", "format": "date", "description": "A day, such as 2030-01-31."}),
]
"""A day in a query."""


def utc_text(moment: datetime) -> str:
    """A time as files tell it: in UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
