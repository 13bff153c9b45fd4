"""Cookies that an answer sets: the sign-in's token and the mark of a known device.

They are put on whatever answer leaves, a refusal as well: a token that was changed must arrive. So they do not hang on
a route's own response but on the request, and are added at the way out.

Rule: SESSION-9, SESSION-11
"""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from bursar.api.front import Application, Receive, Scope, Send

SESSION_COOKIE = "bursar_session"
DEVICE_COOKIE = "bursar_device"
COOKIE_LENGTH_MAX = 200
# Their names have no `__Host-` in front: browsers would then refuse them over http, and on this machine Bursar is used
# without https. What the prefix demands is done all the same: Secure everywhere else, the path `/`, and no domain.

_SCOPE_KEY = "bursar.cookies"


class CookieCarrier:
    """Wraps the API; adds to every answer the cookies that were set for its request. The last of a name counts."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookies: dict[str, str] = {}
        scope[_SCOPE_KEY] = cookies

        async def carrying_send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies.values()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._application(scope, receive, carrying_send)


def cookie_of(request: Request, name: str) -> str | None:
    """What the request's cookie of this name holds, if it can be one of ours."""
    value = request.cookies.get(name)
    return value if value and len(value) <= COOKIE_LENGTH_MAX else None


def set_cookie(request: Request, name: str, value: str, *, lasts: timedelta) -> None:
    """Sets a cookie with the answer to this request: out of reach of scripts, of other sites, and of plain http.

    Rule: SESSION-11
    """
    carrier = Response()
    carrier.set_cookie(
        name,
        value,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=needs_secure_cookie(request),
        path="/",
    )
    request.scope[_SCOPE_KEY][name] = carrier.headers["set-cookie"]


def drop_cookie(request: Request, name: str) -> None:
    """Takes a cookie away with the answer to this request."""
    set_cookie(request, name, "", lasts=timedelta(0))


def needs_secure_cookie(request: Request) -> bool:
    """Whether the cookie must never travel in the clear: over https, and for every host that is not this machine."""
    if request.url.scheme == "https":
        return True
    host = request.url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
