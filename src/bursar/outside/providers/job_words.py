"""What providers say of jobs, in each one's own words: how far one is, and what its results used.

Unknown words count as the job still going on: it is asked after again.

Rule: TASK-3, TASK-5
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import msgspec

from bursar.domain.costs import Usage
from bursar.domain.provider_jobs import NO_PROGRESS, JobKind, JobNews, JobState, Progress
from bursar.outside.providers.port import ProviderBroke
from bursar.outside.providers.usages import (
    ChatUsage,
    MessagesUsage,
    Reported,
    ResponsesUsage,
    of_chat,
    of_messages,
    of_responses,
)

LINE_BYTES_MAX = 64 * 1024 * 1024
"""The longest result that is read: thousands of embeddings in one."""
BYTES_PER_TOKEN = 4
FAULT_LENGTH_MAX = 500


class _Error(msgspec.Struct):
    message: str | None = None
    code: str | None = None


class _Video(msgspec.Struct):
    status: str | None = None
    progress: int | float | None = None
    seconds: str | int | float | None = None
    error: _Error | None = None


class _Counts(msgspec.Struct):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Errors(msgspec.Struct):
    data: list[_Error] | None = None


class _Batch(msgspec.Struct):
    status: str | None = None
    request_counts: _Counts | None = None
    errors: _Errors | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None


class _MessageCounts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _MessageBatch(msgspec.Struct):
    processing_status: str | None = None
    request_counts: _MessageCounts | None = None


class _Named(msgspec.Struct):
    id: str


_video = msgspec.json.Decoder(_Video)
_batch = msgspec.json.Decoder(_Batch)
_message_batch = msgspec.json.Decoder(_MessageBatch)
_named = msgspec.json.Decoder(_Named)


_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.-]{0,199}", re.ASCII)


def id_in(body: bytes) -> str | None:
    """The provider's own id of what it tells of; None for what tells of nothing, or of something that cannot stand in
    an address.
    """
    try:
        identity = _named.decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return identity if _ID.fullmatch(identity) else None


def news_in(kind: JobKind, body: bytes) -> JobNews | None:
    """What this says of a job; None for what cannot be read.

    Rule: TASK-3
    """
    try:
        return _READERS[kind](body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The provider's ids of the files that a batch left behind."""

    output: str | None
    errors: str | None


def files_in(body: bytes) -> ResultFiles:
    """The files of a batch, as far as it has any yet."""
    batch = _batch.decode(body)
    return ResultFiles(_checked(batch.output_file_id), _checked(batch.error_file_id))


def _checked(identity: str | None) -> str | None:
    return identity if identity and _ID.fullmatch(identity) else None


_VIDEO_STATES = {"queued": JobState.QUEUED, "completed": JobState.SUCCEEDED, "failed": JobState.FAILED}


def _of_video(body: bytes) -> JobNews:
    said = _video.decode(body)
    state = _VIDEO_STATES.get(said.status or "", JobState.RUNNING)
    percent = None if said.progress is None else min(max(int(said.progress), 0), 100)
    fault = None
    if state is JobState.FAILED:
        fault = _told(said.error) or "The provider could not make this video, and did not say why."
    return JobNews(state, Progress(percent=percent), fault, state is JobState.SUCCEEDED, _milliseconds(said.seconds))


def _milliseconds(seconds: str | int | float | None) -> int | None:
    try:
        return None if seconds is None else max(round(float(seconds) * 1000), 0)
    except (ValueError, OverflowError):
        return None


_BATCH_STATES = {
    "validating": JobState.QUEUED,
    "completed": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "expired": JobState.EXPIRED,
    "cancelled": JobState.CANCELLED,
}


def _of_batch(body: bytes) -> JobNews:
    said = _batch.decode(body)
    state = _BATCH_STATES.get(said.status or "", JobState.RUNNING)
    counts = said.request_counts
    progress = NO_PROGRESS
    if counts is not None and counts.total > 0:
        progress = _progress(counts.completed + counts.failed, counts.total)
    fault = None
    if state is JobState.FAILED:
        listed = [] if said.errors is None else said.errors.data or []
        fault = next((text for text in map(_told, listed) if text), None) or "The provider refused this batch."
    elif state is JobState.EXPIRED:
        fault = "The provider did not finish in its own time; what it had done by then is charged."
    elif state is JobState.SUCCEEDED and counts is not None and counts.failed and not counts.completed:
        state, fault = JobState.FAILED, f"All {counts.failed} requests failed."
    return JobNews(state, progress, fault, has_results=_checked(said.output_file_id) is not None)


def _of_message_batch(body: bytes) -> JobNews:
    said = _message_batch.decode(body)
    counts = said.request_counts or _MessageCounts()
    done = counts.succeeded + counts.errored + counts.canceled + counts.expired
    progress = _progress(done, done + counts.processing) if done + counts.processing else NO_PROGRESS
    if said.processing_status != "ended":
        return JobNews(JobState.RUNNING, progress)
    state, fault = JobState.SUCCEEDED, None
    if counts.canceled:
        state = JobState.CANCELLED
    elif counts.expired:
        state, fault = JobState.EXPIRED, f"{counts.expired} requests were not answered in the provider's own time."
    elif counts.errored and not counts.succeeded:
        state, fault = JobState.FAILED, f"All {counts.errored} requests failed."
    return JobNews(state, progress, fault, has_results=counts.succeeded > 0)


_READERS: Mapping[JobKind, Callable[[bytes], JobNews]] = {
    JobKind.VIDEO: _of_video,
    JobKind.BATCH: _of_batch,
    JobKind.MESSAGE_BATCH: _of_message_batch,
}


def _progress(done: int, total: int) -> Progress:
    return Progress(done, total, 100 * done // total)


def _told(error: _Error | None) -> str | None:
    text = None if error is None else error.message or error.code
    return None if text is None else text[:FAULT_LENGTH_MAX]


NOTHING = Usage(calls=0)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one call of a batch: answered, and what it used; without a usage that is an estimate."""

    is_answered: bool
    usage: Usage = NOTHING
    is_estimated: bool = False


class _Body(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()


class _Response(msgspec.Struct):
    status_code: int = 0
    body: _Body | None = None


class _BatchLine(msgspec.Struct):
    response: _Response | None = None


class _Message(msgspec.Struct):
    usage: MessagesUsage | None = None


class _MessageResult(msgspec.Struct):
    type: str | None = None
    message: _Message | None = None


class _MessageLine(msgspec.Struct):
    result: _MessageResult | None = None


_batch_line = msgspec.json.Decoder(_BatchLine)
_message_line = msgspec.json.Decoder(_MessageLine)
_chat_usage = msgspec.json.Decoder(ChatUsage)
_responses_usage = msgspec.json.Decoder(ResponsesUsage)

_FAILED = Result(is_answered=False)


def result_in(kind: JobKind, line: bytes) -> Result:
    """What became of the call that this line of results tells of. One that cannot be read failed.

    Rule: TASK-5
    """
    try:
        return _result_of_message(line) if kind is JobKind.MESSAGE_BATCH else _result_of_batch(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _FAILED


def _result_of_batch(line: bytes) -> Result:
    response = _batch_line.decode(line).response
    if response is None or not 200 <= response.status_code < 300 or response.body is None:
        return _FAILED
    words = bytes(response.body.usage)
    if words in (b"", b"null"):
        return _estimated(line)
    # Chat completions and embeddings count prompts, responses count inputs.
    if b'"prompt_tokens"' in words:
        return _answered(of_chat(_chat_usage.decode(words)))
    return _answered(of_responses(_responses_usage.decode(words)))


def _result_of_message(line: bytes) -> Result:
    result = _message_line.decode(line).result
    if result is None or result.type != "succeeded":
        return _FAILED
    usage = None if result.message is None else result.message.usage
    return _estimated(line) if usage is None else _answered(of_messages(usage))


def _answered(reported: Reported) -> Result:
    return Result(is_answered=True, usage=reported.usage)


def _estimated(line: bytes) -> Result:
    """An answer whose provider does not say what it used: what is there is counted."""
    return Result(is_answered=True, usage=Usage(output_tokens=-(-len(line) // BYTES_PER_TOKEN)), is_estimated=True)


async def lines_of(pieces: AsyncIterator[bytes], *, length_max: int = LINE_BYTES_MAX) -> AsyncIterator[bytes]:
    """The lines of a body as it comes, without empty ones; never more than one of them in memory. Raises
    `ProviderBroke` for one that is longer than anything that is expected.
    """
    kept: list[bytes] = []
    kept_bytes = 0
    async for piece in pieces:
        first, *others = piece.split(b"\n")
        kept.append(first)
        kept_bytes += len(first)
        if kept_bytes > length_max:
            raise ProviderBroke("a line of the results is longer than anything that is expected")
        if not others:
            continue
        for line in (b"".join(kept), *others[:-1]):
            if line.strip():
                yield line
        kept, kept_bytes = [others[-1]], len(others[-1])
    line = b"".join(kept)
    if line.strip():
        yield line
