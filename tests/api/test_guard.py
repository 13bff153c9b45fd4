"""What the guard does with a request that does not arrive whole."""

from __future__ import annotations

from typing import Any

from bursar.api.front import Receive, Scope, Send
from bursar.api.guard import Guard

WHOLE: list[dict[str, Any]] = [{"type": "http.request", "body": b"{}", "more_body": False}]
CUT: list[dict[str, Any]] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]


async def asked(messages: list[dict[str, Any]]) -> int:
    """How often the application behind the guard is asked when a client sends this."""
    calls = 0

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal calls
        calls += 1

    waiting = iter(messages)

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        raise AssertionError(f"nobody is there to be answered: {message}")

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/members",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
        "request_id": "req_1",
    }
    await Guard(application, body_max_bytes=1_000)(scope, receive, send)
    return calls


async def test_a_write_whose_body_did_not_arrive_whole_is_not_carried_out() -> None:
    assert await asked(WHOLE) == 1
    assert await asked(CUT) == 0
