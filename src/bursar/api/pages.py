"""Pages by key: how long one may be, and the cursor that says where the next begins.

A cursor is opaque to callers. It carries the key of the last row seen, so rows that are added meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query

from bursar.domain.refusals import Refusal

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
CURSOR_LENGTH_MAX = 300

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="Rows on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=CURSOR_LENGTH_MAX, description="`next_cursor` of the page before; none for the first.")
]


def encode_cursor(*key: str | int) -> str:
    """The cursor after the row with this key."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type[Any]) -> tuple[Any, ...]:
    """The key inside, if it is one of ours with parts of these types. Refuses `invalid_input`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
        if isinstance(key, list) and [type(part) for part in key] == list(types) and _is_in_range(key):
            return tuple(key)
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        pass
    raise not_handed_out()


def not_handed_out() -> Refusal:
    """What is said of a cursor that cannot be one of ours."""
    return Refusal("invalid_input", "This cursor is not one that was handed out.", field="cursor")


def _is_in_range(key: list[Any]) -> bool:
    """A number past 64 bits never came from a row."""
    return all(0 <= part < 2**63 for part in key if isinstance(part, int))
