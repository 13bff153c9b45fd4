"""What comes from a client: its body, within bounds of size and of time, and the news that it has gone.

Not here: what stands in the body (`bodies`), and what goes back (`sending`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Receive
from bursar.gateway.room import Place
from bursar.gateway.waiting import at_most


class ClientGone(Exception):
    """The client has left, or takes nothing any more. Nobody is there to be answered."""


DROPPED_BYTES_MAX = 64 * 1024 * 1024
"""Of a body that is too large this much is let go by, twice what calls have by default; more is no mistake."""


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """How large a body may be, and how long it may take to arrive."""

    bytes_max: int
    seconds_max: float


async def read_body(
    headers: Iterable[tuple[bytes, bytes]], receive: Receive, bounds: BodyBounds, *, place: Place
) -> bytes:
    """The whole body of a call, for as long as the call has its place.

    Refuses `body_too_large`, from what it says of its length where it says so; `body_too_slow`; `overloaded`. Raises
    `ClientGone`.

    Rule: LIMIT-7
    """
    said = dict(headers)
    body = _Body(receive, bounds, place, is_coming=b"expect" not in said)
    try:
        return await at_most(bounds.seconds_max, body.read(_length_said(said)))
    except TimeoutError:
        sentence = f"The body did not arrive within {bounds.seconds_max:g} seconds."
        raise Refusal("body_too_slow", sentence) from None


class _Body:
    """A body as it comes. `is_coming` until its end was there, unless its client waits to be asked for it."""

    def __init__(self, receive: Receive, bounds: BodyBounds, place: Place, *, is_coming: bool) -> None:
        self._receive = receive
        self._bounds = bounds
        self._place = place
        self._is_coming = is_coming

    async def read(self, length: int | None) -> bytes:
        """All of it. Of one that is too large the rest is let go by before it is refused: a client that is still
        sending would find its connection cut, and no answer.
        """
        if length is not None:
            if length > self._bounds.bytes_max:
                raise await self._too_large()
            self._place.hold(length)
        pieces: list[bytes] = []
        size = 0
        self._is_coming = True
        while self._is_coming:
            piece = await self._next()
            size += len(piece)
            if size > self._bounds.bytes_max:
                raise await self._too_large()
            self._place.hold(size)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._is_coming = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    async def _too_large(self) -> Refusal:
        dropped = 0
        while self._is_coming and dropped <= DROPPED_BYTES_MAX:
            dropped += len(await self._next())
        return Refusal("body_too_large", f"The body of a call may have at most {self._bounds.bytes_max} bytes.")


def _length_said(headers: Mapping[bytes, bytes]) -> int | None:
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() else None


class WhileClientListens:
    """A block that ends with `ClientGone` as soon as the client has left, wherever it is waiting then.

    For what is done for the client only; what has to be finished all the same, such as a settlement, is shielded.
    `has_gone` tells inside of it why it ends. It is entered after the body was read: from then on the only thing that
    still comes is that the client has gone.

    Rule: LIMIT-10
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._block = asyncio.timeout(None)
        self.has_gone = False

    async def __aenter__(self) -> None:
        await self._block.__aenter__()
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watcher.cancel()
        try:
            await self._block.__aexit__(kind, raised, trace)
        except TimeoutError as ended:
            raise ClientGone from ended

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_gone = True
        self._block.reschedule(0)
