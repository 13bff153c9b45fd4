"""The `Idempotency-Key` header that every write takes, and the header that marks a repeated answer."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header, Request

from bursar.actions.desk import RequestKey
from bursar.ledger import KEY_LENGTH_MAX, check_key

REPLAYED_HEADER = "Idempotent-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        json_schema_extra={"pattern": r"^[ -~]{1,200}$"},
        description=f"1 to {KEY_LENGTH_MAX} printable ASCII characters, made by the caller for one intent. A repeat "
        "with the same key and body gets the first answer and changes nothing; without one, it is a new request.",
    ),
]


async def request_key(request: Request, key: str | None) -> RequestKey | None:
    """The key with a digest of all that the request asks for: method, path, query and body, to the byte.

    Refuses `key_malformed`.
    """
    if key is None:
        return None
    check_key(key)
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    digest.update(await request.body())
    return RequestKey(key, digest.digest())
