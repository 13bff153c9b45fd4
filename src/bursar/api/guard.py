"""What every API request passes before a route sees it: same origin, JSON, and a body that is not too large.

Cookies travel with requests that other sites cause, so a write must come from our own origin. Browsers say where a
request comes from in `Sec-Fetch-Site`, older ones in `Origin`; programs send neither and hold no one else's cookie.
A key is added by nobody but the program that has it, so what comes with one may come from anywhere.

Rule: SESSION-18
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bursar.api.front import Application, Receive, Scope, Send
from bursar.api.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE = frozenset({"same-origin", "none"})


class ClientGone(Exception):
    """The client left before its body had arrived."""


@dataclass(frozen=True)
class LargerBodies:
    """The few paths that need more than others: the bound of each and of all below it, for whoever `is_known` tells.

    A body is read and taken apart before a route asks who sent it. So whoever sends a large one is asked for first.
    """

    bytes_max: Mapping[str, int]
    is_known: Callable[[Scope], Awaitable[bool]]


class Guard:
    """Wraps the API; refuses with a problem or lets through, and marks every answer as not to be stored."""

    def __init__(
        self, application: Application, *, body_max_bytes: int, larger_bodies: LargerBodies | None = None
    ) -> None:
        self._application = application
        self._body_max_bytes = body_max_bytes
        self._larger_bodies = larger_bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body_max_bytes = await self._body_max_bytes_of(scope, headers)
        problem = self._problem(scope["method"], headers, body_max_bytes)
        if problem is not None:
            await _answer(problem, scope, send)
            return
        try:
            body = await self._body(scope, receive, body_max_bytes)
        except ClientGone:
            return  # what was not sent whole was not asked for, and nobody is there to be answered
        if body is None:
            await _answer(_too_large(body_max_bytes), scope, send)
            return
        is_read = False

        async def replay() -> MutableMapping[str, Any]:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def unstored_send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
                message["headers"] = [*kept, (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
            await send(message)

        await self._application(scope, replay, unstored_send)

    async def _body_max_bytes_of(self, scope: Scope, headers: Mapping[str, str]) -> int:
        """What the body of this request may have: what all may have, or more. Nobody is asked for where it is small."""
        usual, more, path = self._body_max_bytes, self._larger_bodies, scope["path"]
        if more is None or scope["method"] in SAFE_METHODS:
            return usual
        larger = [size for start, size in more.bytes_max.items() if path == start or path.startswith(f"{start}/")]
        length = headers.get("content-length", "")
        is_small = length.isdecimal() and int(length) <= usual
        return usual if is_small or max(larger, default=0) <= usual or not await more.is_known(scope) else max(larger)

    async def _body(self, scope: Scope, receive: Receive, body_max_bytes: int) -> bytes | None:
        """The whole body, or None where it is too large. Raises `ClientGone`."""
        if scope["method"] in SAFE_METHODS:
            return b""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            if len(body) > body_max_bytes:
                return None
            more = message.get("more_body", False)
        return bytes(body)

    def _problem(self, method: str, headers: dict[str, str], body_max_bytes: int) -> Problem | None:
        if method in SAFE_METHODS:
            return None
        if bearer_of(headers.get("authorization")) is None and not is_own_origin(headers):
            return Problem("cross_site", "A write must come from this site.")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > body_max_bytes:
            return _too_large(body_max_bytes)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = length != "0" or "transfer-encoding" in headers
        if (media_type or has_body) and media_type != "application/json":
            return Problem("media_type_unsupported", "A body must be sent as application/json.")
        return None


def _too_large(body_max_bytes: int) -> Problem:
    return Problem("body_too_large", f"A body may have at most {body_max_bytes} bytes.")


def bearer_of(authorization: str | None) -> str | None:
    """The secret in an `Authorization: Bearer` header, however short; None for no header or another scheme."""
    scheme, _, secret = (authorization or "").strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def is_own_origin(headers: dict[str, str]) -> bool:
    """Whether a write was caused by our own pages or by no page at all.

    Only host and port of the origin are compared: a proxy in front may speak https while we see http. The origin
    `null`, which is every page that hides where it comes from, has neither.

    Rule: SESSION-18
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN_SITE
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:  # what no browser sends, such as a bracket that is never closed
        return False
    return netloc != "" and netloc == headers.get("host")


async def _answer(problem: Problem, scope: Scope, send: Send) -> None:
    body = problem.body(request_id=scope["request_id"])
    headers = {**problem.headers(), "content-length": str(len(body)), "x-content-type-options": "nosniff"}
    if problem.code == "body_too_large":
        headers["connection"] = "close"  # the rest of the body is not read
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
