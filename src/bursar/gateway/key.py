"""Who calls: every call to the gateway comes with a model key, in either of the two headers that clients use."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from bursar.actions.desk import Desk
from bursar.actions.key_sign_in import KeyCaller, authenticate_key
from bursar.domain.api_keys import KeyKind
from bursar.domain.refusals import Refusal


async def caller_of(desk: Desk, scope: MutableMapping[str, Any]) -> KeyCaller:
    """The owner of the key that was sent. Refuses `api_key_invalid`, and what `authenticate_key` refuses.

    Rule: KEY-10
    """
    secret = _secret_in(scope["headers"])
    if secret is None:
        raise Refusal("api_key_invalid", "No API key was sent. Send yours as Authorization: Bearer, or as x-api-key.")
    client = scope.get("client")
    return await authenticate_key(desk, secret, address=client[0] if client else None, wanted=KeyKind.MODEL)


def _secret_in(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The bearer's, else that of `x-api-key`; the first of each counts. What is no ASCII becomes what no key is."""
    sent: dict[bytes, bytes] = {}
    for name, value in headers:
        sent.setdefault(name, value)
    scheme, _, secret = sent.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return secret.strip().decode("ascii", "replace")
    if b"x-api-key" in sent:
        return sent[b"x-api-key"].strip().decode("ascii", "replace")
    return None
