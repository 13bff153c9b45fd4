"""A model on the loopback that says what a test wants, word by word, in OpenAI's words or Anthropic's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bursar.domain.providers import ProviderSettings, Shape
from tests.support.models import priced, provider
from tests.support.offices import TestOffice, served

WORDS = ("Once", " upon", " a", " time", " there", " was", " a", " bursar.")


@dataclass
class SpeakingModel:
    """What it says, how often it was asked what, and what it noticed. It waits for the test after `pauses_after` words,
    and breaks off after `breaks_after`; another status than 200 is all that it answers.
    """

    url: str = ""
    words: tuple[str, ...] = WORDS
    status: int = 200
    pauses_after: int | None = None
    breaks_after: int | None = None
    tells_usage: bool = True
    asked: list[dict[str, Any]] = field(default_factory=list)
    is_paused: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    was_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.asked.append(json.loads(body))
        is_chat = scope["path"].endswith("/chat/completions")
        if self.status != 200:
            await self._begin(send, b"application/json")
            await send({"type": "http.response.body", "body": b'{"error": {"message": "no"}}'})
            return
        await self._begin(send, b"text/event-stream")
        gone = asyncio.create_task(receive())
        try:
            await self._speak(send, gone, _chat if is_chat else _message)
        finally:
            gone.cancel()

    async def _begin(self, send: Any, content_type: bytes) -> None:
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})

    async def _speak(self, send: Any, gone: asyncio.Task[Any], events: Any) -> None:
        async def say(*said: bytes) -> None:
            for event in said:
                await send({"type": "http.response.body", "body": event, "more_body": True})

        begun, word_of, ended = events(len(self.words), tells_usage=self.tells_usage)
        await say(*begun)
        for number, word in enumerate(self.words):
            if number == self.breaks_after:
                raise ConnectionResetError("as the test wants it")
            if number == self.pauses_after:
                self.is_paused.set()
                going_on = asyncio.create_task(self.may_go_on.wait())
                await asyncio.wait({going_on, gone}, return_when=asyncio.FIRST_COMPLETED)
                going_on.cancel()
                if gone.done():
                    self.was_left.set()
                    return
            await say(word_of(word))
        await say(*ended)
        await send({"type": "http.response.body", "body": b""})


def _event(data: Any, name: str | None = None) -> bytes:
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _chat(count: int, *, tells_usage: bool) -> Any:
    def chunk(delta: dict[str, str]) -> bytes:
        return _event({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]})

    usage = {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": count}}
    ended = ([_event(usage)] if tells_usage else []) + [b"data: [DONE]\n\n"]
    return [chunk({"role": "assistant", "content": ""})], lambda word: chunk({"content": word}), ended


def _message(count: int, *, tells_usage: bool) -> Any:
    del tells_usage
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 100, "output_tokens": 1}}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": count}}

    def said(word: str) -> bytes:
        event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        return _event(event, "content_block_delta")

    ended = [_event(end, "message_delta"), _event({"type": "message_stop"}, "message_stop")]
    return [_event(start, "message_start")], said, ended


@asynccontextmanager
async def speaking(
    house: TestOffice,
    model: str = "talker",
    *,
    name: str = "speaker",
    shape: Shape = Shape.OPENAI,
    position: int = 0,
    **how: Any,
) -> AsyncIterator[SpeakingModel]:
    """Such a model, set up as a provider at a dollar for a thousand tokens each way, until the block ends."""
    running = SpeakingModel(**how)
    async with served(running) as url:
        running.url = f"{url}/v1"
        settings = ProviderSettings(
            name=name, shape=shape, base_url=running.url, priced_as=(name,), models=(model,), position=position
        )
        await provider(house, settings)
        await priced(house, name, model, input="1000", output="1000")
        try:
            yield running
        finally:
            running.may_go_on.set()
