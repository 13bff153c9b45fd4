"""What is written to a client within one turn of the event loop goes out in one piece.

An answer's head and its body are two writes, and each is a system call here and a wake-up of whoever reads: together
they are a tenth of what a call costs this process. Nothing is kept for longer than the turn takes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    Transport = asyncio.Transport
else:
    Transport = object

TOGETHER_BYTES_MAX = 64 * 1024
"""What has gathered is sent on from here, so that whoever writes a lot is told to wait for a client that reads slowly.
"""


class GatheringTransport(Transport):
    """A connection that sends together what is written to it within a turn; all else is the transport's own."""

    __slots__ = ("_loop", "_pieces", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[Any] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Sends this at the end of the turn, or at once where there is much of it."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= TOGETHER_BYTES_MAX:
            self._send()

    def close(self) -> None:
        """Sends what was written, then closes."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        pieces, self._pieces, self._size = self._pieces, [], 0
        # Whoever has left takes nothing any more.
        if pieces and not self._transport.is_closing():
            self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def gathering(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> asyncio.Transport:
    """The connection, from now on with everything that is written in a turn sent together."""
    return cast("asyncio.Transport", GatheringTransport(transport, loop))
