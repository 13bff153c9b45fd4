"""Percentages in answers: exact decimal strings with one decimal."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from bursar.domain.figures import Percent


def _as_percent(value: Any) -> Percent:
    if not isinstance(value, Percent):
        raise TypeError(f"a percentage in an answer is a Percent, not {type(value).__name__}")
    return value


Percentage = Annotated[
    Percent,
    PlainValidator(_as_percent),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^-?(0|[1-9][0-9]*)\.[0-9]$",
            "description": "Per cent, rounded to one decimal; negative, or above 100, where there is a debt.",
            "examples": ["37.5"],
        }
    ),
]
"""A percentage in an answer."""
