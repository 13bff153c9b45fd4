"""A proxy between a client and Bursar that loses answers: the server has done what was asked, and nobody is told."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_CONNECTION = re.compile(rb"connection: [a-z-]+", re.IGNORECASE)


class LossyProxy:
    """Passes on whole requests, one connection for each, and cuts the client off in place of as many answers as it is
    told to lose. `url` is Bursar's through it, `requests` the first line of each request that came."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self.url = ""
        self.lose = 0
        self.requests: list[str] = []
        self._came = asyncio.Condition()
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a request there, and its answer back or not."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_content_length(head))
            up_reader, up_writer = await asyncio.open_connection(*self._target)
            up_writer.write(_CONNECTION.sub(b"connection: close", head) + body)
            answer = await up_reader.read(-1)
            up_writer.close()
            async with self._came:
                self.requests.append(head.split(b"\r\n", 1)[0].decode())
                self._came.notify_all()
            if self.lose:
                self.lose -= 1
                writer.transport.abort()
                return
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def wait_for(self, part: str, count: int = 1) -> None:
        """Until so many requests whose first line has this in it have been answered by Bursar."""
        async with self._came:
            await self._came.wait_for(lambda: sum(part in line for line in self.requests) >= count)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


@asynccontextmanager
async def lossy_proxy(url: str) -> AsyncIterator[LossyProxy]:
    """A proxy in front of Bursar until the block ends."""
    proxy = LossyProxy(url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)
