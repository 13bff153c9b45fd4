"""The gateway, plain ASGI, mounted under /v1.

Every call is first asked for its key. No model endpoint is served yet: every path is answered in the caller's own
dialect, so that a client shows the sentence instead of a stack trace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from bursar.actions.desk import Desk
from bursar.db.outages import OUTAGES
from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.gateway.key import caller_of
from bursar.gateway.problems import envelope

log = structlog.get_logger("bursar.gateway")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ANTHROPIC_PATHS = ("/v1/messages", "/v1/complete")


def dialect_of(scope: Scope) -> Dialect:
    """Anthropic's where the path or the `anthropic-version` header says so, else OpenAI's."""
    if any(name == b"anthropic-version" for name, _ in scope["headers"]):
        return Dialect.ANTHROPIC
    path: str = scope["path"]
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in ANTHROPIC_PATHS):
        return Dialect.ANTHROPIC
    return Dialect.OPENAI


def serve_gateway(desk: Desk) -> Application:
    """The gateway at work at a desk. The front door put `request_id` into the scope."""

    async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
        code, message = await _refusal(desk, scope)
        status, body, headers = envelope(
            dialect_of(scope), code=code, message=message, request_id=scope["request_id"]
        )  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return gateway


async def _refusal(desk: Desk, scope: Scope) -> tuple[str, str]:
    """Why this call is not served, as a code and a sentence: who may not call learns nothing of what is there."""
    try:
        await caller_of(desk, scope)
    except Refusal as refusal:
        return refusal.code, refusal.detail
    except OUTAGES as fault:
        log.warning("unavailable", fault=repr(fault))
        return "unavailable", "The database cannot be reached at the moment."
    except Exception as fault:  # the outermost loop: the caller still gets an envelope of its own dialect
        log.error("fault", exc_info=fault)
        return "broken", "Something broke on our side; the log has it under this request id."
    return "not_found", f"There is nothing at {scope['method']} {scope['path']} on this gateway."
