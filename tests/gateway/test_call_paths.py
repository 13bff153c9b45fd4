"""Every way a call can end, each with exactly one settlement: whole, left, broken off, failed, asked elsewhere."""

from __future__ import annotations

import asyncio
import json

import httpx2
import openai
import pytest
from anthropic import APIStatusError
from anthropic.types import MessageParam
from openai.types.chat import ChatCompletionMessageParam

from bursar.domain.providers import Shape
from tests.support.models import studio
from tests.support.offices import TestOffice
from tests.support.scripted import (
    DONE,
    LAST_USAGE,
    Answer,
    broken_at_once,
    chat_answer,
    chunk,
    event,
    scripted,
    set_up,
    silent,
    stalling,
    stream,
    whole,
)

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
MESSAGE: list[MessageParam] = [{"role": "user", "content": "Say hello."}]
MICRO_PER_TOKEN = 100_000

MESSAGE_START = event(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-test",
            "content": [],
            "usage": {"input_tokens": 10, "output_tokens": 1},
        },
    },
    name="message_start",
)
BLOCK_START = event(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    name="content_block_start",
)


def block_delta(text: str) -> bytes:
    """A piece of a message."""
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return event(delta, name="content_block_delta")


@pytest.mark.rule("CALL-2")
async def test_what_nobody_knows_yet_passes_untouched_in_both_directions(house: TestOffice) -> None:
    acme = await studio(house)
    asked = (
        b'{"model":"gpt-test","tools":[{"type":"function","function":{"name":"f","parameters":{}}}],'
        b'"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,x"}}]}],'
        b'"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}},'
        b'"reasoning_effort":"high","prompt_cache_key":"k","from_the_future":[1e400, "\\u0000"]}'
    )
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script)
        response = await house.visitor(authorization=f"Bearer {acme.key}").post(
            "/v1/chat/completions", content=asked, headers={"content-type": "application/json"}
        )

    assert script.calls[0].body == asked
    assert response.content == json.dumps(chat_answer()).encode()
    await acme.check()


@pytest.mark.rule("LIMIT-8")
async def test_nothing_that_could_reach_another_account_goes_either_way(house: TestOffice) -> None:
    acme = await studio(house)
    async with scripted(stream(chunk("Hello."), LAST_USAGE, DONE)) as script:
        await set_up(house, script)
        async with acme.openai(
            organization="org-mine", default_headers={"cookie": "a=b", "x-forwarded-for": "1.2.3.4"}
        ) as client:
            raw = await client.chat.completions.with_raw_response.create(
                model="gpt-test", messages=QUESTION, stream=True
            )
            async for _ in raw.parse():
                pass
    sent = script.calls[0].headers

    assert acme.key not in str(sent)
    assert not {"authorization", "cookie", "x-forwarded-for", "openai-organization", "x-stainless-lang"} & sent.keys()
    assert sent["accept-encoding"] == "identity"
    assert not {"set-cookie", "openai-organization", "server"} & set(raw.headers)


@pytest.mark.rule("CALL-3", "CALL-11")
async def test_a_client_that_leaves_ends_the_call_at_the_provider_and_pays_for_what_was_produced(
    house: TestOffice,
) -> None:
    acme = await studio(house)
    async with scripted(stalling(chunk("One two three four."), chunk(" Five."))) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            answer = await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True)
            async for piece in answer:
                if piece.choices[0].delta.content == " Five.":
                    break
            await answer.close()
        await asyncio.wait_for(script.gone.wait(), 20)
        await acme.has_settled()

    (row,) = await acme.rows()
    assert (row["outcome"], row["is_estimated"]) == ("cancelled", True)
    # 25 bytes of text, a token for every four of them.
    assert row["output_tokens"] == 7
    assert row["credits_micro"] == (row["input_tokens"] + 7) * MICRO_PER_TOKEN
    assert await acme.holds() == [("settled", row["credits_micro"])]
    await acme.check()


@pytest.mark.rule("CALL-5")
@pytest.mark.parametrize("answer", [silent, stalling()])
async def test_a_client_that_leaves_before_anything_came_pays_nothing(house: TestOffice, answer: Answer) -> None:
    acme = await studio(house)
    async with scripted(answer) as script:
        await set_up(house, script)
        async with acme.openai(timeout=0.5) as client:
            with pytest.raises(openai.APITimeoutError):
                await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True)
        await acme.has_settled()

    (row,) = await acme.rows()
    assert (row["outcome"], row["credits_micro"]) == ("failed", 0)
    assert await acme.holds() == [("voided", 0)]
    await acme.check()


@pytest.mark.rule("CALL-3", "CALL-11")
async def test_a_provider_that_breaks_off_is_charged_for_what_it_delivered_and_the_client_is_told(
    house: TestOffice,
) -> None:
    acme = await studio(house)
    async with scripted(stream(chunk("Twelve bytes"), breaks=True)) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            answer = await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True)
            with pytest.raises(openai.APIError, match="broke off"):
                async for _ in answer:
                    pass
        await acme.has_settled()

    (row,) = await acme.rows()
    assert (row["outcome"], row["is_estimated"], row["output_tokens"]) == ("broken", True, 3)
    assert await acme.holds() == [("settled", row["credits_micro"])]
    await acme.check()


@pytest.mark.rule("CALL-3", "CALL-11")
async def test_a_message_that_breaks_off_is_charged_its_true_input_and_the_output_that_went_by(
    house: TestOffice,
) -> None:
    acme = await studio(house)
    async with scripted(stream(MESSAGE_START, BLOCK_START, block_delta("Twelve bytes"), breaks=True)) as script:
        await set_up(house, script, shape=Shape.ANTHROPIC, models=["claude-test"])
        async with acme.anthropic() as client:
            with pytest.raises(APIStatusError, match="broke off"):  # noqa: PT012 - it is raised while it is read
                async with client.messages.stream(model="claude-test", max_tokens=50, messages=MESSAGE) as answer:
                    async for _ in answer:
                        pass
        await acme.has_settled()

    (row,) = await acme.rows()
    assert (row["outcome"], row["is_estimated"]) == ("broken", True)
    assert (row["input_tokens"], row["output_tokens"]) == (10, 3)
    assert await acme.holds() == [("settled", 13 * MICRO_PER_TOKEN)]
    await acme.check()


@pytest.mark.rule("CALL-5", "CALL-3")
async def test_an_error_in_the_stream_itself_is_passed_on_and_what_went_by_is_charged(house: TestOffice) -> None:
    acme = await studio(house)
    said = "The server had an error with sk-abcdefghijkl here."
    error = event({"error": {"message": said, "type": "server_error", "code": None}})
    async with scripted(stream(chunk("Twelve bytes"), error)) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            answer = await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True)
            with pytest.raises(openai.APIError, match="The server had an error"):
                async for _ in answer:
                    pass
        await acme.has_settled()

    (row,) = await acme.rows()
    # What looks like a key is kept nowhere.
    kept = "The server had an error with [redacted] here."
    assert (row["outcome"], row["fault"], row["output_tokens"]) == ("broken", kept, 3)
    await acme.check()


@pytest.mark.rule("LIMIT-9")
async def test_a_provider_that_repeats_our_key_in_its_stream_tells_nobody(house: TestOffice) -> None:
    acme = await studio(house)
    secret = "sk-upstream-0123456789abcdef"
    error = event({"error": {"message": f"Bad key {secret}", "type": "server_error", "code": None}})
    async with scripted(stream(chunk("One."), error)) as script:
        await set_up(house, script, key=secret)
        answer = await house.visitor(authorization=f"Bearer {acme.key}").post(
            "/v1/chat/completions", json={"model": "gpt-test", "messages": QUESTION, "stream": True}
        )
    await acme.has_settled()

    assert script.calls[0].headers["authorization"] == f"Bearer {secret}"
    assert "Bad key [redacted]" in answer.text
    assert secret not in answer.text + str(await acme.rows())


@pytest.mark.rule("CALL-9", "CALL-11")
async def test_a_stream_that_has_nothing_but_an_error_is_passed_on_and_costs_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    said = "The server had an error with sk-abcdefghijkl here."
    error = event({"error": {"message": said, "type": "server_error", "code": None}})
    async with scripted(stream(b": wait\n\n", error)) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            answer = await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True)
            with pytest.raises(openai.APIError, match="The server had an error"):
                async for _ in answer:
                    pass
        await acme.has_settled()

    (row,) = await acme.rows()
    told = "The server had an error with [redacted] here."
    assert (row["outcome"], row["fault"], row["credits_micro"]) == ("failed", told, 0)
    assert await acme.holds() == [("voided", 0)]
    await acme.check()


@pytest.mark.rule("CALL-11")
async def test_an_answer_without_a_word_of_usage_is_counted_and_marked(house: TestOffice) -> None:
    acme = await studio(house)
    document = chat_answer()
    del document["usage"]
    async with scripted(whole(document)) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            await client.chat.completions.create(model="gpt-test", messages=QUESTION)

    (row,) = await acme.rows()
    assert (row["outcome"], row["is_estimated"]) == ("delivered", True)
    assert row["input_tokens"] > 0
    assert row["output_tokens"] > 0
    await acme.check()


@pytest.mark.rule("PROVIDER-9", "CALL-5")
@pytest.mark.parametrize(
    "first", [broken_at_once, whole({"error": {"message": "no"}}, status=500), whole({}, status=429)]
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_whoever_fails_before_the_first_byte_is_replaced_by_the_next_at_its_own_price(
    house: TestOffice, first: object, *, is_stream: bool
) -> None:
    acme = await studio(house)
    second = stream(chunk("Hello."), LAST_USAGE, DONE) if is_stream else whole(chat_answer())
    async with scripted(first) as dear, scripted(second) as cheap:  # type: ignore[arg-type]
        await set_up(house, dear, name="dear", input="5000", output="5000")
        await set_up(house, cheap, name="cheap", position=1)
        async with acme.openai() as client:
            answer = await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=is_stream)
            if is_stream:
                async for _ in answer:  # type: ignore[union-attr]
                    pass
        await acme.has_settled()

    assert (len(dear.calls), len(cheap.calls)) == (1, 1)
    (row,) = await acme.rows()
    assert (row["provider"], row["credits_micro"]) == ("cheap", 15 * MICRO_PER_TOKEN)
    assert await acme.holds() == [("settled", 15 * MICRO_PER_TOKEN)]
    await acme.check()


@pytest.mark.rule("CALL-5")
async def test_a_call_that_nobody_answers_costs_nothing_and_the_client_tries_again_by_itself(house: TestOffice) -> None:
    acme = await studio(house)
    busy = whole({"error": {"message": "overloaded"}}, status=503)
    async with scripted(busy, busy, whole(chat_answer())) as script:
        await set_up(house, script)
        async with acme.openai(max_retries=2) as client:
            answer = await client.chat.completions.create(model="gpt-test", messages=QUESTION)

    assert answer.choices[0].message.content == "Hello."
    rows = await acme.rows()
    assert [(row["outcome"], row["credits_micro"], row["status"]) for row in rows] == [
        ("failed", 0, 503),
        ("failed", 0, 503),
        ("delivered", 15 * MICRO_PER_TOKEN, 200),
    ]
    assert [state for state, _ in await acme.holds()] == ["voided", "voided", "settled"]
    await acme.check()


@pytest.mark.rule("LIMIT-9", "CALL-5")
async def test_an_error_of_the_call_itself_is_passed_on_and_costs_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    error = {"message": "Unsupported parameter.", "type": "invalid_request_error", "param": "x", "code": "unsupported"}
    async with scripted(whole({"error": error}, status=400)) as script:
        await set_up(house, script)
        async with acme.openai(max_retries=2) as client:
            with pytest.raises(openai.BadRequestError) as caught:
                await client.chat.completions.create(model="gpt-test", messages=QUESTION)

    assert (caught.value.code, caught.value.param) == ("unsupported", "x")
    assert len(script.calls) == 1
    assert await acme.holds() == [("voided", 0)]
    await acme.check()


@pytest.mark.rule("LIMIT-9")
async def test_a_provider_that_refuses_our_key_is_no_fault_of_the_clients(house: TestOffice) -> None:
    acme = await studio(house)
    async with scripted(whole({"error": {"message": "Incorrect API key provided: sk-abc"}}, status=401)) as script:
        await set_up(house, script)
        async with acme.openai(max_retries=2) as client:
            with pytest.raises(openai.InternalServerError) as caught:
                await client.chat.completions.create(model="gpt-test", messages=QUESTION)

    assert (caught.value.status_code, caught.value.code) == (502, "provider_refused")
    assert "sk-abc" not in str(caught.value)
    assert len(script.calls) == 1
    await acme.check()


@pytest.mark.rule("CALL-5")
async def test_a_page_of_html_is_no_answer(house: TestOffice) -> None:
    acme = await studio(house)

    async def page(call: object) -> None:
        await call.begin(content_type="text/html")  # type: ignore[attr-defined]
        await call.piece(b"<html>", is_last=True)  # type: ignore[attr-defined]

    async with scripted(page) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            with pytest.raises(openai.InternalServerError):
                await client.chat.completions.create(model="gpt-test", messages=QUESTION)
    assert await acme.holds() == [("voided", 0)]
    await acme.check()


@pytest.mark.rule("CALL-9")
async def test_a_client_that_waits_no_longer_for_a_whole_answer_pays_for_it_all_the_same(house: TestOffice) -> None:
    acme = await studio(house)
    may_answer = asyncio.Event()

    async def late(call: object) -> None:
        await may_answer.wait()
        await whole(chat_answer())(call)  # type: ignore[arg-type]

    async with scripted(late) as script:
        await set_up(house, script)
        async with httpx2.AsyncClient(timeout=0.5) as client:
            with pytest.raises(httpx2.TimeoutException):
                await client.post(
                    f"{house.url}/v1/chat/completions",
                    json={"model": "gpt-test", "messages": QUESTION},
                    headers={"authorization": f"Bearer {acme.key}"},
                )
        may_answer.set()
        await acme.has_settled()

    assert await acme.holds() == [("settled", 15 * MICRO_PER_TOKEN)]
    await acme.check()
