"""How often one intent is sent, how long to wait in between, and what it comes to in the end.

Sent again is what failed for the moment: a connection that was lost, 429, and what a server in trouble answers. It is
the same intent with the same idempotency key, so it is done once however many of the sendings arrived. What cannot be
told in the end is raised as `OutcomeUnknown`, and never guessed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bursar.client.answers import Json
from bursar.client.errors import BursarError, FieldProblem, OutcomeUnknown, Problem, Unavailable, refused
from bursar.client.intents import Intent

PAUSE_ASKED_LONGEST_SECONDS = 30.0
"""A server that asks to be left alone for longer is not waited for: the program that asked has its own plans."""

_SENT_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TURNED_AWAY = frozenset({425, 429})
_NOTHING_DONE = frozenset({"unavailable", "too_busy"})
"""What Bursar says when it has done nothing. Whatever else comes with such a status may have come from in between."""

_MAY_FOLLOW_SUCCESS = frozenset({401, 403})
"""Refusals that can follow upon a success: the key was disabled after an earlier sending had been answered."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often something is sent at most, and the pauses in between, which double and are shortened by chance so that
    many clients do not come back at one moment."""

    attempts_max: int = 5
    pause_first_seconds: float = 0.25
    pause_longest_seconds: float = 8.0

    def __post_init__(self) -> None:
        if self.attempts_max < 1:
            raise ValueError("something is sent at least once")
        if not 0 <= self.pause_first_seconds <= self.pause_longest_seconds:
            raise ValueError("the first pause is the shortest, and none is below 0")


@dataclass(frozen=True, slots=True)
class Answered:
    """What Bursar answered, and whether it had answered the same intent before."""

    body: Json
    is_repeat: bool


class Attempts:
    """The sendings of one intent. After each, `lost` or `answered` tells how long to wait before the next one."""

    def __init__(self, retries: Retries, intent: Intent) -> None:
        self._retries = retries
        self._intent = intent
        self._sent = 0
        self._may_be_done = False

    def lost(self, cause: Exception, *, may_have_arrived: bool) -> float:
        """The seconds to wait after a connection that failed. Raises `Unavailable` or `OutcomeUnknown` after the last.

        `may_have_arrived` unless nothing of it was sent.
        """
        self._sent += 1
        self._may_be_done |= may_have_arrived and self._intent.is_write
        if self._sent >= self._retries.attempts_max:
            raise self._given_up(f"Bursar could not be reached: {str(cause) or type(cause).__name__}.") from cause
        return self._pause()

    def answered(self, status: int, headers: Mapping[str, str], content: bytes) -> Answered | float:
        """The answer; or, where it failed for the moment, the seconds to wait. Raises `Refused` for what Bursar
        refused, and `Unavailable` or `OutcomeUnknown` after the last sending.
        """
        self._sent += 1
        body = _object(content)
        if 200 <= status < 300 and body is not None:
            return Answered(body, headers.get("idempotent-replayed") == "true")
        problem = None if body is None else _problem(status, body)
        if status in _SENT_AGAIN:
            is_undone = status in _TURNED_AWAY or (problem is not None and problem.code in _NOTHING_DONE)
            self._may_be_done |= self._intent.is_write and not is_undone
            return self._after_trouble(status, headers, problem)
        if problem is None:
            # No Bursar speaks like this: a proxy, a sign-in page, another program at this address.
            self._may_be_done |= self._intent.is_write and status < 300
            raise self._given_up(f"The answer, with status {status}, is not one of a Bursar.")
        if self._may_be_done and status in _MAY_FOLLOW_SUCCESS:
            raise self._given_up(problem.detail) from refused(problem)
        raise refused(problem)

    def _after_trouble(self, status: int, headers: Mapping[str, str], problem: Problem | None) -> float:
        sentence = f"Bursar answered with status {status}." if problem is None else problem.detail
        asked = _seconds(headers.get("retry-after"))
        if self._sent >= self._retries.attempts_max or (asked or 0) > PAUSE_ASKED_LONGEST_SECONDS:
            raise self._given_up(sentence)
        return max(asked or 0, self._pause())

    def _pause(self) -> float:
        doubled = self._retries.pause_first_seconds * 2 ** min(self._sent - 1, 30)
        longest = min(doubled, self._retries.pause_longest_seconds)
        return random.uniform(longest / 2, longest)  # noqa: S311  a pause is no secret

    def _given_up(self, sentence: str) -> BursarError:
        key = self._intent.idempotency_key
        if self._may_be_done and key is not None:
            return OutcomeUnknown(f"{sentence} Whether it was done is not known.", idempotency_key=key)
        return Unavailable(sentence)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _problem(status: int, body: Mapping[str, Any]) -> Problem | None:
    """What Bursar said, if this is how it says no (RFC 9457)."""
    code, detail = body.get("code"), body.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        return None
    return Problem(
        status=status,
        code=code,
        detail=detail,
        request_id=body.get("request_id"),
        fields=tuple(
            FieldProblem(str(field.get("field")), str(field.get("code")), str(field.get("detail")))
            for field in body.get("fields") or ()
        ),
        facts=body.get("facts") or {},
        hint=body.get("hint"),
        may_retry=bool(body.get("may_retry")),
    )


def _seconds(text: str | None) -> float | None:
    """What a `Retry-After` header asks for, if it does so in seconds, which is how Bursar asks."""
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None
