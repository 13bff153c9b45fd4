"""Answers that come bit by bit, as server-sent events; and the news that whoever reads them has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Send

from bursar.api.front import Receive, Scope

MEDIA_TYPE = "text/event-stream"
SILENCE_SECONDS = 12.0
"""Proxies end what is silent for 15 seconds and more."""
SEND_SECONDS_MAX = 30.0
"""Whoever takes nothing for so long counts as gone."""
SIGN_OF_LIFE = b": still at work\n\n"


class EventStream(Response):
    """A response whose events are sent as they come. `on_leave` is told if its reader has left before the last one."""

    media_type = MEDIA_TYPE

    def __init__(
        self, events: AsyncIterator[bytes], *, on_leave: Callable[[], None], headers: Mapping[str, str] | None = None
    ) -> None:
        # A proxy that gathers what it passes on would turn the stream into one lump.
        super().__init__(headers={"x-accel-buffering": "no", **(headers or {})}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._events = events
        self._on_leave = on_leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send_all(send), name="event stream")
        leaving = asyncio.create_task(_left(receive), name="event stream watcher")
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not sending.done():
                sending.cancel()
                self._on_leave()
        if not sending.cancelled() and sending.done():
            sending.result()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        coming: asyncio.Task[bytes | None] | None = None
        try:
            while True:
                coming = coming or asyncio.create_task(_next(self._events))
                await asyncio.wait({coming}, timeout=SILENCE_SECONDS)
                event = SIGN_OF_LIFE
                if coming.done():
                    found, coming = coming.result(), None
                    if found is None:
                        break
                    event = found
                async with asyncio.timeout(SEND_SECONDS_MAX):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self._on_leave()
        finally:
            if coming is not None:
                coming.cancel()


def event(name: str, data: BaseModel) -> bytes:
    """One event. JSON has no bare line ends, so its data is one line."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n".encode()


async def _next(events: AsyncIterator[bytes]) -> bytes | None:
    return await anext(events, None)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
