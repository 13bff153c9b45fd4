"""Batches of calls through the gateway, by the clients of OpenAI and of Anthropic."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anthropic
import openai
import pytest
from anthropic.types.messages.batch_create_params import Request
from openai.types import Batch

from bursar.domain.prices import Service
from tests.support.keys import model_client
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice
from tests.support.tasks import (
    another_members_key,
    anthropic_of,
    chat_lines,
    check_books,
    jsonl,
    later,
    openai_of,
    tasks,
)

QUESTIONS = ("Say hello.", "Say it again, please.", "What is the answer?", "And why?")


async def ordered(acme: Studio, lines: bytes | None = None) -> Batch:
    """A batch of these calls, or of four questions."""
    client = openai_of(acme)
    file = await client.files.create(file=("calls.jsonl", lines or chat_lines(*QUESTIONS)), purpose="batch")
    assert file.filename == "calls.jsonl"
    return await client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"for": "a test"}
    )


def requests(*questions: str, model: str = "simulated-small", max_tokens: int = 100) -> Sequence[Request]:
    return [
        Request(
            custom_id=f"q{number}",
            params={"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": question}]},
        )
        for number, question in enumerate(questions)
    ]


def used_in(results: str) -> int:
    """All tokens that the lines of a batch's results say were used."""
    usages = [json.loads(line)["response"]["body"]["usage"] for line in results.splitlines()]
    return sum(usage["total_tokens"] for usage in usages)


@pytest.mark.rule("TASK-1", "TASK-2", "TASK-4", "TASK-5")
async def test_a_batch_of_calls_is_charged_what_all_of_them_used_together(house: TestOffice) -> None:
    acme = await studio(house)
    client = openai_of(acme)

    batch = await ordered(acme)

    assert (batch.status, batch.endpoint, batch.metadata) == ("validating", "/v1/chat/completions", {"for": "a test"})
    (held,) = await acme.holds()
    assert held == ("open", None)
    await later(house)
    assert (await client.batches.retrieve(batch.id)).status == "in_progress"
    await later(house)
    done = await client.batches.retrieve(batch.id)
    assert done.status == "completed"
    assert (done.input_file_id, done.error_file_id) == (batch.input_file_id, None)
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed) == (4, 4)
    assert done.output_file_id is not None
    results = (await client.files.content(done.output_file_id)).text
    assert [json.loads(line)["custom_id"] for line in results.splitlines()] == ["q0", "q1", "q2", "q3"]
    # A dollar for a thousand tokens, a hundred credits for a dollar: a tenth of a credit for each.
    (row,) = await acme.rows()
    assert row["credits_micro"] == used_in(results) * 100_000
    assert (row["endpoint"], row["service"], row["outcome"]) == ("batches", Service.BATCH, "delivered")
    assert json.loads(row["used"])["calls"] == 4
    assert await acme.holds() == [("settled", row["credits_micro"])]
    await check_books(acme)


@pytest.mark.rule("TASK-2")
@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (chat_lines("One") + chat_lines("Two", model="simulated-large"), "for one model, here simulated-small"),
        (b'{"url": "/v1/chat/completions"}\n', "Line 1 cannot be read"),
        (b"\n\nnonsense", "Line 3 cannot be read"),
        (jsonl([{"url": "/v1/images/generations", "body": {"model": "simulated"}}]), "The url of line 1 is one of"),
        (chat_lines("One", n=0), "n must be from 1 to 128"),
        (b"\n", "at least one call"),
    ],
)
async def test_a_file_that_is_no_batch_is_refused_with_its_line(house: TestOffice, lines: bytes, sentence: str) -> None:
    acme = await studio(house)

    with pytest.raises(openai.BadRequestError) as caught:
        await openai_of(acme).files.create(file=("calls.jsonl", lines), purpose="batch")

    assert sentence in caught.value.message


@pytest.mark.rule("TASK-2")
async def test_only_files_for_batches_are_taken_and_a_batch_is_of_its_files_endpoint(house: TestOffice) -> None:
    acme = await studio(house)
    client = openai_of(acme)
    with pytest.raises(openai.BadRequestError) as caught:
        await client.files.create(file=("notes.txt", b"notes"), purpose="assistants")
    assert caught.value.param == "purpose"
    file = await client.files.create(file=("calls.jsonl", chat_lines("One")), purpose="batch")

    with pytest.raises(openai.BadRequestError) as caught:
        await client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")

    assert caught.value.param == "endpoint"
    assert await acme.holds() == []


@pytest.mark.rule("TASK-2")
async def test_a_batch_that_cannot_be_paid_for_is_not_sent(house: TestOffice) -> None:
    acme = await studio(house, given="1")

    with pytest.raises(openai.APIStatusError) as caught:
        await ordered(acme, chat_lines(*QUESTIONS, max_tokens=1000))

    assert (caught.value.status_code, caught.value.code) == (402, "insufficient_quota")
    assert await tasks(acme) == []


@pytest.mark.rule("TASK-4", "TASK-7")
async def test_a_batch_that_is_stopped_is_charged_for_what_it_had_done(house: TestOffice) -> None:
    acme = await studio(house)
    client = openai_of(acme)
    batch = await ordered(acme)

    stopping = await client.batches.cancel(batch.id)
    again = await client.batches.cancel(batch.id)

    assert stopping.status in ("cancelling", "cancelled")
    assert again.status == "cancelled"
    stopped = await client.batches.retrieve(batch.id)
    assert stopped.output_file_id is not None
    results = (await client.files.content(stopped.output_file_id)).text
    assert len(results.splitlines()) == 2
    (row,) = await acme.rows()
    assert (row["outcome"], row["credits_micro"]) == ("cancelled", used_in(results) * 100_000)
    (task,) = await tasks(acme)
    assert (task["state"], task["can_be_cancelled"]) == ("cancelled", False)
    await check_books(acme)


@pytest.mark.rule("TASK-4")
async def test_a_batch_that_fails_costs_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    batch = await ordered(acme, chat_lines("One", model="simulated-fails"))

    await later(house)
    await later(house)

    failed = await openai_of(acme).batches.retrieve(batch.id)
    assert failed.status == "failed"
    assert await acme.holds() == [("voided", 0)]
    (task,) = await tasks(acme)
    assert (task["state"], task["fault"], task["credits"]) == ("failed", "This batch was made to fail.", "0.00")


@pytest.mark.rule("TASK-8")
async def test_anothers_files_and_batches_are_unknown(house: TestOffice) -> None:
    acme = await studio(house)
    batch = await ordered(acme)
    other = openai_of(acme, await another_members_key(acme))

    for asked, code in (
        (other.files.retrieve(batch.input_file_id), "file_unknown"),
        (other.files.content(batch.input_file_id), "file_unknown"),
        (other.batches.retrieve(batch.id), "task_unknown"),
        (other.batches.cancel(batch.id), "task_unknown"),
        (
            other.batches.create(
                input_file_id=batch.input_file_id, endpoint="/v1/chat/completions", completion_window="24h"
            ),
            "file_unknown",
        ),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            await asked
        assert caught.value.code == code
    assert [one.id async for one in other.batches.list()] == []
    assert [one.id async for one in openai_of(acme).batches.list()] == [batch.id]


@pytest.mark.rule("TASK-2")
async def test_a_files_calls_are_sent_under_the_providers_own_name_of_their_model(house: TestOffice) -> None:
    acme = await studio(house)
    client = openai_of(acme)
    named = "simulated/simulated-small"

    file = await client.files.create(file=("calls.jsonl", chat_lines("One", model=named)), purpose="batch")

    sent = json.loads((await client.files.content(file.id)).text)
    assert sent["body"]["model"] == "simulated-small"
    assert sent["custom_id"] == "q0"
    assert (await client.files.retrieve(file.id)).id == file.id


@pytest.mark.rule("TASK-1", "TASK-2", "TASK-4", "TASK-5")
async def test_a_batch_of_messages_is_charged_what_all_of_them_used_together(house: TestOffice) -> None:
    acme = await studio(house)
    client = anthropic_of(acme)

    batch = await client.messages.batches.create(requests=requests(*QUESTIONS))

    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 4)
    await later(house)
    await later(house)
    ended = await client.messages.batches.retrieve(batch.id)
    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 4)
    results = [one async for one in await client.messages.batches.results(batch.id)]
    assert [one.custom_id for one in results] == ["q0", "q1", "q2", "q3"]
    used = 0
    for one in results:
        assert one.result.type == "succeeded"
        used += one.result.message.usage.input_tokens + one.result.message.usage.output_tokens
    (row,) = await acme.rows()
    assert (row["endpoint"], row["credits_micro"]) == ("messages.batches", used * 100_000)
    assert [one.id async for one in client.messages.batches.list()] == [batch.id]
    await check_books(acme)


@pytest.mark.rule("TASK-7")
async def test_a_batch_of_messages_that_is_stopped_is_charged_for_those_that_were_answered(house: TestOffice) -> None:
    acme = await studio(house)
    client = anthropic_of(acme)
    batch = await client.messages.batches.create(requests=requests(*QUESTIONS))

    await client.messages.batches.cancel(batch.id)
    await later(house)

    ended = await client.messages.batches.retrieve(batch.id)
    assert (ended.request_counts.succeeded, ended.request_counts.canceled) == (2, 2)
    (row,) = await acme.rows()
    assert row["outcome"] == "cancelled"
    assert json.loads(row["used"])["calls"] == 2


@pytest.mark.rule("TASK-2", "TASK-8")
async def test_what_is_refused_of_a_batch_of_messages_is_told_in_its_own_dialect(house: TestOffice) -> None:
    acme = await studio(house)
    client = anthropic_of(acme)
    batch = await client.messages.batches.create(requests=requests("One"))
    mixed = [*requests("One"), *requests("Two", model="simulated-large")]

    with pytest.raises(anthropic.BadRequestError) as caught:
        await client.messages.batches.create(requests=mixed)
    assert "for one model" in caught.value.message
    results = await model_client(house, acme.key).get(f"/v1/messages/batches/{batch.id}/results")
    assert (results.status_code, results.json()["type"]) == (409, "error")
    other = anthropic_of(acme, await another_members_key(acme))
    with pytest.raises(anthropic.NotFoundError):
        await other.messages.batches.retrieve(batch.id)


@pytest.mark.rule("TASK-9")
async def test_a_long_list_of_batches_is_turned_page_by_page_in_both_directions(house: TestOffice) -> None:
    acme = await studio(house)
    client = anthropic_of(acme)
    ids = [(await client.messages.batches.create(requests=requests("One"))).id for _ in range(3)][::-1]

    first = await client.messages.batches.list(limit=2)
    second = await client.messages.batches.list(limit=2, after_id=ids[1])
    back = await client.messages.batches.list(limit=2, before_id=ids[2])

    assert ([one.id for one in first.data], first.has_more) == (ids[:2], True)
    assert ([one.id for one in second.data], second.has_more) == (ids[2:], False)
    assert [one.id for one in back.data] == ids[:2]
