"""Limits as official clients meet them, over HTTP: what they raise, when they try again, and what goes by."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from bursar.domain.providers import ProviderSettings, Shape
from tests.support.keys import made_key
from tests.support.models import Studio, priced, provider, studio
from tests.support.offices import running_office, served
from tests.support.postgres import FreshDatabase
from tests.support.signing_in import StoppedClock

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
OUR_KEY = "sk-upstream-0123456789abcdef"


@asynccontextmanager
async def limited(fresh: FreshDatabase, **settings: Any) -> AsyncIterator[Studio]:
    """A house whose time stands still, with models in it."""
    async with running_office(fresh, clock=StoppedClock(), **settings) as house:
        yield await studio(house)


async def limit_key(acme: Studio, **limits: Any) -> None:
    await acme.member.patch(f"/api-keys/{acme.key_id}", {"limits": limits})


async def ask_openai(acme: Studio, *, max_retries: int = 0) -> Any:
    async with acme.openai(max_retries=max_retries) as client:
        return await client.chat.completions.with_raw_response.create(model="simulated-small", messages=QUESTION)


async def ask_anthropic(acme: Studio, *, max_retries: int = 0) -> Any:
    async with acme.anthropic(max_retries=max_retries) as client:
        return await client.messages.with_raw_response.create(
            model="simulated-small", max_tokens=20, messages=[{"role": "user", "content": "Hello."}]
        )


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long clients slept before they tried again; nobody really does."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("openai._base_client.anyio.sleep", sleep)
    monkeypatch.setattr("anthropic._base_client.anyio.sleep", sleep)
    return slept


@pytest.mark.rule("LIMIT-2", "LIMIT-3", "LIMIT-5")
async def test_openais_client_raises_a_rate_limit_and_reads_what_is_left(fresh_database: FreshDatabase) -> None:
    async with limited(fresh_database) as acme:
        await limit_key(acme, requests_per_minute=2, tokens_per_minute=100_000)
        first = await ask_openai(acme)
        await ask_openai(acme)

        with pytest.raises(openai.RateLimitError) as raised:
            await ask_openai(acme)

        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert first.headers["x-ratelimit-reset-requests"] == "1m0s"
        used = first.parse().usage.total_tokens
        assert first.headers["x-ratelimit-remaining-tokens"] == str(100_000 - used)
        error = raised.value
        assert (error.status_code, error.code, error.type) == (429, "rate_limit_exceeded", "rate_limit_error")
        assert "may make 2 calls a minute, and has made them. Try again in 60 seconds." in error.message
        told = error.response.headers
        assert (told["x-should-retry"], told["retry-after"], told["retry-after-ms"]) == ("true", "60", "60000")
        assert (told["x-ratelimit-remaining-requests"], told["x-ratelimit-limit-requests"]) == ("0", "2")
        assert len(await acme.rows()) == 2


@pytest.mark.rule("LIMIT-5")
async def test_anthropics_client_raises_a_rate_limit_and_reads_what_is_left(fresh_database: FreshDatabase) -> None:
    async with limited(fresh_database) as acme:
        await limit_key(acme, requests_per_minute=1)
        first = await ask_anthropic(acme)

        with pytest.raises(anthropic.RateLimitError) as raised:
            await ask_anthropic(acme)

        assert first.headers["anthropic-ratelimit-requests-limit"] == "1"
        assert first.headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert raised.value.response.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
        assert raised.value.body == {
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "message": "This key may make 1 calls a minute, and has made them. Try again in 60 seconds.",
            },
            "request_id": raised.value.request_id,
        }


@pytest.mark.rule("LIMIT-5")
@pytest.mark.parametrize("ask", [ask_openai, ask_anthropic])
async def test_clients_try_again_when_they_are_told_to_and_not_where_it_helps_nobody(
    fresh_database: FreshDatabase, sleeps: list[float], ask: Any
) -> None:
    async with limited(fresh_database) as acme:
        await limit_key(acme, requests_per_minute=1)
        await ask(acme)
        acme.house.clock.turn(timedelta(seconds=43))

        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
            await ask(acme, max_retries=2)
        assert sleeps == [17.0, 17.0]

        await limit_key(acme, requests_per_minute=0)
        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
            await ask(acme, max_retries=2)
        assert sleeps == [17.0, 17.0]


@pytest.mark.rule("LIMIT-1", "LIMIT-4")
async def test_a_members_limit_of_tokens_holds_over_all_keys_until_the_minute_has_passed(
    fresh_database: FreshDatabase,
) -> None:
    async with limited(fresh_database) as acme:
        await acme.admin.put("/settings/member-limits", {"tokens_per_minute": 1})
        other = await made_key(await acme.house.signed_in(acme.place.member.username), name="Other")
        another = Studio(acme.house, acme.place, acme.admin, acme.member, other["secret"], other["key"]["id"])

        await ask_openai(acme)
        with pytest.raises(openai.RateLimitError, match="The owner of this key, with all keys together, may use 1"):
            await ask_openai(another)
        acme.house.clock.turn(timedelta(seconds=60))
        assert (await ask_openai(another)).status_code == 200


@dataclass
class Upstream:
    """A provider that does as its test says: what it answers, when, and what it was sent."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    pieces: tuple[bytes, ...] = ()
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    sent_headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        self.sent_headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.set()
        waits = {asyncio.ensure_future(self.may_answer.wait()), asyncio.ensure_future(receive())}
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for waiting in pending:
            waiting.cancel()
        if not self.may_answer.is_set():
            self.left.set()
            return
        encoded = [(name.encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": encoded})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_800_000_000,
    "model": "gpt-x",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@asynccontextmanager
async def with_upstream(fresh: FreshDatabase, **settings: Any) -> AsyncIterator[tuple[Studio, Upstream]]:
    """A house that asks a provider of the test's own for the model `gpt-x`."""
    up = Upstream(pieces=(json.dumps(COMPLETION).encode(),))
    async with limited(fresh, **settings) as acme, served(up) as url:
        try:
            known = ProviderSettings(
                name="up", shape=Shape.OPENAI, base_url=f"{url}/v1", priced_as=("up",), key_variable="BURSAR_TEST_KEY"
            )
            await provider(acme.house, known)
            await priced(acme.house, "up", "gpt-x", input="1000", output="1000")
            yield acme, up
        finally:
            up.may_answer.set()


async def ask_upstream(acme: Studio, **options: Any) -> Any:
    async with acme.openai() as client:
        return await client.chat.completions.with_raw_response.create(model="gpt-x", messages=QUESTION, **options)


@pytest.fixture(autouse=True)
def our_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_TEST_KEY", OUR_KEY)


@pytest.mark.rule("LIMIT-3")
async def test_a_key_has_no_more_calls_under_way_than_its_limit(fresh_database: FreshDatabase) -> None:
    async with with_upstream(fresh_database) as (acme, up):
        await limit_key(acme, calls_at_once=1)
        first = asyncio.create_task(ask_upstream(acme))
        await up.asked.wait()

        with pytest.raises(openai.RateLimitError, match="may have 1 calls under way at once") as raised:
            await ask_upstream(acme)
        assert raised.value.response.headers["retry-after"] == "1"

        up.may_answer.set()
        assert (await first).status_code == 200
        assert (await ask_upstream(acme)).status_code == 200


@pytest.mark.rule("LIMIT-7")
@pytest.mark.parametrize("ask", [ask_openai, ask_anthropic])
async def test_a_process_that_is_full_says_so_and_clients_try_again_a_second_later(
    fresh_database: FreshDatabase, sleeps: list[float], ask: Any
) -> None:
    async with with_upstream(fresh_database, gateway_calls_max=1) as (acme, up):
        first = asyncio.create_task(ask_upstream(acme))
        await up.asked.wait()

        with pytest.raises(
            (openai.InternalServerError, anthropic.InternalServerError), match="as many calls under way"
        ):
            await ask(acme, max_retries=1)
        assert sleeps == [1.0]

        up.may_answer.set()
        await first
        assert (await ask(acme)).status_code == 200


@pytest.mark.rule("LIMIT-8")
async def test_only_what_may_go_by_goes_by(fresh_database: FreshDatabase) -> None:
    async with with_upstream(fresh_database) as (acme, up):
        up.headers += (("x-request-id", "req_theirs"), ("openai-organization", "org-ours"), ("set-cookie", "a=b"),
                       ("x-ratelimit-limit-requests", "10000"), ("server", "theirs"))  # fmt: skip
        up.may_answer.set()
        extra = {"openai-beta": "one=v2", "cookie": "a=b", "x-forwarded-for": "10.1.2.3", "openai-organization": "org"}

        answer = await ask_upstream(acme, extra_headers=extra)

        assert up.sent_headers["authorization"] == f"Bearer {OUR_KEY}"
        assert "OpenAI" not in up.sent_headers.get("user-agent", "")
        own = {"authorization", "host", "content-length", "accept", "accept-encoding", "x-request-id", "user-agent"}
        assert set(up.sent_headers) <= own | {"content-type", "openai-beta"}
        assert up.sent_headers["openai-beta"] == "one=v2"
        assert acme.key not in str(up.sent_headers)
        told = set(answer.headers)
        assert not told & {"openai-organization", "set-cookie", "server", "x-ratelimit-limit-requests"}
        assert answer.headers["x-request-id"] != "req_theirs"


@pytest.mark.rule("LIMIT-9")
@pytest.mark.parametrize(
    ("status", "raises", "code"),
    [
        (400, openai.BadRequestError, "theirs"),
        (401, openai.InternalServerError, "provider_refused"),
        (404, openai.InternalServerError, "provider_lacks_model"),
        (429, openai.RateLimitError, "provider_limited"),
        (500, openai.InternalServerError, "provider_failed"),
        (529, openai.InternalServerError, "provider_busy"),
    ],
)
async def test_a_providers_error_reaches_the_client_as_what_it_is_to_the_client(
    fresh_database: FreshDatabase, status: int, raises: type[openai.APIStatusError], code: str
) -> None:
    async with with_upstream(fresh_database) as (acme, up):
        up.status = status
        error = {"message": f"The model said no to {OUR_KEY}", "type": "some_error", "param": "n", "code": "theirs"}
        up.pieces = (json.dumps({"error": error}).encode(),)
        up.may_answer.set()

        with pytest.raises(raises) as raised:
            await ask_upstream(acme)

        assert raised.value.code == code
        assert OUR_KEY not in raised.value.response.text
        assert await acme.left() == "1000.00"


@pytest.mark.rule("LIMIT-10")
async def test_when_the_client_of_a_stream_leaves_a_silent_provider_is_waited_for_no_longer(
    fresh_database: FreshDatabase,
) -> None:
    async with with_upstream(fresh_database, gateway_calls_max=1) as (acme, up):
        call = asyncio.create_task(ask_upstream(acme, stream=True))
        await up.asked.wait()
        call.cancel()

        # The one place is free again while the provider is still silent, and what was held is given back.
        assert (await ask_openai(acme, max_retries=10)).status_code == 200
        assert [state for state, _ in await acme.holds()] == ["voided", "settled"]
        assert not up.may_answer.is_set()


@pytest.mark.rule("LIMIT-7")
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
async def test_a_body_that_is_too_large_is_refused_in_both_dialects(
    fresh_database: FreshDatabase, dialect: str
) -> None:
    async with limited(fresh_database, gateway_body_max_bytes=2000) as acme:
        long: Any = [{"role": "user", "content": "x" * 5_000_000}]
        async with acme.openai() as of_openai, acme.anthropic() as of_anthropic:
            create: Any = of_openai.chat.completions.create if dialect == "openai" else of_anthropic.messages.create
            with pytest.raises((openai.APIStatusError, anthropic.APIStatusError), match="at most 2000 bytes") as raised:
                await create(model="simulated-small", max_tokens=9, messages=long)

        assert vars(raised.value)["status_code"] == 413
        assert (await ask_openai(acme)).status_code == 200


@pytest.mark.rule("LIMIT-7")
async def test_a_body_that_does_not_come_is_not_waited_for_and_its_place_is_given_back(
    fresh_database: FreshDatabase,
) -> None:
    async with limited(fresh_database, gateway_body_seconds=0.1, gateway_calls_max=1) as acme:
        where = urlsplit(acme.house.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: bursar\r\ncontent-type: application/json\r\n"
            b"content-length: 100\r\nauthorization: Bearer " + acme.key.encode() + b'\r\n\r\n{"model":'
        )
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"body_too_slow" in answer
        assert (await ask_openai(acme)).status_code == 200
