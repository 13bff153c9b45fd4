"""Counting attempts at a password in the database, so that all processes count together.

An attempt is counted before the password is looked at, and taken off again if it was right: guesses that arrive at one
moment cannot all slip through before the first of them has failed.

Rule: SESSION-4
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bursar.actions.desk import Desk
from bursar.db.transaction import platform_writing, retrying
from bursar.domain.attempts import THROTTLES, Count, CountedBy, wait_left, with_one_more
from bursar.domain.refusals import Refusal
from bursar.outside.secrets import keyed_hash
from bursar.store.sign_in_attempts import lock_attempt_counts, update_attempt_counts


@dataclass(frozen=True)
class Attempt:
    """One attempt, as it was counted: when, by what, and what each count was before."""

    made_at: datetime
    buckets: Mapping[bytes, CountedBy]
    before: Mapping[bytes, Count]


async def checked(desk: Desk, counted: Mapping[CountedBy, str], *, stored: str | None, password: str) -> bool:
    """Whether the password is the stored one, counted as an attempt by all that is given; a right one is taken off.

    Exactly one password is checked, whether or not there is one. Refuses `too_many_attempts` before, and `too_busy`.

    Rule: SESSION-2, SESSION-4
    """
    attempt = await count_attempt(desk, counted)
    try:
        is_right = await desk.passwords.matches(stored, password)
    except Refusal:  # nothing was looked at
        await take_off(desk, attempt, is_right=False)
        raise
    if is_right:
        await take_off(desk, attempt, is_right=True)
    return is_right


async def count_attempt(desk: Desk, counted: Mapping[CountedBy, str]) -> Attempt:
    """Counts an attempt. Refuses `too_many_attempts` while any of the counts has to wait, and then counts nothing.

    Rule: SESSION-4, SESSION-5
    """
    now = desk.clock.now()
    key = desk.secret_for("sign-in attempts")
    buckets = {keyed_hash(key, f"{by}\0{what}"): by for by, what in counted.items()}

    async def attempt() -> Mapping[bytes, Count]:
        async with platform_writing(desk.platform) as transaction:
            before = await lock_attempt_counts(transaction, list(buckets), now=now)
            _check_waits(buckets, before, now)
            counts = {bucket: with_one_more(THROTTLES[by], before[bucket], now) for bucket, by in buckets.items()}
            await update_attempt_counts(transaction, counts)
            return before

    return Attempt(now, buckets, await retrying(attempt))


async def take_off(desk: Desk, attempt: Attempt, *, is_right: bool) -> None:
    """Undoes one attempt's count. What only the person could have used up is forgotten if the password was right."""

    async def undo() -> None:
        async with platform_writing(desk.platform) as transaction:
            counts = await lock_attempt_counts(transaction, list(attempt.buckets), now=attempt.made_at)
            await update_attempt_counts(
                transaction,
                {
                    bucket: _without(attempt, bucket, count, is_cleared=is_right and THROTTLES[by].is_cleared)
                    for bucket, by in attempt.buckets.items()
                    for count in (counts[bucket],)
                },
            )

    await retrying(undo)


def _check_waits(buckets: Mapping[bytes, CountedBy], counts: Mapping[bytes, Count], now: datetime) -> None:
    wait = max(wait_left(THROTTLES[by], counts[bucket], now) for bucket, by in buckets.items())
    if wait:
        seconds = math.ceil(wait.total_seconds())
        raise Refusal(
            "too_many_attempts",
            f"Too many attempts failed. Wait {_said(seconds)}, then try again.",
            retry_after_seconds=str(seconds),
        )


def _without(attempt: Attempt, bucket: bytes, count: Count, *, is_cleared: bool) -> Count:
    """The count without this attempt; its time is put back unless another attempt has come after it."""
    if is_cleared:
        return Count(0, count.first_failed_at, count.last_failed_at)
    was_last = count.last_failed_at == attempt.made_at
    last_failed_at = attempt.before[bucket].last_failed_at if was_last else count.last_failed_at
    return Count(max(count.failures - 1, 0), count.first_failed_at, last_failed_at)


def _said(seconds: int) -> str:
    """A wait as people say it."""
    if seconds < 60:
        return "a second" if seconds == 1 else f"{seconds} seconds"
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
