"""A proxy between a client and PostgreSQL that cuts connections at the moment a test asks for.

It listens on a socket in a folder of its own and understands just enough of what the client sends to see a commit."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

_COMMIT: Final = b"Q\x00\x00\x00\x0bcommit\x00"
"""The commit as the simple query that it is: its letter, its length, its text."""
_CHUNK_BYTES: Final = 65_536


class Cut(Enum):
    """When the connection of a commit is cut."""

    BEFORE = "before the server has seen the commit"
    MIDWAY = "after the server has been sent the commit, whether it has done it or not"
    AFTER = "after the server has answered the commit, before the client has read it"


class CuttingProxy:
    """Passes everything on until it is told otherwise. `url` is that of the database through it."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        host, port = (parse_qs(parts.query)[name][0] for name in ("host", "port"))
        self._target = f"{host}/.s.PGSQL.{port}"
        self._socket = folder / f".s.PGSQL.{port}"
        self.url = url.replace(f"host={quote(host, safe='')}", f"host={quote(str(folder), safe='')}")
        assert self.url != url
        self.cut: Cut | None = None
        self.cuts = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.AbstractServer | None = None
        self._has_cut = asyncio.Event()

    async def listen(self) -> None:
        """Let clients in (again)."""
        self._server = await asyncio.start_unix_server(self._let_in, self._socket)

    async def shut(self) -> None:
        """Cut everybody off and let nobody in, as when the database is down."""
        if self._server is not None:
            self._server.close()
            self._server = None
            # One system call on a local folder, and nothing else runs here.
            self._socket.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving)

    async def wait_for_cut(self) -> None:
        """Until a connection has been cut."""
        await self._has_cut.wait()
        self._has_cut.clear()

    def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._target)
        both = {writer, up_writer}
        self._writers |= both
        holding_back = asyncio.Event()
        forward = asyncio.create_task(self._forward(reader, up_writer, holding_back))
        back = asyncio.create_task(self._back(up_reader, writer, holding_back))
        try:
            await asyncio.wait({forward, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (forward, back):
                task.cancel()
            for end in both:
                end.transport.abort()
            self._writers -= both

    async def _forward(
        self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, holding_back: asyncio.Event
    ) -> None:
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                cut = self.cut if chunk == _COMMIT else None
                if cut is not None:
                    self.cut = None
                    self.cuts += 1
                if cut is Cut.BEFORE:
                    self._has_cut.set()
                    return
                if cut is Cut.AFTER:
                    holding_back.set()
                up_writer.write(chunk)
                await up_writer.drain()
                if cut is Cut.MIDWAY:
                    self._has_cut.set()
                    return
        except ConnectionError:
            return

    async def _back(
        self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, holding_back: asyncio.Event
    ) -> None:
        try:
            while chunk := await up_reader.read(_CHUNK_BYTES):
                if holding_back.is_set():
                    self._has_cut.set()
                    return
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            return


@asynccontextmanager
async def cutting_proxy(url: str) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of the database, listening until the block ends."""
    with tempfile.TemporaryDirectory(prefix="bursar-proxy-", dir="/tmp") as folder:
        proxy = CuttingProxy(url, Path(folder))
        await proxy.listen()
        try:
            yield proxy
        finally:
            await proxy.shut()
