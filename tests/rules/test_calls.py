"""docs/rules/calls.md, example by example: what is read of a call, and how its size is judged."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.call_sizes import (
    NO_HABIT,
    CallSize,
    Habit,
    expected_usage,
    highest_usage,
    learned,
)
from bursar.domain.costs import Usage
from bursar.domain.prices import ModelTerms, Service
from bursar.domain.refusals import Refusal
from bursar.outside.providers.bodies import read_wanted, rewritten, with_usage_in_stream
from bursar.outside.providers.usages import (
    ChatUsage,
    MessagesUsage,
    ResponsesUsage,
    merged,
    of_chat,
    of_messages,
    of_responses,
    service_of,
)

CHAT_LIMITS = ("max_completion_tokens", "max_tokens")


def body_of(**fields: Any) -> bytes:
    return json.dumps({"model": "some-model", **fields}).encode()


@pytest.mark.rule("CALL-2")
def test_what_decides_about_the_cost_is_read() -> None:
    body = body_of(
        stream=True, stream_options={"include_usage": True}, max_tokens=50, n=3, messages=[{"content": "Hello"}]
    )

    wanted = read_wanted(body, limit_fields=CHAT_LIMITS)

    assert (wanted.model, wanted.is_stream, wanted.asks_for_usage) == ("some-model", True, True)
    assert (wanted.output_max, wanted.choices, wanted.size) == (50, 3, len(body))


@pytest.mark.rule("CALL-2")
def test_of_two_limits_the_newer_word_counts() -> None:
    assert read_wanted(body_of(max_tokens=5, max_completion_tokens=9), limit_fields=CHAT_LIMITS).output_max == 9


@pytest.mark.rule("CALL-2")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff\xfe", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"{}", "model"),
        (b'{"model": 7}', "model"),
        (b'{"model": ""}', "model"),
        (body_of(stream="yes"), "stream"),
        (body_of(max_tokens="many"), "max_tokens"),
        (body_of(max_tokens=-1), "max_tokens"),
        (body_of(n=0), "n"),
        (body_of(n=129), "n"),
        (body_of(stream_options={"include_usage": "x"}), "stream_options.include_usage"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(body: bytes, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_wanted(body, limit_fields=CHAT_LIMITS)

    assert (refused.value.code, refused.value.field) == ("invalid_input", field)


@pytest.mark.rule("CALL-2")
def test_what_is_not_read_is_passed_on_byte_for_byte() -> None:
    nested = '{"price":1.50, "big":12345678901234567890123,"text":"\\u00e9 \\"quoted\\""}'
    body = f'{{"model":"alias","new_field":{nested},"temperature":1.0}}'.encode()

    sent_on = rewritten(body, {"model": "real"})

    assert nested.encode() in sent_on
    assert b'"temperature":1.0' in sent_on
    assert json.loads(sent_on)["model"] == "real"


@pytest.mark.rule("CALL-2")
def test_a_field_sent_twice_is_passed_on_once_as_it_was_read() -> None:
    body = b'{"model":"cheap","max_tokens":1,"model":"dear","max_tokens":9}'

    wanted = read_wanted(body, limit_fields=CHAT_LIMITS)
    sent_on = rewritten(body, {})

    assert (wanted.model, wanted.output_max) == ("dear", 9)
    assert sent_on == b'{"model":"dear","max_tokens":9}'


@pytest.mark.rule("CALL-2")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": None}, {"include_usage": True}),
        ({"stream_options": {"include_obfuscation": False}}, {"include_obfuscation": False, "include_usage": True}),
    ],
)
def test_usage_is_asked_for_beside_the_other_options(options: dict[str, Any], expected: dict[str, Any]) -> None:
    body = body_of(stream=True, **options)

    sent_on = json.loads(rewritten(body, with_usage_in_stream(body)))

    assert sent_on["stream_options"] == expected


def said(kind: type[Any], **fields: Any) -> Any:
    return msgspec.json.decode(json.dumps(fields), type=kind)


@pytest.mark.rule("CALL-4")
def test_openais_totals_include_their_parts() -> None:
    chat = of_chat(
        said(
            ChatUsage,
            prompt_tokens=100,
            completion_tokens=40,
            total_tokens=140,
            prompt_tokens_details={"cached_tokens": 60, "audio_tokens": 5, "unknown_tokens": 3},
            completion_tokens_details={"reasoning_tokens": 30},
        )
    )
    responses = of_responses(
        said(
            ResponsesUsage,
            input_tokens=100,
            output_tokens=40,
            input_tokens_details={"cached_tokens": 60, "audio_tokens": 5},
            output_tokens_details={"reasoning_tokens": 30},
        )
    )

    assert chat.usage == responses.usage
    assert chat.usage == Usage(
        input_tokens=100, cached_read_tokens=60, audio_input_tokens=5, output_tokens=40, reasoning_tokens=30
    )


@pytest.mark.rule("CALL-4")
def test_anthropics_input_leaves_out_what_the_cache_gave_and_took() -> None:
    reported = of_messages(
        said(
            MessagesUsage,
            input_tokens=10,
            cache_read_input_tokens=200,
            cache_creation_input_tokens=50,
            cache_creation={"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
            output_tokens=7,
            server_tool_use={"web_search_requests": 2},
        )
    )

    assert reported.usage == Usage(
        input_tokens=260,
        cached_read_tokens=200,
        cached_write_tokens=50,
        cached_write_1h_tokens=30,
        output_tokens=7,
        web_searches=2,
    )


@pytest.mark.rule("CALL-4")
def test_what_a_stream_says_at_its_end_counts() -> None:
    start = said(MessagesUsage, input_tokens=10, cache_read_input_tokens=4, output_tokens=1)

    usage = of_messages(merged(start, said(MessagesUsage, output_tokens=25))).usage
    restated = of_messages(merged(start, said(MessagesUsage, input_tokens=12, output_tokens=25))).usage

    assert (usage.input_tokens, usage.output_tokens) == (14, 25)
    assert restated.input_tokens == 16


@pytest.mark.rule("CALL-4")
def test_parts_that_do_not_fit_are_left_out_and_told() -> None:
    reported = of_chat(
        said(ChatUsage, prompt_tokens=10, completion_tokens=5, prompt_tokens_details={"cached_tokens": 11})
    )

    assert reported.usage == Usage(input_tokens=10, output_tokens=5)
    assert not reported.is_whole


@pytest.mark.rule("CALL-4")
@pytest.mark.parametrize("nothing", [{}, {"prompt_tokens": None}, {"prompt_tokens": -3}, {"prompt_tokens": 0.0}])
def test_what_was_not_counted_is_nothing(nothing: dict[str, Any]) -> None:
    assert of_chat(said(ChatUsage, **nothing)).usage == Usage()


@pytest.mark.rule("CALL-4")
def test_a_service_that_is_not_priced_apart_is_the_standard_one() -> None:
    assert [service_of(word) for word in ("batch", "flex", "default", None)] == [
        Service.BATCH, Service.FLEX, Service.STANDARD, Service.STANDARD,
    ]  # fmt: skip


TERMS = ModelTerms((), context_window=100_000, output_tokens_max=4_000)


@pytest.mark.rule("CALL-6")
def test_a_first_call_is_judged_without_a_habit() -> None:
    size = CallSize(body_bytes=1_000, choices=1, output_max=None)

    assert expected_usage(size, TERMS, NO_HABIT) == Usage(input_tokens=500, output_tokens=1_000)
    assert highest_usage(size, TERMS) == Usage(input_tokens=1_000, output_tokens=4_000)


@pytest.mark.rule("CALL-6")
def test_a_call_is_taken_at_its_word_and_a_model_at_its_limits() -> None:
    short = CallSize(body_bytes=1_000, choices=2, output_max=50)
    long = CallSize(body_bytes=1_000_000, choices=1, output_max=9_000)

    assert expected_usage(short, TERMS, Habit(240, 2_000)) == Usage(input_tokens=300, output_tokens=100)
    assert highest_usage(long, TERMS) == Usage(input_tokens=100_000, output_tokens=4_000)


@pytest.mark.rule("CALL-7")
def test_a_habit_follows_the_calls() -> None:
    size = CallSize(body_bytes=1_000, choices=1, output_max=None)

    first = learned(NO_HABIT, size, Usage(input_tokens=250, output_tokens=320))
    second = learned(first, size, Usage(input_tokens=300, output_tokens=10))

    assert first == Habit(250, 320)
    assert second == Habit(260, 310)
    assert learned(second, size, Usage(input_tokens=260, output_tokens=900)).output_tokens == 900


@pytest.mark.rule("CALL-6")
@given(
    size=st.builds(
        CallSize,
        body_bytes=st.integers(0, 10**8),
        choices=st.integers(1, 128),
        output_max=st.none() | st.integers(0, 10**9),
    ),
    habit=st.builds(Habit, st.none() | st.integers(1, 1_000), st.none() | st.integers(0, 10**6)),
    terms=st.builds(
        ModelTerms,
        st.just(()),
        context_window=st.none() | st.integers(1, 10**7),
        output_tokens_max=st.none() | st.integers(1, 10**6),
    ),
)
def test_what_is_expected_is_never_more_than_the_highest(size: CallSize, habit: Habit, terms: ModelTerms) -> None:
    expected, highest = expected_usage(size, terms, habit), highest_usage(size, terms)

    assert 0 <= expected.input_tokens <= highest.input_tokens
    assert 0 <= expected.output_tokens <= highest.output_tokens
