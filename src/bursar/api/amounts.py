"""Amounts on the wire: decimal strings of credits, both ways. A JSON number is refused with the name of its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from bursar.domain.costs import Cost, dollars_text
from bursar.domain.credits import Credits, parse_figure, parse_level, parse_metered, parse_typed
from bursar.domain.metering import parse_dollars
from bursar.domain.refusals import Refusal

Parser = Callable[..., Credits | Cost]


def _reader(parse: Parser, *, takes_none: bool = False) -> PlainValidator:
    def read(value: Any, info: ValidationInfo) -> Credits | Cost | None:
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


def _metered_or_none(description: str, **more: str) -> WithJsonSchema:
    pattern = r"^(0|[1-9][0-9]*)(\.[0-9]{1,6})?$"
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": pattern, **more}, {"type": "null"}],
            "description": description,
            "examples": ["0.004210"],
        }
    )


MeteredOrNone = Annotated[
    Credits | None,
    _reader(parse_metered, takes_none=True),
    _metered_or_none("Credits, 0 or more, at most six decimals; or else dollars.", format="credits"),
]
"""What a meter reports, where it may report dollars instead."""

DollarsOrNone = Annotated[
    Cost | None,
    _reader(parse_dollars, takes_none=True),
    _metered_or_none("US dollars, 0 or more, at most six decimals; or else credits."),
]
"""What a meter reports in dollars, where it may report credits instead."""


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


def _dollars(value: Any) -> str | None:
    return None if value is None else dollars_text(value)


def _as_cost_or_none(value: Any) -> Cost | None:
    if value is not None and not isinstance(value, Cost):
        raise TypeError(f"dollars in an answer are a Cost, not {type(value).__name__}")
    return value


DollarsShown = Annotated[
    Cost | None,
    PlainValidator(_as_cost_or_none),
    PlainSerializer(_dollars, return_type=str | None),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": r"^(0|[1-9][0-9]*)\.[0-9]{2,12}$"}, {"type": "null"}],
            "description": "US dollars, exact; null where it was given in credits.",
            "examples": ["0.50"],
        }
    ),
]
"""Dollars in an answer, if that is what was given."""


def _as_cost(value: Any) -> Cost:
    if not isinstance(value, Cost):
        raise TypeError(f"dollars in an answer are a Cost, not {type(value).__name__}")
    return value


Dollars = Annotated[
    Cost,
    PlainValidator(_as_cost),
    PlainSerializer(dollars_text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(0|[1-9][0-9]*)\.[0-9]{2,12}$",
            "description": "US dollars, exact: two to twelve decimals.",
            "examples": ["0.000125"],
        }
    ),
]
"""What a provider costs, in an answer."""
