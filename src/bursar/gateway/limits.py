"""How many calls a key and its owner make: counted here, in this process, and refused above their limits.

Counted are the last minute's calls and tokens, and the calls under way. Nothing is written down: a process that starts
begins to count, and several processes count each for itself. What nobody limits is not counted at all.

Not here: what the limits are (`domain/call_limits`), and credits, which the ledger counts exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from bursar.domain.call_limits import Bounds, CallBounds
from bursar.domain.dialects import Dialect
from bursar.domain.minutes import LastMinute, Recent
from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Headers
from bursar.gateway.problems import WAIT_SECONDS_MAX
from bursar.outside.clock import Clock

WAIT_MS_AT_ONCE = 1000
"""Nobody knows when a call ends."""


class CallLimits:
    """The calls that this process has let in, by key and by member."""

    def __init__(self, clock: Clock) -> None:
        self._book = _Book(clock)

    def admit(self, bounds: CallBounds, *, key_id: UUID, member_id: UUID) -> Ticket:
        """Lets a call in and counts it, or refuses `rate_limit_exceeded` and counts nothing.

        Asked first of the key, then of its owner: calls a minute, tokens a minute, calls at once.

        Rule: LIMIT-2
        """
        bounded = _bounded(bounds, key_id=key_id, member_id=member_id)
        if bounded:
            now = self._book.now()
            self._book.recent.forget_idle(now)
            for spender in bounded:
                refusal = _refusal(spender, self._book.recent.of(spender.id), now)
                if refusal is not None:
                    raise LimitReached(refusal, self._book, bounded)
            for spender in bounded:
                counts = self._book.recent.seen(spender.id, now)
                counts.requests.add(1, now=now)
                counts.at_once += 1
        return Ticket(self._book, bounded)

    def __len__(self) -> int:
        """How many keys and members are counted at the moment."""
        return len(self._book.recent)


class LimitReached(Refusal):
    """The refusal of a call, which can tell what is left as the answer to a call does."""

    def __init__(self, refusal: Refusal, book: _Book, bounded: Sequence[_Spender]) -> None:
        super().__init__(refusal.code, refusal.detail, **refusal.facts)
        self._book = book
        self._bounded = bounded

    def headers(self, dialect: Dialect) -> Headers:
        """What is left, as clients of this dialect read it.

        Rule: LIMIT-5
        """
        return _headers(self._book, self._bounded, dialect)


class Ticket:
    """A call that was let in. It counts as under way until it is released, once, however it ends."""

    __slots__ = ("_book", "_bounded", "_is_released")

    def __init__(self, book: _Book, bounded: Sequence[_Spender]) -> None:
        self._book = book
        self._bounded = bounded
        self._is_released = False

    def __enter__(self) -> Ticket:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def used(self, tokens: int) -> None:
        """Counts the tokens of the call, once it is known how many there were.

        Rule: LIMIT-4
        """
        if self._bounded and tokens > 0:
            now = self._book.now()
            for spender in self._bounded:
                self._book.recent.seen(spender.id, now).tokens.add(tokens, now=now)

    def release(self) -> None:
        """The call is not under way any more. Releasing it again changes nothing."""
        if not self._is_released:
            self._is_released = True
            for spender in self._bounded:
                self._book.recent.of(spender.id).at_once -= 1

    def headers(self, dialect: Dialect) -> Headers:
        """What is left, as clients of this dialect read it.

        Rule: LIMIT-5
        """
        return _headers(self._book, self._bounded, dialect)


@dataclass(frozen=True, slots=True)
class _Spender:
    """A key or a member whose calls are bounded."""

    scope: Literal["key", "member"]
    id: UUID
    bounds: Bounds


def _bounded(bounds: CallBounds, *, key_id: UUID, member_id: UUID) -> Sequence[_Spender]:
    """Whose calls are counted, in the order they are asked."""
    bounded = []
    if not bounds.of_key.is_open:
        bounded.append(_Spender("key", key_id, bounds.of_key))
    if not bounds.of_member.is_open:
        bounded.append(_Spender("member", member_id, bounds.of_member))
    return bounded


class _Counts:
    """What one key or one member did within the last minute, and does now."""

    __slots__ = ("at_once", "requests", "tokens")

    def __init__(self) -> None:
        self.requests = LastMinute()
        self.tokens = LastMinute()
        self.at_once = 0


class _Book:
    """The counts of everybody who is bounded and was seen within the last minute, or has a call under way.

    Rule: LIMIT-6
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.recent: Recent[_Counts] = Recent(_Counts, is_busy=lambda counts: counts.at_once > 0)

    def now(self) -> int:
        """This moment, in milliseconds."""
        return int(self.clock.seconds() * 1000)


def _headers(book: _Book, bounded: Sequence[_Spender], dialect: Dialect) -> Headers:
    now = book.now()
    told: list[tuple[str, str]] = []
    for noun, standing in (("requests", _of_requests), ("tokens", _of_tokens)):
        standings = [
            found for spender in bounded if (found := standing(spender.bounds, book.recent.of(spender.id), now))
        ]
        if not standings:
            continue
        remaining, limit, reset = min(standings)
        if dialect is Dialect.ANTHROPIC:
            full_at = book.clock.now() + timedelta(milliseconds=reset, microseconds=999_999)
            words = {"limit": str(limit), "remaining": str(remaining), "reset": f"{full_at:%Y-%m-%dT%H:%M:%SZ}"}
            told += [(f"anthropic-ratelimit-{noun}-{word}", value) for word, value in words.items()]
        else:
            words = {"limit": str(limit), "remaining": str(remaining), "reset": duration(reset)}
            told += [(f"x-ratelimit-{word}-{noun}", value) for word, value in words.items()]
    return [(name.encode(), value.encode()) for name, value in told]


def _of_requests(bounds: Bounds, counts: _Counts, now: int) -> tuple[int, int, int] | None:
    return _standing(bounds.requests_per_minute, counts.requests, now)


def _of_tokens(bounds: Bounds, counts: _Counts, now: int) -> tuple[int, int, int] | None:
    return _standing(bounds.tokens_per_minute, counts.tokens, now)


def _standing(limit: int | None, minute: LastMinute, now: int) -> tuple[int, int, int] | None:
    """What is left of a limit, the limit, and milliseconds until all of it is back; None where nothing is limited."""
    if limit is None:
        return None
    return max(0, limit - minute.total(now)), limit, minute.wait_until(0, now=now)


def duration(milliseconds: int) -> str:
    """A span of time as OpenAI writes it: `120ms`, `7.66s`, `1m0s`."""
    if milliseconds == 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes}m{milliseconds / 1000:g}s" if minutes else f"{milliseconds / 1000:g}s"


def _refusal(spender: _Spender, counts: _Counts, now: int) -> Refusal | None:
    """Why one more call would be above a limit; None where it is not.

    Rule: LIMIT-3
    """
    most = spender.bounds.requests_per_minute
    if most is not None and counts.requests.total(now) >= most:
        return _told(spender.scope, "requests_per_minute", most, counts.requests.wait_until(most - 1, now=now))
    most = spender.bounds.tokens_per_minute
    if most is not None and counts.tokens.total(now) >= most:
        return _told(spender.scope, "tokens_per_minute", most, counts.tokens.wait_until(most - 1, now=now))
    most = spender.bounds.calls_at_once
    if most is not None and counts.at_once >= most:
        return _told(spender.scope, "calls_at_once", most, WAIT_MS_AT_ONCE)
    return None


_SENTENCES = {
    "requests_per_minute": "may make {most} calls a minute, and has made them",
    "tokens_per_minute": "may use {most} tokens a minute, and has used them",
    "calls_at_once": "may have {most} calls under way at once, and has them",
}
_WHO = {"key": "This key", "member": "The owner of this key, with all keys together,"}


def _told(scope: str, name: str, most: int, wait: int) -> Refusal:
    """Which limit of whom, how much it is, and when to try again; a limit of 0 never lets anything through."""
    facts: dict[str, str | None] = {"scope": scope, "limit": name, "most": str(most)}
    if most == 0:
        detail = f"{_WHO[scope]} may make no calls: the limit {name} is 0."
        return Refusal("rate_limit_exceeded", detail, **facts, retry_after_seconds=None)
    seconds = min(WAIT_SECONDS_MAX, max(1, -(-wait // 1000)))
    ending = "second" if seconds == 1 else "seconds"
    detail = f"{_WHO[scope]} {_SENTENCES[name].format(most=most)}. Try again in {seconds} {ending}."
    return Refusal("rate_limit_exceeded", detail, **facts, retry_after_seconds=str(seconds))
