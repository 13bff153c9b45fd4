"""The provider without a model: always alike, honest in its counts, and in the shapes that are read of real ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from bursar.outside.providers import ProviderCall
from bursar.outside.providers.simulated import SimulatedProvider, tokens_of
from bursar.outside.providers.streams import ChatStream, MessagesStream, ResponsesStream, Stream
from bursar.outside.providers.usages import ChatUsage, MessagesUsage, ResponsesUsage, of_chat, of_messages, of_responses

QUESTION = [{"role": "user", "content": "How far is it?"}]
TEXT = "This is a simulated answer to: How far is it?"


async def answered(path: str, **asked: Any) -> tuple[int, bytes]:
    call = ProviderCall(path, json.dumps({"model": "any", **asked}).encode())
    async with SimulatedProvider().asked(call) as answer:
        return answer.status, b"".join([piece async for piece in answer.pieces()])


@pytest.mark.parametrize(
    ("path", "asked", "kind", "read", "stream"),
    [
        ("/chat/completions", {"messages": QUESTION}, ChatUsage, of_chat, ChatStream(hides_usage=False)),
        ("/responses", {"input": "How far is it?"}, ResponsesUsage, of_responses, ResponsesStream()),
        ("/messages", {"messages": QUESTION, "max_tokens": 500}, MessagesUsage, of_messages, MessagesStream()),
    ],
)
async def test_a_stream_says_the_same_and_counts_the_same_as_the_whole_answer(
    path: str, asked: dict[str, Any], kind: Any, read: Any, stream: Stream
) -> None:
    status, whole = await answered(path, **asked)
    _, streamed = await answered(path, **asked, stream=True, stream_options={"include_usage": True})
    stream.feed(streamed)

    reported = read(msgspec.convert(json.loads(whole)["usage"], kind))
    assert status == 200
    assert TEXT in whole.decode()
    assert reported.usage.input_tokens == tokens_of("How far is it?") == 4
    assert reported.usage.output_tokens == tokens_of(TEXT) == 12
    assert stream.usage == reported
    assert stream.is_whole


async def test_the_same_question_has_the_same_answer_to_the_last_byte() -> None:
    assert await answered("/chat/completions", messages=QUESTION) == await answered(
        "/chat/completions", messages=QUESTION
    )


async def test_an_answer_ends_at_its_limit_and_says_so() -> None:
    _, body = await answered("/chat/completions", messages=QUESTION, max_tokens=5)

    answer = json.loads(body)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert 0 < answer["usage"]["completion_tokens"] <= 5


async def test_embeddings_and_token_counts_are_counted_alike() -> None:
    _, embedded = await answered("/embeddings", input=["How far is it?", "a"])
    _, counted = await answered("/messages/count_tokens", messages=QUESTION)

    assert json.loads(embedded)["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    assert len(json.loads(embedded)["data"]) == 2
    assert json.loads(counted) == {"input_tokens": 4}


async def test_what_is_not_simulated_is_not_there() -> None:
    status, body = await answered("/images/generations")

    assert (status, json.loads(body)["error"]["message"]) == (404, "Nothing is simulated at /images/generations.")
