"""What is told of a request when it has ended: those who work on it say it, and the front door writes it down, once.

It reaches the log, the figures and the traces. Nothing that was sent is told: no key, no body, no header. It goes with
the request as the request's id in the log does, also into tasks that are begun for it.

Rule: WATCH-2, WATCH-3
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

Fact = str | int | float


@dataclass(slots=True)
class Telling:
    """The code of the refusal, if it was refused; who asked, as far as that is known; and whether the log has a line of
    its own for it already."""

    refusal: str | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    has_line: bool = False

    def tell(self, **facts: Fact | None) -> None:
        """Adds facts; what is None is not told."""
        self.facts.update({name: fact for name, fact in facts.items() if fact is not None})


_current: ContextVar[Telling | None] = ContextVar("telling", default=None)


def telling() -> Telling:
    """What is told of the request under way; where there is none, something that nobody reads."""
    return _current.get() or Telling()


class told:  # noqa: N801 - read as `with told() as telling`
    """A request, from its beginning to its end. A class, because a generator costs every request twice as much."""

    __slots__ = ("_token",)

    def __enter__(self) -> Telling:
        begun = Telling()
        self._token = _current.set(begun)
        return begun

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
