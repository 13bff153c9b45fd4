"""Which headers go by: of the client's to a provider, of a provider's to the client. Both are lists of what may.

What stands on neither list stays here: the client's key and cookies, addresses of proxies, its organisation at some
provider; and the provider's ids, limits, cookies and names, which speak of an account that is not the client's.

Rule: LIMIT-8
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bursar.domain.dialects import Dialect
from bursar.gateway.asgi import Headers

PASSED_ON: Mapping[Dialect, frozenset[bytes]] = {
    Dialect.OPENAI: frozenset({b"content-type", b"openai-beta"}),
    Dialect.ANTHROPIC: frozenset({b"content-type", b"anthropic-version", b"anthropic-beta"}),
}
"""What says how the body is to be read. Not `user-agent` and `x-stainless-*`: what runs in the client's house is none
of the provider's business. Not `accept-encoding`: a packed answer could not be looked at for its usage. Not
`idempotency-key`: Bursar itself sees to it that nothing is charged twice, and two tenants could choose the same one.
"""
GIVEN_BACK = ("content-type",)
"""Its length is told anew, since the body may have been changed; whether it may be kept is for us to say."""

VALUE_LENGTH_MAX = 4096
"""A list of every beta there ever was fits into half of it."""
_PRINTABLE = re.compile(rb"[\x20-\x7e\t]*")

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


def passed_on(headers: Iterable[tuple[bytes, bytes]], dialect: Dialect) -> Sequence[tuple[str, str]]:
    """The headers of a client that a provider of this dialect gets, with names in lower case.

    The content type is passed on once, the first one, which is the one that was read here by.
    """
    allowed, passed, has_type = PASSED_ON[dialect], [], False
    for name, value in headers:
        lower = name.lower()
        if lower not in allowed or len(value) > VALUE_LENGTH_MAX or not _PRINTABLE.fullmatch(value):
            continue
        if lower == b"content-type":
            if has_type:
                continue
            has_type = True
        passed.append((lower.decode("ascii"), value.decode("ascii").strip()))
    return passed


def given_back(headers: Mapping[str, str]) -> Headers:
    """The headers of a provider's answer that the client gets. Names are in lower case."""
    given = []
    for name in GIVEN_BACK:
        value = headers.get(name, "").encode("ascii", "replace")
        if value and len(value) <= VALUE_LENGTH_MAX and _PRINTABLE.fullmatch(value):
            given.append((name.encode(), value))
    return given


def provider_request_id(headers: Mapping[str, str]) -> str | None:
    """What the provider calls this request, for our log; None where it does not say, or says what no id looks like."""
    for name in REQUEST_ID_HEADERS:
        value = headers.get(name, "")
        if _REQUEST_ID.fullmatch(value):
            return value
    return None
