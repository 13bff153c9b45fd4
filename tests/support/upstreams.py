"""A provider of models on the loopback: a real little server that answers well, or in each way that goes wrong."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.offices import served

KEY = "sk-upstream-0123456789abcdef"
PIECES = 40
BROKEN_AFTER = 3
HELD_UP_SECONDS = 0.5
"""A piece that cannot be sent for as long waits for its reader."""


@dataclass
class Seen:
    """One request as it came in; the port tells one connection from another."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int


@dataclass
class Upstream:
    """What came in, and what was noticed meanwhile. `gates` let a test decide when something goes on."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    sent: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    held_up: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    may_begin: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini")

    @property
    def last(self) -> Seen:
        """The latest request."""
        return self.seen[-1]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers as the path asks for."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.seen.append(Seen(scope["method"], path, headers, body, scope["client"][1]))
        self.arrived.set()
        answer = _ANSWERS.get(scope["path"].removeprefix("/v1"), _echo)
        await answer(self, receive, send)


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    """The server, until the block ends."""
    running = Upstream()
    async with served(running) as url:
        running.url = f"{url}/v1"
        try:
            yield running
        finally:
            # Whoever still waits for a test ends, so that the server can.
            running.may_begin.set()
            running.may_go_on.set()


Answer = Callable[[Upstream, Any, Any], Awaitable[None]]


async def _begin(send: Any, status: int = 200, *headers: tuple[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _whole(send: Any, body: bytes, status: int = 200, *headers: tuple[str, str]) -> None:
    await _begin(send, status, ("content-type", "application/json"), *headers)
    await send({"type": "http.response.body", "body": body})


async def _echo(up: Upstream, receive: Any, send: Any) -> None:
    await _whole(send, up.last.body or b"{}")


async def _models(up: Upstream, receive: Any, send: Any) -> None:
    if KEY not in (up.last.headers.get("authorization", ""), up.last.headers.get("x-api-key", "")) and (
        up.last.headers.get("authorization") != f"Bearer {KEY}"
    ):
        error = {"error": {"message": f"Incorrect API key provided: {up.last.headers.get('authorization')}"}}
        await _whole(send, json.dumps(error).encode(), 401)
        return
    await _whole(send, json.dumps({"object": "list", "data": [{"id": name} for name in up.models]}).encode())


async def _stream(up: Upstream, receive: Any, send: Any) -> None:
    """A piece at a time: the next one when the test lets it go on, or all of them once nobody listens any more."""
    await _begin(send, 200, ("content-type", "text/event-stream"))
    listening = asyncio.create_task(receive())
    for number in range(PIECES):
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        up.sent += 1
        up.begun.set()
        going_on = asyncio.create_task(up.may_go_on.wait())
        await asyncio.wait({going_on, listening}, return_when=asyncio.FIRST_COMPLETED)
        going_on.cancel()
        if listening.done() and listening.result()["type"] == "http.disconnect":
            up.gone.set()
            return
    listening.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _endless(up: Upstream, receive: Any, send: Any) -> None:
    """Small pieces in quick succession, until nobody listens any more."""
    await _begin(send)
    listening = asyncio.create_task(receive())
    while not listening.done():
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        await asyncio.sleep(0)
    up.gone.set()


async def _flood(up: Upstream, receive: Any, send: Any) -> None:
    """Sends as fast as it is read, and tells when it is held up."""
    await _begin(send)
    while not up.may_go_on.is_set():
        sending = asyncio.create_task(send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True}))
        if not (await asyncio.wait({sending}, timeout=HELD_UP_SECONDS))[0]:
            up.held_up.set()
        await sending
        up.sent += 65_536
    await send({"type": "http.response.body", "body": b""})


async def _slow(up: Upstream, receive: Any, send: Any) -> None:
    """Begins its stream when the test lets it."""
    await up.may_begin.wait()
    await _stream(up, receive, send)


async def _unending(up: Upstream, receive: Any, send: Any) -> None:
    """Never answers, and notices when nobody waits any more."""
    assert (await receive())["type"] == "http.disconnect"
    up.gone.set()


async def _breaking(up: Upstream, receive: Any, send: Any) -> None:
    await _begin(send, 200, ("content-length", "1000"))
    for _ in range(BROKEN_AFTER):
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
    raise ConnectionResetError("as the test wants it")


async def _crashing(up: Upstream, receive: Any, send: Any) -> None:
    raise ConnectionResetError("as the test wants it")


async def _redirecting(up: Upstream, receive: Any, send: Any) -> None:
    await _whole(send, b"", 307, ("location", f"{up.url}/elsewhere"))


async def _compressing(up: Upstream, receive: Any, send: Any) -> None:
    await _whole(send, gzip.compress(b'{"usage": 1}'), 200, ("content-encoding", "gzip"))


async def _setting_cookies(up: Upstream, receive: Any, send: Any) -> None:
    await _whole(send, b"{}", 200, ("set-cookie", "track=1; Path=/"), ("x-twice", "one"), ("x-twice", "two"))


async def _binary_header(up: Upstream, receive: Any, send: Any) -> None:
    await _whole(send, b"{}", 200, ("x-odd", "\xff\xfe"), ("x-plain", "text"))


_ANSWERS: dict[str, Answer] = {
    "/models": _models,
    "/stream": _stream,
    "/endless": _endless,
    "/flood": _flood,
    "/slow": _slow,
    "/unending": _unending,
    "/breaking": _breaking,
    "/crashing": _crashing,
    "/redirecting": _redirecting,
    "/compressing": _compressing,
    "/setting-cookies": _setting_cookies,
    "/binary-header": _binary_header,
}
