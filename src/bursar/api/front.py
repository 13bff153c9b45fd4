"""The front door: one ASGI application in front of the gateway, the API and the console.

It gives every request an id, routes by path, and when it has ended tells of it: in the log, in the figures and, where
traces are collected, as a span. Nothing else is common to all three.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

import structlog

from bursar.outside.clock import Stopwatch
from bursar.outside.identity import new_uuid
from bursar.outside.metrics import Metrics
from bursar.outside.telling import Telling, told
from bursar.outside.tracing import Span, Tracing

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

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those a span is named by; anybody may make up others."""


class FrontDoor:
    """Routes /v1 to the gateway, /api and the probes to the API, and everything else to the console."""

    def __init__(
        self,
        *,
        gateway: Application,
        api: Application,
        console: Application,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._faces = {"gateway": gateway, "api": api, "probes": api, "console": console}
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._refuse_other_protocols(scope, receive, send)
        scope["request_id"] = request_id = _request_id(scope)
        face = face_of(scope["path"])
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

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            told() as telling,
            self._tracing.request(_span_name(scope, face), scope["headers"]) as span,
        ):
            try:
                await self._faces[face](scope, receive, numbered_send)
            finally:
                seconds = stopwatch.seconds()
                self._metrics.request(face=face, status=status, seconds=seconds)
                if telling.refusal is not None:
                    self._metrics.refused(face=face, code=telling.refusal)
                _tell_span(span, scope, telling, status=status)
                _log_access(scope, face, telling, status=status, seconds=seconds)

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


def face_of(path: str) -> str:
    """Which of the applications a path belongs to; the probes stand apart, because machines ask them all the time."""
    if path == "/v1" or path.startswith("/v1/"):
        return "gateway"
    if path in PROBES:
        return "probes"
    return "api" if path == "/api" or path.startswith("/api/") else "console"


def _log_access(scope: Scope, face: str, telling: Telling, *, status: int, seconds: float) -> None:
    """One line a request: no query, no header, no body, for any of them may carry a secret.

    Rule: INVITATION-7, WATCH-3
    """
    facts: dict[str, Any] = {
        "method": scope["method"],
        "path": _shown_path(scope),
        "status": status,
        "ms": round(seconds * 1000, 1),
        **telling.facts,
    }
    if telling.refusal is not None:
        facts["code"] = telling.refusal
    # A call that was made has said more already.
    if face == "probes" or telling.has_line:
        access_log.debug("request", **facts)
    else:
        access_log.info("request", **facts)


def _tell_span(span: Span, scope: Scope, telling: Telling, *, status: int) -> None:
    span.tell(
        http__request__method=scope["method"],
        url__path=_shown_path(scope),
        http__response__status_code=status,
        bursar__request_id=scope["request_id"],
        **{f"bursar__{name}": fact for name, fact in telling.facts.items()},
    )


def _span_name(scope: Scope, face: str) -> str:
    return f"{scope['method'] if scope['method'] in METHODS else 'other'} {face}"


def _shown_path(scope: Scope) -> str:
    return "/invite/..." if INVITATION_PATH.match(scope["path"]) else scope["path"]
