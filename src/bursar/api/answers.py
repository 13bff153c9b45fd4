"""Shapes that many routes share: what a person looks like, and how a problem is documented."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A JSON object of the API. Unknown fields in a body are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemField(Shape):
    """One field of the input and what is wrong with it."""

    field: str
    code: str
    detail: str


class ProblemDocument(Shape):
    """Why a request was refused (RFC 9457), sent as application/problem+json."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    fields: list[ProblemField] = []
    facts: dict[str, str | None] = {}
    hint: str = ""
    may_retry: bool = False


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the refusals that a route can answer with."""
    sentences = {
        401: "Not signed in, or the sign-in failed",
        402: "Not enough credits left to spend",
        403: "Not permitted",
        404: "No such thing in this tenant",
        409: "The state of things does not allow it",
        422: "The input is malformed",
        429: "Too many attempts, or requests with this key; `Retry-After` says for how long",
        503: "Too busy, or the database cannot be reached; `Retry-After` says for how long",
    }
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
    return {
        status: {"description": sentences[status], "content": {"application/problem+json": schema}}
        for status in statuses
    }
