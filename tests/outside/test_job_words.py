"""What providers say of jobs, in each one's own words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.costs import Usage
from bursar.domain.provider_jobs import JobKind, JobState
from bursar.outside.providers import ProviderBroke
from bursar.outside.providers.job_words import files_in, id_in, lines_of, news_in, result_in

VIDEO, BATCH, MESSAGES = JobKind.VIDEO, JobKind.BATCH, JobKind.MESSAGE_BATCH


def encoded(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.rule("TASK-3")
@pytest.mark.parametrize(
    ("kind", "said", "state"),
    [
        (VIDEO, {"status": "queued"}, JobState.QUEUED),
        (VIDEO, {"status": "in_progress"}, JobState.RUNNING),
        (VIDEO, {"status": "completed"}, JobState.SUCCEEDED),
        (VIDEO, {"status": "failed"}, JobState.FAILED),
        (VIDEO, {"status": "something new"}, JobState.RUNNING),
        (BATCH, {"status": "validating"}, JobState.QUEUED),
        (BATCH, {"status": "finalizing"}, JobState.RUNNING),
        (BATCH, {"status": "cancelling"}, JobState.RUNNING),
        (BATCH, {"status": "completed"}, JobState.SUCCEEDED),
        (BATCH, {"status": "completed", "request_counts": {"total": 2, "failed": 2}}, JobState.FAILED),
        (BATCH, {"status": "expired"}, JobState.EXPIRED),
        (BATCH, {"status": "cancelled"}, JobState.CANCELLED),
        (MESSAGES, {"processing_status": "canceling"}, JobState.RUNNING),
        (
            MESSAGES,
            {"processing_status": "ended", "request_counts": {"succeeded": 1, "errored": 1}},
            JobState.SUCCEEDED,
        ),
        (MESSAGES, {"processing_status": "ended", "request_counts": {"errored": 1}}, JobState.FAILED),
        (MESSAGES, {"processing_status": "ended", "request_counts": {"succeeded": 1, "expired": 1}}, JobState.EXPIRED),
        (MESSAGES, {"processing_status": "ended", "request_counts": {"canceled": 1}}, JobState.CANCELLED),
    ],
)
def test_each_providers_words_are_read_as_one_state(kind: JobKind, said: dict[str, Any], state: JobState) -> None:
    news = news_in(kind, encoded(**said))

    assert news is not None
    assert news.state is state
    assert (news.fault is not None) == (state in (JobState.FAILED, JobState.EXPIRED))


@pytest.mark.rule("TASK-4")
@pytest.mark.parametrize(("said", "milliseconds"), [("8", 8_000), (4.5, 4_500), (None, None), ("long", None)])
def test_a_videos_length_is_what_its_provider_says(said: object, milliseconds: int | None) -> None:
    news = news_in(VIDEO, encoded(status="completed", seconds=said))

    assert news is not None
    assert news.milliseconds == milliseconds


@pytest.mark.parametrize("said", [b"", b"[]", b"<html>", b'"text"', b"\xff"])
def test_what_is_no_job_says_nothing(said: bytes) -> None:
    assert id_in(said) is None
    assert all(news_in(kind, said) is None for kind in JobKind)


@pytest.mark.parametrize("identity", ["../files", "a/b", "", "x" * 201, "a b"])
def test_an_id_that_could_lead_elsewhere_is_none(identity: str) -> None:
    assert id_in(encoded(id=identity)) is None
    assert files_in(encoded(output_file_id=identity)).output is None


@pytest.mark.rule("TASK-5")
@pytest.mark.parametrize(
    ("kind", "line", "usage"),
    [
        (
            BATCH,
            {"response": {"status_code": 200, "body": {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}}},
            Usage(input_tokens=7, output_tokens=3),
        ),
        (
            BATCH,
            {"response": {"status_code": 200, "body": {"usage": {"input_tokens": 7, "output_tokens": 3}}}},
            Usage(input_tokens=7, output_tokens=3),
        ),
        (
            MESSAGES,
            {
                "result": {
                    "type": "succeeded",
                    "message": {"usage": {"input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 3}},
                }
            },
            Usage(input_tokens=12, cached_read_tokens=5, output_tokens=3),
        ),
        (BATCH, {"response": {"status_code": 429, "body": {"usage": {"prompt_tokens": 7}}}}, None),
        (BATCH, {"response": None, "error": {"code": "batch_expired"}}, None),
        (MESSAGES, {"result": {"type": "errored"}}, None),
        (MESSAGES, {"result": {"type": "canceled"}}, None),
    ],
)
def test_what_a_line_of_results_used_is_counted_as_of_a_call(
    kind: JobKind, line: dict[str, Any], usage: Usage | None
) -> None:
    result = result_in(kind, encoded(**line))

    assert result.is_answered is (usage is not None)
    assert not result.is_estimated
    if usage is not None:
        assert result.usage == usage


@pytest.mark.rule("TASK-5")
def test_an_answer_that_does_not_say_what_it_used_is_counted_by_its_size() -> None:
    line = encoded(response={"status_code": 200, "body": {"choices": []}})

    result = result_in(BATCH, line)

    assert (result.is_answered, result.is_estimated) == (True, True)
    assert result.usage.output_tokens == -(-len(line) // 4)
    assert not result_in(BATCH, b"half a li").is_answered


@pytest.mark.rule("TASK-5")
@given(st.lists(st.binary(max_size=30)), st.integers(1, 7))
async def test_lines_are_the_same_however_they_come(lines: list[bytes], size: int) -> None:
    whole = b"\n".join(lines)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), size):
            yield whole[start : start + size]

    assert [line async for line in lines_of(pieces())] == [line for line in whole.split(b"\n") if line.strip()]


@pytest.mark.rule("TASK-5")
async def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100

    with pytest.raises(ProviderBroke):
        assert [line async for line in lines_of(pieces(), length_max=1_000)] == []
