"""Calls whose end comes late, or with nothing in it, or without the books: charged rightly, and written down."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from bursar.ledger import Command, ExtendHold, LedgerUnavailable, Outcome, SettleHold, VoidHold
from bursar.worker.holds import expire_holds
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice
from tests.support.scripted import DONE, LAST_USAGE, Answer, chat_answer, chunk, event, scripted, set_up, stream, whole

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
MICRO_PER_TOKEN = 100_000


async def asks(acme: Studio, **options: Any) -> Any:
    """One chat completion by OpenAI's client."""
    async with acme.openai() as client:
        return await client.chat.completions.create(model="gpt-test", messages=QUESTION, **options)


async def reads(acme: Studio) -> None:
    """One streamed chat completion, read to its end."""
    async with acme.openai() as client:
        async for _ in await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True):
            pass


@pytest.mark.rule("CALL-5", "CALL-9")
async def test_a_call_that_failed_while_the_books_were_away_until_its_deadline_is_written_down_and_costs_nothing(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await studio(house)
    await acme.admin.patch("/settings", {"expired_holds": "settle"})
    lanes, are_away = house.desk.lanes, True
    submit = lanes.submit

    async def away(tenant_id: Any, command: Command) -> Outcome:
        if isinstance(command, VoidHold) and are_away:
            raise LedgerUnavailable("as the test wants it")
        return await submit(tenant_id, command)

    monkeypatch.setattr(lanes, "submit", away)
    async with scripted(whole({"error": {"message": "no"}}, status=500)) as script:
        await set_up(house, script)
        with pytest.raises(openai.InternalServerError):
            await asks(acme)
    house.clock.turn(timedelta(hours=2))
    await expire_holds(house.desk)
    are_away = False
    await acme.has_settled()

    (row,) = await acme.rows()
    assert (row["outcome"], row["credits_micro"]) == ("failed", 0)
    assert await acme.holds() == [("settled_late", 0)]
    assert await acme.left() == "1000.00"
    await acme.check()


@pytest.mark.rule("CALL-5")
async def test_a_call_that_ends_while_the_process_does_is_charged_before_the_books_are_closed(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await studio(house)
    lanes, may_post = house.desk.lanes, asyncio.Event()
    submit = lanes.submit

    async def slow(tenant_id: Any, command: Command) -> Outcome:
        if isinstance(command, SettleHold):
            await may_post.wait()
        return await submit(tenant_id, command)

    monkeypatch.setattr(lanes, "submit", slow)
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script)
        asking = asyncio.create_task(asks(acme))
        while not script.calls:  # noqa: ASYNC110 - the provider tells nobody
            await asyncio.sleep(0.01)
        closing = asyncio.create_task(house.office.calls.counter.close())
        done, _ = await asyncio.wait({closing}, timeout=0.2)
        may_post.set()
        await closing
        rows = await acme.rows()
        await asking

    assert not done
    assert [row["credits_micro"] for row in rows] == [15 * MICRO_PER_TOKEN]


@pytest.mark.rule("LIMIT-4")
async def test_tokens_that_nobody_but_us_counted_count_against_the_limit_of_tokens(house: TestOffice) -> None:
    acme = await studio(house)
    await acme.admin.put("/settings/member-limits", {"tokens_per_minute": 3})
    async with scripted(stream(chunk("Twelve bytes"), breaks=True)) as script:
        await set_up(house, script)
        with pytest.raises(openai.APIError, match="broke off"):
            await reads(acme)
        await acme.has_settled()
        with pytest.raises(openai.RateLimitError):
            await reads(acme)

    assert len(script.calls) == 1


@pytest.mark.rule("CALL-10")
async def test_a_stream_goes_on_while_the_books_cannot_be_reached_to_keep_its_hold(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await studio(house)
    may_go_on = asyncio.Event()

    async def slowly(call: Any) -> None:
        await call.begin(content_type="text/event-stream")
        await call.piece(chunk("One."))
        await may_go_on.wait()
        await call.piece(chunk("Two."))
        await call.piece(LAST_USAGE + DONE, is_last=True)

    lanes = house.desk.lanes
    submit = lanes.submit

    async def away_for_extensions(tenant_id: Any, command: Command) -> Outcome:
        if isinstance(command, ExtendHold):
            raise LedgerUnavailable("as the test wants it")
        return await submit(tenant_id, command)

    monkeypatch.setattr(lanes, "submit", away_for_extensions)
    async with scripted(slowly) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            pieces = aiter(await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True))
            await anext(pieces)
            house.clock.turn(timedelta(seconds=house.office.calls.counter.hold_seconds * 0.6))
            may_go_on.set()
            texts = [piece.choices[0].delta.content async for piece in pieces]
        await acme.has_settled()

    assert texts == ["Two."]
    (row,) = await acme.rows()
    assert (row["outcome"], row["credits_micro"]) == ("delivered", 15 * MICRO_PER_TOKEN)
    await acme.check()


@pytest.mark.rule("CALL-9")
@pytest.mark.parametrize(
    "answer",
    [
        stream(event({"error": {"message": "Overloaded: sk-abcdef123456", "type": "server_error"}})),
        stream(chunk(""), breaks=True),
        stream(),
    ],
)
async def test_a_stream_in_which_nothing_of_an_answer_came_costs_nothing(house: TestOffice, answer: Answer) -> None:
    acme = await studio(house)
    async with scripted(answer) as script:
        await set_up(house, script)
        with suppress(openai.APIError):
            await reads(acme)
        await acme.has_settled()

    (row,) = await acme.rows()
    assert (row["outcome"], row["credits_micro"]) == ("failed", 0)
    assert "sk-abcdef" not in (row["fault"] or "")
    assert await acme.holds() == [("voided", 0)]
    await acme.check()


@pytest.mark.rule("CALL-12")
async def test_a_call_with_an_idempotency_key_is_made_once_where_credits_count_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    await acme.admin.patch("/settings", {"credit_factor": "0"})
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script)
        once = {"extra_headers": {"idempotency-key": "of-mine"}}
        await asks(acme, **once)
        with pytest.raises(openai.ConflictError) as caught:
            await asks(acme, **once)

    assert caught.value.code == "call_repeated"
    assert len(script.calls) == 1
    assert len(await acme.rows()) == 1


@pytest.mark.rule("CALL-2")
async def test_a_field_that_was_sent_twice_reaches_the_provider_once_as_it_was_read_here(house: TestOffice) -> None:
    acme = await studio(house)
    visitor = house.visitor(authorization=f"Bearer {acme.key}")
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script)
        await visitor.post("/v1/chat/completions", content=b'{"model":"dear","messages":[],"mo\\u0064el":"gpt-test"}')

    assert script.calls[0].body == b'{"model":"gpt-test","messages":[]}'


@pytest.mark.rule("CALL-2")
async def test_a_body_that_is_nested_without_end_is_refused_and_no_fault(house: TestOffice) -> None:
    acme = await studio(house)
    visitor = house.visitor(authorization=f"Bearer {acme.key}")
    response = await visitor.post(
        "/v1/chat/completions", content=b'{"model":"gpt-test","messages":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    )

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_input")
