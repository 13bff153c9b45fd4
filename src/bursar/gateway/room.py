"""How much of this process calls may take at once: so many of them, and so many bytes of their bodies.

What is full says so at once and is asked again a second later, by which time something has ended: that is kinder than
taking on what cannot be kept, and losing all of it.
"""

from __future__ import annotations

from bursar.domain.refusals import Refusal

WAIT_SECONDS = 1


class Room:
    """The room for the calls of this process."""

    def __init__(self, *, calls_max: int, bytes_max: int) -> None:
        self._calls_max = calls_max
        self._bytes_max = bytes_max
        self.calls = 0
        self.bytes = 0

    def enter(self) -> Place:
        """A place for one more call, to be used as a context. Refuses `overloaded`.

        Rule: LIMIT-7
        """
        if self.calls >= self._calls_max:
            raise _overloaded()
        self.calls += 1
        return Place(self)

    def take(self, size: int) -> None:
        """Room for so many bytes more. Refuses `overloaded`."""
        if self.bytes + size > self._bytes_max:
            raise _overloaded()
        self.bytes += size


class Place:
    """The place of one call: given back with all its bytes once, when its context ends."""

    __slots__ = ("_room", "_size")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.calls -= 1
        self._room.bytes -= self._size

    def hold(self, size: int) -> None:
        """Makes room for a body of this size in all; never less than it has already. Refuses `overloaded`."""
        if size > self._size:
            self._room.take(size - self._size)
            self._size = size


def _overloaded() -> Refusal:
    sentence = "This server has as many calls under way as it can take. Try again in a second."
    return Refusal("overloaded", sentence, retry_after_seconds=str(WAIT_SECONDS))
