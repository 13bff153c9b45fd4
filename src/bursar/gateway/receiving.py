"""What comes from a client: its body, within bounds of size and of time, and the news that it has gone.

Not here: what stands in the body (`bodies`), and what goes back (`sending`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bursar.domain.refusals import Refusal
from bursar.gateway.room import Place
from bursar.gateway.waiting import at_most

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client has left, or takes nothing any more. Nobody is there to be answered."""


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """How large a body may be, and how long it may take to arrive."""

    bytes_max: int
    seconds_max: float


async def read_body(
    headers: Iterable[tuple[bytes, bytes]], receive: Receive, bounds: BodyBounds, *, place: Place
) -> bytes:
    """The whole body of a call, for as long as the call has its place.

    Refuses `body_too_large`, from what it says of its length before any of it is read; `body_too_slow`; `overloaded`.
    Raises `ClientGone`.

    Rule: LIMIT-7
    """
    length = _length_said(headers)
    if length is not None:
        _check_size(length, bounds)
        place.hold(length)
    try:
        return await at_most(bounds.seconds_max, _read(receive, bounds, place))
    except TimeoutError:
        sentence = f"The body did not arrive within {bounds.seconds_max:g} seconds."
        raise Refusal("body_too_slow", sentence) from None


async def _read(receive: Receive, bounds: BodyBounds, place: Place) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        _check_size(size, bounds)
        place.hold(size)
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _length_said(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _check_size(size: int, bounds: BodyBounds) -> None:
    if size > bounds.bytes_max:
        raise Refusal("body_too_large", f"The body of a call may have at most {bounds.bytes_max} bytes.")


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
