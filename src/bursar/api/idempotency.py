"""The `Idempotency-Key` header of writes that move credits, and the header that marks a repeated answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Response

REPLAYED_HEADER = "Idempotent-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="1 to 200 printable ASCII characters, made by the caller for one intent. A repeat with the same "
        "key and body gets the first answer and moves nothing; without one, a repeat is a new command."
    ),
]


def mark_replayed(response: Response, *, replayed: bool) -> None:
    """Says in a header that nothing was moved, because the same command had been answered before."""
    if replayed:
        response.headers[REPLAYED_HEADER] = "true"
