"""The front door: one ASGI application in front of the gateway, the API and the console.

It gives every request an id, routes by path, and writes the access log. Nothing else is common to all three.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

import structlog

from bursar.outside.clock import Stopwatch
from bursar.outside.identity import new_uuid

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Coroutine[Any, Any, None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

access_log = structlog.get_logger("bursar.access")

SAFE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
"""What a caller's own request id may look like; it is echoed in a header and in the logs, so nothing else gets through.
"""

INVITATION_PATH = re.compile(r"/+invite/.", re.IGNORECASE | re.DOTALL)
"""The page that an invitation's link opens. The link keeps its token behind a `#`, where no server sees it; whoever
rewrites it may send it in the path all the same.
"""

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class FrontDoor:
    """Routes /v1 to the gateway, /api and the probes to the API, and everything else to the console."""

    def __init__(self, *, gateway: Application, api: Application, console: Application) -> None:
        self._gateway = gateway
        self._api = api
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._refuse_other_protocols(scope, receive, send)
        scope["request_id"] = request_id = _request_id(scope)
        stopwatch = Stopwatch()
        status = 0

        async def numbered_send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [pair for pair in message.get("headers", []) if pair[0].lower() != b"x-request-id"]
                headers.append((b"x-request-id", request_id.encode()))
                message["headers"] = headers
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._application_for(scope["path"])(scope, receive, numbered_send)
            finally:
                _log_access(scope, status=status, seconds=stopwatch.seconds())

    def _application_for(self, path: str) -> Application:
        if path == "/v1" or path.startswith("/v1/"):
            return self._gateway
        if path == "/api" or path.startswith("/api/") or path in PROBES:
            return self._api
        return self._console

    async def _refuse_other_protocols(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing here speaks WebSocket; a handshake is closed before it opens."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SAFE_REQUEST_ID.fullmatch(value):
            text: str = value.decode("ascii")
            return text
    return f"req_{new_uuid().hex}"


def _log_access(scope: Scope, *, status: int, seconds: float) -> None:
    """One line a request: no query, no header, no body, for any of them may carry a secret.

    Rule: INVITATION-7
    """
    path = "/invite/..." if INVITATION_PATH.match(scope["path"]) else scope["path"]
    facts = {"method": scope["method"], "path": path, "status": status, "ms": round(seconds * 1000, 1)}
    if scope["path"] in PROBES:
        access_log.debug("request", **facts)
    else:
        access_log.info("request", **facts)
