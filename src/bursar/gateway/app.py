"""The gateway, plain ASGI, mounted under /v1.

No model endpoint is served yet: every path is answered in the caller's own dialect, so that a client shows the sentence
instead of a stack trace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bursar.gateway.problems import Dialect, envelope

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ANTHROPIC_PATHS = ("/v1/messages", "/v1/complete")


def dialect_of(scope: Scope) -> Dialect:
    """Anthropic's where the path or the `anthropic-version` header says so, else OpenAI's."""
    if any(name == b"anthropic-version" for name, _ in scope["headers"]):
        return Dialect.ANTHROPIC
    path: str = scope["path"]
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in ANTHROPIC_PATHS):
        return Dialect.ANTHROPIC
    return Dialect.OPENAI


async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers one HTTP request. The front door put `request_id` into the scope."""
    status, body, headers = envelope(
        dialect_of(scope),
        code="not_found",
        message=f"There is nothing at {scope['method']} {scope['path']} on this gateway.",
        request_id=scope["request_id"],
    )
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
