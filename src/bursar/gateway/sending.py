"""What goes back to a client: piece by piece, no faster than it is taken, and with a sign of life where nothing comes.

Not here: what of a provider's answer is passed on (`streams`, `headers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bursar.domain.dialects import Dialect
from bursar.gateway.asgi import Headers, Message, Send
from bursar.gateway.receiving import ClientGone
from bursar.gateway.waiting import at_most

SILENCE_SECONDS = 12.0
"""Proxies end what is silent for 15 seconds and more."""

SIGNS_OF_LIFE = {
    Dialect.OPENAI: b": still at work\n\n",
    Dialect.ANTHROPIC: b'event: ping\ndata: {"type": "ping"}\n\n',
}
"""What each dialect's clients read over: a comment, or the event that Anthropic itself sends."""

_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


class Outlet:
    """The way back to one client. Whatever is sent is waited for, for a while; then the client counts as gone."""

    def __init__(self, send: Send, *, seconds_max: float) -> None:
        self._send = send
        self._seconds_max = seconds_max
        self._loop = asyncio.get_running_loop()
        self._sent_at = self._loop.time()
        self._ending = _EVENT_ENDS[0]
        self._under_way = 0
        self._sign: asyncio.Task[None] | None = None

    async def begin(self, status: int, headers: Headers) -> None:
        """Status and headers. Raises `ClientGone`."""
        await self._sent({"type": "http.response.start", "status": status, "headers": headers})

    async def pass_on(self, piece: bytes, *, is_last: bool = False) -> None:
        """A piece of the body; an empty one is sent only if it is the last. Raises `ClientGone`.

        Rule: LIMIT-11
        """
        if self._sign is not None:
            sign, self._sign = self._sign, None
            await sign
        if piece:
            # An event's end may come in two pieces.
            self._ending = piece[-4:] if len(piece) >= 4 else (self._ending + piece)[-4:]
        elif not is_last:
            return
        await self._sent({"type": "http.response.body", "body": piece, "more_body": not is_last})

    @contextmanager
    def kept_alive(self, dialect: Dialect, *, silence_seconds: float = SILENCE_SECONDS) -> Iterator[None]:
        """Sends a sign of life whenever nothing was sent for so long, between two events of a stream.

        Rule: LIMIT-12
        """
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            quiet = self._loop.time() - self._sent_at
            is_idle = self._ending.endswith(_EVENT_ENDS) and not self._under_way and self._sign is None
            if quiet >= silence_seconds and is_idle:
                self._sign = self._loop.create_task(self._live(SIGNS_OF_LIFE[dialect]))
            wait = silence_seconds - quiet if quiet < silence_seconds else silence_seconds
            timer = self._loop.call_later(wait, look)

        timer = self._loop.call_later(silence_seconds, look)
        try:
            yield
        finally:
            timer.cancel()
            if self._sign is not None:
                self._drop(self._sign)

    def _drop(self, sign: asyncio.Task[None]) -> None:
        """Nobody waits for this one any more: it was sent whole, or nothing of it was."""
        self._sign = None
        if not sign.done():
            sign.cancel()
        elif not sign.cancelled():
            sign.exception()

    async def _live(self, sign: bytes) -> None:
        await self._sent({"type": "http.response.body", "body": sign, "more_body": True})
        self._sign = None

    async def _sent(self, message: Message) -> None:
        self._under_way += 1
        try:
            await at_most(self._seconds_max, self._send(message))
        except TimeoutError:
            raise ClientGone from None
        finally:
            self._under_way -= 1
        self._sent_at = self._loop.time()
