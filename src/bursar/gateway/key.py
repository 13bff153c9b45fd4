"""Who calls: every call to the gateway comes with a model key, in either of the two headers that clients use."""

from __future__ import annotations

from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Headers


def secret_in(headers: Headers) -> str:
    """The bearer's, else that of `x-api-key`; the first of each counts. What is no ASCII becomes what no key is.
    Refuses `api_key_invalid` where there is none.

    Rule: KEY-10
    """
    sent: dict[bytes, bytes] = {}
    for name, value in headers:
        sent.setdefault(name, value)
    scheme, _, secret = sent.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return secret.strip().decode("ascii", "replace")
    if b"x-api-key" in sent:
        return sent[b"x-api-key"].strip().decode("ascii", "replace")
    raise Refusal("api_key_invalid", "No API key was sent. Send yours as Authorization: Bearer, or as x-api-key.")
