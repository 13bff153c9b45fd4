"""Calls by the official clients: admitted, answered, charged and written down."""

from __future__ import annotations

import asyncio

import pytest
from anthropic.types import MessageParam
from openai.types.chat import ChatCompletionMessageParam

from tests.support.models import studio
from tests.support.offices import TestOffice

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
MESSAGE: list[MessageParam] = [{"role": "user", "content": "Say hello."}]

# A dollar for a thousand tokens, a hundred credits for a dollar.
MICRO_PER_TOKEN = 100_000


@pytest.mark.rule("CALL-1", "CALL-5", "CALL-9")
async def test_a_chat_completion_is_answered_charged_and_written_down(house: TestOffice) -> None:
    acme = await studio(house)
    async with acme.openai() as client:
        raw = await client.chat.completions.with_raw_response.create(model="simulated-small", messages=QUESTION)
    answer = raw.parse()

    assert "simulated answer" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    (row,) = await acme.rows()
    assert row["credits_micro"] == answer.usage.total_tokens * MICRO_PER_TOKEN
    assert (row["endpoint"], row["model"], row["provider"]) == ("chat.completions", "simulated-small", "simulated")
    assert (row["outcome"], row["is_estimated"], row["is_simulated"]) == ("delivered", False, True)
    assert (row["input_tokens"], row["output_tokens"]) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert row["request_id"] == raw.headers["x-request-id"] == raw.headers["request-id"]
    assert raw.headers["x-bursar-credits-charged"] == "1.40"
    assert raw.headers["x-bursar-credits-remaining"] == await acme.left() == "998.60"
    assert raw.headers["x-bursar-credits-held"] == "104.00"
    assert raw.headers["x-bursar-simulated"] == "true"
    assert await acme.holds() == [("settled", row["credits_micro"])]
    await acme.check()


@pytest.mark.rule("CALL-3", "CALL-5")
@pytest.mark.parametrize("asks", [True, False])
async def test_a_streamed_chat_completion_is_charged_the_same_and_shows_usage_only_to_who_asks(
    house: TestOffice, *, asks: bool
) -> None:
    acme = await studio(house)
    options = {"stream_options": {"include_usage": True}} if asks else {}
    async with acme.openai() as client:
        stream = await client.chat.completions.create(
            model="simulated-small", messages=QUESTION, stream=True, extra_body=options
        )
        chunks = [chunk async for chunk in stream]
    await acme.has_settled()

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("This is a simulated answer")
    told = [chunk.usage for chunk in chunks if not chunk.choices]
    assert [usage.total_tokens for usage in told if usage] == ([14] if asks else [])
    (row,) = await acme.rows()
    assert (row["credits_micro"], row["is_streamed"], row["is_estimated"]) == (14 * MICRO_PER_TOKEN, True, False)
    assert row["first_byte_ms"] <= row["total_ms"]
    await acme.check()


@pytest.mark.rule("CALL-1", "CALL-4")
async def test_a_response_is_charged_whole_and_streamed(house: TestOffice) -> None:
    acme = await studio(house)
    async with acme.openai() as client:
        answer = await client.responses.create(model="simulated-small", input="Say hello.")
        async with client.responses.stream(model="simulated-small", input="Say hello.") as stream:
            async for _ in stream:
                pass
            streamed = await stream.get_final_response()
    await acme.has_settled(2)

    assert "simulated answer" in answer.output_text
    assert streamed.output_text == answer.output_text
    first, second = await acme.rows()
    assert answer.usage is not None
    assert first["credits_micro"] == second["credits_micro"] == answer.usage.total_tokens * MICRO_PER_TOKEN
    assert (first["endpoint"], second["is_streamed"]) == ("responses", True)
    await acme.check()


@pytest.mark.rule("CALL-1")
async def test_embeddings_are_charged_for_what_goes_in(house: TestOffice) -> None:
    acme = await studio(house)
    async with acme.openai() as client:
        answer = await client.embeddings.create(model="simulated-embedding", input=["one", "another text"])

    assert len(answer.data) == 2
    (row,) = await acme.rows()
    assert (row["endpoint"], row["output_tokens"]) == ("embeddings", 0)
    assert row["credits_micro"] == answer.usage.prompt_tokens * MICRO_PER_TOKEN > 0
    await acme.check()


@pytest.mark.rule("CALL-1", "CALL-4")
async def test_a_message_of_anthropics_client_is_charged_whole_and_streamed(house: TestOffice) -> None:
    acme = await studio(house)
    async with acme.anthropic() as client:
        answer = await client.messages.create(model="simulated-small", max_tokens=50, messages=MESSAGE)
        async with client.messages.stream(model="simulated-small", max_tokens=50, messages=MESSAGE) as stream:
            text = "".join([piece async for piece in stream.text_stream])
    await acme.has_settled(2)

    assert answer.content[0].type == "text"
    assert text == answer.content[0].text
    first, second = await acme.rows()
    used = answer.usage.input_tokens + answer.usage.output_tokens
    assert first["credits_micro"] == second["credits_micro"] == used * MICRO_PER_TOKEN
    assert (first["endpoint"], second["is_streamed"]) == ("messages", True)
    await acme.check()


@pytest.mark.rule("CALL-1")
async def test_counting_tokens_is_free_and_leaves_no_row(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    async with acme.anthropic() as client:
        counted = await client.messages.count_tokens(model="simulated-small", messages=MESSAGE)

    assert counted.input_tokens > 0
    assert await acme.rows() == []
    assert await acme.holds() == []


@pytest.mark.rule("CALL-5")
async def test_the_clients_that_wait_are_answered_alike(house: TestOffice) -> None:
    acme = await studio(house)

    def ask() -> list[str]:
        with acme.waiting_openai() as openai, acme.waiting_anthropic() as anthropic:
            chat = openai.chat.completions.create(model="simulated-small", messages=QUESTION)
            streamed = openai.chat.completions.create(model="simulated-small", messages=QUESTION, stream=True)
            pieces = [chunk.choices[0].delta.content or "" for chunk in streamed]
            message = anthropic.messages.create(model="simulated-small", max_tokens=50, messages=MESSAGE)
            assert message.content[0].type == "text"
            return [chat.choices[0].message.content or "", "".join(pieces), message.content[0].text]

    first, second, third = await asyncio.to_thread(ask)
    await acme.has_settled(3)

    assert first == second == third
    await acme.check()


@pytest.mark.rule("CALL-13")
async def test_the_list_of_models_is_what_the_key_can_call_in_the_form_of_either_client(house: TestOffice) -> None:
    acme = await studio(house)
    async with acme.openai() as openai, acme.anthropic() as anthropic:
        of_openai = [model.id async for model in openai.models.list()]
        one = await openai.models.retrieve("simulated-small")
        of_anthropic = [model.id async for model in anthropic.models.list()]
        other = await anthropic.models.retrieve("simulated-small")

    assert "simulated" in of_openai
    assert of_anthropic == of_openai
    assert (one.id, one.owned_by, other.id, other.type) == ("simulated-small", "simulated", "simulated-small", "model")
