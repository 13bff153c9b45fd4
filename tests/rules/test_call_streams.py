"""docs/rules/calls.md, example by example: what is read of streams, however they are cut into pieces."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.costs import Usage
from bursar.domain.prices import Service
from bursar.outside.providers.endpoints import ENDPOINTS
from bursar.outside.providers.streams import ChatStream, MessagesStream, ResponsesStream, Stream


def chat_event(content: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta}],
        "usage": None,
    } | more


USAGE_EVENT = chat_event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2}, service_tier="flex")

CHAT: list[dict[str, Any]] = [
    chat_event("Hel"),
    chat_event('lo {"usage":{"prompt_tokens":1}} data: x'),
    chat_event(finish="stop"),
    USAGE_EVENT,
]

RESPONSES: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"usage": None}},
    {"type": "response.output_text.delta", "delta": "Hello there"},
    {
        "type": "response.completed",
        "response": {"usage": {"input_tokens": 7, "output_tokens": 3}, "metadata": {"usage": "none"}},
    },
]

MESSAGES: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1}},
    },
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi you"}},
    {"type": "ping"},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}},
    {"type": "message_stop"},
]


def written(events: list[dict[str, Any]], *, newline: str = "\n", done: bool = False, named: bool = False) -> bytes:
    lines = []
    for event in events:
        name = f"event: {event['type']}{newline}" if named else ""
        lines.append(f"{name}data: {json.dumps(event)}{newline}{newline}")
    if done:
        lines.append(f"data: [DONE]{newline}{newline}")
    return "".join(lines).encode()


def passed(stream: Stream, whole: bytes, cuts: list[int]) -> bytes:
    """What a client gets of a stream that comes cut at these places."""
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    pieces = [whole[begin:end] for begin, end in pairwise(places)]
    return b"".join(stream.feed(piece) for piece in pieces) + stream.rest()


CUTS = st.lists(st.integers(0, 5_000), max_size=12)


@pytest.mark.rule("CALL-3")
@given(cuts=CUTS, newline=st.sampled_from(["\n", "\r\n"]))
def test_a_chat_is_passed_on_whole_to_who_asked_for_usage(cuts: list[int], newline: str) -> None:
    whole, stream = written(CHAT, newline=newline, done=True), ChatStream(hides_usage=False)

    assert passed(stream, whole, cuts) == whole

    assert stream.usage is not None
    assert stream.usage.usage == Usage(input_tokens=9, output_tokens=2)
    assert (stream.service, stream.is_whole, stream.fault) == ("flex", True, None)


@pytest.mark.rule("CALL-3")
@given(cuts=CUTS, newline=st.sampled_from(["\n", "\r\n"]))
def test_usage_that_was_not_asked_for_is_taken_out_and_nothing_else(cuts: list[int], newline: str) -> None:
    stream = ChatStream(hides_usage=True)

    got = passed(stream, written(CHAT, newline=newline, done=True), cuts)

    assert got == written(CHAT[:-1], newline=newline, done=True)
    assert stream.usage is not None
    assert stream.usage.usage.output_tokens == 2


@pytest.mark.rule("CALL-3")
@given(cuts=CUTS)
def test_a_response_says_what_it_used_in_its_last_event(cuts: list[int]) -> None:
    whole, stream = written(RESPONSES, named=True), ResponsesStream()

    assert passed(stream, whole, cuts) == whole

    assert stream.usage is not None
    assert stream.usage.usage == Usage(input_tokens=7, output_tokens=3)
    assert stream.is_whole


@pytest.mark.rule("CALL-3")
@given(cuts=CUTS)
def test_a_message_says_its_input_first_and_its_output_last(cuts: list[int]) -> None:
    whole, stream = written(MESSAGES, named=True), MessagesStream()

    assert passed(stream, whole, cuts) == whole

    assert stream.usage is not None
    assert stream.usage.usage == Usage(input_tokens=7, cached_read_tokens=2, output_tokens=12)
    assert stream.is_whole


@pytest.mark.rule("CALL-3")
@pytest.mark.parametrize(
    ("stream", "events", "tokens"),
    [
        (ChatStream(hides_usage=True), [chat_event("word " * 8), chat_event("."), chat_event()], 11),
        (ChatStream(hides_usage=False), [chat_event("a"), chat_event("b"), chat_event("c")], 3),
        (ResponsesStream(), RESPONSES[:2], 3),
        (MessagesStream(), MESSAGES[:2], 2),
    ],
)
def test_an_answer_that_breaks_off_is_counted_by_what_went_by(
    stream: Stream, events: list[dict[str, Any]], tokens: int
) -> None:
    passed(stream, written(events), [])

    assert not stream.is_whole
    assert stream.answered_tokens == tokens


@pytest.mark.rule("CALL-3")
@pytest.mark.parametrize(
    ("stream", "event"),
    [
        (ChatStream(hides_usage=True), {"error": {"message": "overloaded", "type": "server_error"}}),
        (ResponsesStream(), {"type": "error", "message": "overloaded"}),
        (ResponsesStream(), {"type": "response.failed", "response": {"error": {"message": "overloaded"}}}),
        (MessagesStream(), {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}}),
    ],
)
def test_an_error_in_a_stream_is_passed_on_and_told(stream: Stream, event: dict[str, Any]) -> None:
    whole = written([event])

    assert passed(stream, whole, [20]) == whole
    assert stream.fault == "overloaded"


@pytest.mark.rule("CALL-3")
def test_an_event_that_is_too_large_to_look_at_goes_by_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.outside.providers.streams.EVENT_BYTES_MAX", 200)
    whole = written([chat_event("x" * 1_000), *CHAT[:1]], done=True)

    stream = ChatStream(hides_usage=True)

    assert passed(stream, whole, list(range(0, len(whole), 50))) == whole
    assert stream.is_whole


@pytest.mark.rule("CALL-3")
@given(noise=st.binary(max_size=400), cuts=CUTS)
def test_whatever_goes_by_is_passed_on(noise: bytes, cuts: list[int]) -> None:
    for stream in (ChatStream(hides_usage=False), ChatStream(hides_usage=True), ResponsesStream(), MessagesStream()):
        assert passed(stream, noise, cuts) == noise


@pytest.mark.rule("CALL-3")
def test_a_large_event_that_comes_in_many_pieces_is_looked_at_once() -> None:
    text = "x" * 4_000_000
    document = {
        "type": "response.completed",
        "response": {"usage": {"input_tokens": 3, "output_tokens": 4}, "output": text},
    }
    sent = f"data: {json.dumps(document)}\r\n\r\n".encode()
    stream = ResponsesStream()
    began = time.process_time()
    for at in range(0, len(sent), 500):
        stream.feed(sent[at : at + 500])

    assert stream.usage is not None
    assert stream.usage.usage == Usage(input_tokens=3, output_tokens=4)
    # Copied anew with each piece, it would be sixteen gigabytes.
    assert time.process_time() - began < 1


@pytest.mark.rule("CALL-4")
def test_a_message_that_was_made_fast_has_the_price_of_that() -> None:
    usage = {"input_tokens": 9, "output_tokens": 2, "service_tier": "standard", "speed": "fast"}
    stream = MessagesStream()
    stream.feed(f"data: {json.dumps({'type': 'message_start', 'message': {'usage': usage}})}\n\n".encode())
    read = ENDPOINTS["/messages"].read(json.dumps({"usage": usage}).encode())

    assert (stream.service, read.service) == ("fast", Service.FAST)
