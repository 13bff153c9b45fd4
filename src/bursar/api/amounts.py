"""Amounts on the wire: decimal strings of credits, both ways. A JSON number is refused with the name of its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from bursar.domain.credits import Credits, parse_figure, parse_level, parse_metered, parse_typed
from bursar.domain.refusals import Refusal

Parser = Callable[..., Credits]


def _reader(parse: Parser, *, takes_none: bool = False) -> PlainValidator:
    def read(value: Any, info: ValidationInfo) -> Credits | None:
        if takes_none and value is None:
            return None
        try:
            return parse(value, field=info.field_name or "amount")
        except Refusal as refusal:
            # The sentence goes in as a value: pydantic would take braces in a template for placeholders.
            context = {"sentence": refusal.detail, "facts": dict(refusal.facts)}
            raise PydanticCustomError(refusal.code, "{sentence}", context) from None

    return PlainValidator(read)


def _schema(pattern: str, description: str, example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "description": description, "examples": [example], "format": "credits"}
    )


TypedAmount = Annotated[
    Credits,
    _reader(parse_typed),
    _schema(r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$", "Credits, at least 0.01, at most two decimals.", "12.50"),
]
"""What a person types to move credits."""

TypedLevel = Annotated[
    Credits,
    _reader(parse_level),
    _schema(r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$", "Credits, 0 or more, at most two decimals.", "100.00"),
]
"""What a person types as a budget."""

LevelOrNone = Annotated[
    Credits | None,
    _reader(parse_level, takes_none=True),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$", "format": "credits"},
                {"type": "null"},
            ],
            "description": "Credits, 0 or more, at most two decimals; null for none, which is not 0.",
            "examples": ["100.00", None],
        }
    ),
]
"""What a person types as a level that may be absent, such as a cap."""

AmountOrNone = Annotated[
    Credits | None,
    _reader(parse_typed, takes_none=True),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$", "format": "credits"},
                {"type": "null"},
            ],
            "description": "Credits, at least 0.01, at most two decimals; null for none.",
            "examples": ["100.00", None],
        }
    ),
]
"""What a person types as a mark that may be absent."""

Figure = Annotated[
    Credits,
    _reader(parse_figure),
    _schema(
        r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,6})?$",
        "Credits as they were shown: at most six decimals, a minus in front if negative.",
        "12.345678",
    ),
]
"""A figure that somebody looked at, sent back."""

MeteredAmount = Annotated[
    Credits,
    _reader(parse_metered),
    _schema(r"^(0|[1-9][0-9]*)(\.[0-9]{1,6})?$", "Credits, 0 or more, at most six decimals.", "0.004210"),
]
"""What a meter reports."""


def _as_credits(value: Any) -> Credits:
    if not isinstance(value, Credits):
        raise TypeError(f"an amount in an answer is Credits, not {type(value).__name__}")
    return value


Amount = Annotated[
    Credits,
    PlainValidator(_as_credits),
    PlainSerializer(str, return_type=str),
    _schema(
        r"^-?(0|[1-9][0-9]*)\.[0-9]{2,6}$",
        "Credits, exact: two to six decimals, a minus in front if negative.",
        "12.50",
    ),
]
"""An amount in an answer."""
