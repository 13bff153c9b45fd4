"""Jobs that a provider works on after it has answered: what states they go through, when they are asked after, and what
becomes of them in the end.

    queued -> running -> succeeded | failed | cancelled | expired

A job ends once; whatever is said of it later changes nothing. What it cost is another module's business
(`batch_sizes`, `costs`), and so are the words in which providers speak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bursar.domain.calls import CallOutcome
from bursar.domain.dialects import Dialect
from bursar.domain.prices import Service

HOLD_SECONDS = 24 * 3600
"""How long a job's hold lives unless it is extended: longer than an outage of the worker that nobody notices."""
LIFE = timedelta(days=7)
"""How long a job is asked after. Providers promise a day; what has not ended after a week does not end any more."""
SUBMITTING_MAX = timedelta(minutes=15)
"""How long a provider's answer to a submission may be under way: longer than any time-out. A job of which the provider
never said an id by then was not taken, or by nobody who is still there to say so."""
UNKNOWN_FOR = timedelta(minutes=10)
"""A provider that does not know a job so soon after taking it may only not have told its other machines yet."""

PAUSE_MIN = timedelta(seconds=5)
PAUSE_MAX = timedelta(minutes=10)
PAUSE_PER_AGE = 10
"""Asked again after a tenth of how long it has been there: then nobody learns of an end more than a tenth late."""
SILENT_AFTER = timedelta(hours=1)
"""From then on a job whose provider does not answer is marked, since people can do something about it."""


class JobKind(StrEnum):
    """What a provider can be asked to do that takes longer than an answer."""

    VIDEO = "video"
    BATCH = "batch"
    MESSAGE_BATCH = "message_batch"


class JobState(StrEnum):
    """Where a job is. The last four are its end."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_ended(self) -> bool:
        """Whether nothing can happen any more."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobTerms:
    """One row of the table of kinds: where it is asked for, in whose words, as what service it is priced, and whether
    it can be stopped.
    """

    sentence: str
    endpoint: str
    path: str
    dialect: Dialect
    service: Service
    can_be_cancelled: bool


KINDS: Mapping[JobKind, JobTerms] = {
    JobKind.VIDEO: JobTerms(
        "A video is made.", "videos", "/videos", Dialect.OPENAI, Service.STANDARD, can_be_cancelled=False
    ),
    JobKind.BATCH: JobTerms(
        "The calls of a file are made.", "batches", "/batches", Dialect.OPENAI, Service.BATCH, can_be_cancelled=True
    ),
    JobKind.MESSAGE_BATCH: JobTerms(
        "Many messages are answered.",
        "messages.batches",
        "/messages/batches",
        Dialect.ANTHROPIC,
        Service.BATCH,
        can_be_cancelled=True,
    ),
}
"""THE TABLE of kinds of jobs.

Rule: TASK-1
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: so many of so many, and in hundredths; None where its provider does not say."""

    done: int | None = None
    total: int | None = None
    percent: int | None = None


NO_PROGRESS = Progress()


@dataclass(frozen=True, slots=True)
class JobNews:
    """What a provider says of a job, in our words. `milliseconds` is how long a video became; `has_results` that there
    is something to be read, and paid for.
    """

    state: JobState
    progress: Progress = NO_PROGRESS
    fault: str | None = None
    has_results: bool = False
    milliseconds: int | None = None


def moved(before: JobState, said: JobState) -> JobState:
    """Where a job is after this was said of it: it never goes back, and an end is an end.

    Rule: TASK-3
    """
    if before.is_ended or (before is JobState.RUNNING and said is JobState.QUEUED):
        return before
    return said


def pause_after(age: timedelta) -> timedelta:
    """How long to wait before a job of this age is asked after again.

    Rule: TASK-3
    """
    return min(max(age // PAUSE_PER_AGE, PAUSE_MIN), PAUSE_MAX)


def is_given_up(created_at: datetime, now: datetime) -> bool:
    """Whether a job has not ended for so long that nobody waits for it any more.

    Rule: TASK-6
    """
    return now - created_at >= LIFE


def is_silent(answered_at: datetime, now: datetime) -> bool:
    """Whether nothing was heard of a job for so long that people should know.

    Rule: TASK-6
    """
    return now - answered_at >= SILENT_AFTER


def needs_extension(hold_until: datetime, now: datetime) -> bool:
    """Whether half of the time of a job's hold is over, so that it is moved out again.

    Rule: TASK-4
    """
    return hold_until - now < timedelta(seconds=HOLD_SECONDS // 2)


def outcome_of(state: JobState, *, is_charged: bool) -> CallOutcome:
    """How the call that a job was came out, in the words of the usage log.

    Rule: TASK-4
    """
    if not is_charged:
        return CallOutcome.FAILED
    return {
        JobState.SUCCEEDED: CallOutcome.DELIVERED,
        JobState.CANCELLED: CallOutcome.CANCELLED,
    }.get(state, CallOutcome.BROKEN)
