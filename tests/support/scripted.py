"""A provider on the loopback that answers each call as a test scripts it, in the words of real ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bursar.domain.providers import ProviderSettings, Shape
from tests.support.models import priced, provider
from tests.support.offices import TestOffice, served

Answer = Callable[["Call"], Awaitable[None]]


@dataclass
class Call:
    """One call as it came in, and the way back."""

    path: str
    headers: dict[str, str]
    body: bytes
    send: Any
    receive: Any
    script: Script

    @property
    def json(self) -> dict[str, Any]:
        """What was asked."""
        asked: dict[str, Any] = json.loads(self.body)
        return asked

    async def begin(self, status: int = 200, content_type: str = "application/json", **headers: str) -> None:
        """Status and headers."""
        pairs = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def piece(self, piece: bytes, *, is_last: bool = False) -> None:
        """A piece of the body."""
        await self.send({"type": "http.response.body", "body": piece, "more_body": not is_last})


@dataclass
class Script:
    """What is answered to the next calls, one after the other; the last answer stays. And what came in."""

    answers: list[Answer] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one call."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        call = Call(scope["path"], headers, body, send, receive, self)
        self.calls.append(call)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await answer(call)


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[Script]:
    """The provider, until the block ends."""
    script = Script(list(answers))
    async with served(script) as url:
        script.url = f"{url}/v1"
        try:
            yield script
        finally:
            script.going_on.set()


async def set_up(
    house: TestOffice,
    script: Script,
    *,
    name: str = "upstream",
    shape: Shape = Shape.OPENAI,
    models: Sequence[str] = ("gpt-test",),
    position: int = 0,
    key: str | None = None,
    **rates: str,
) -> None:
    """Sets the provider up in a house, with a price for each of its models."""
    settings = ProviderSettings(
        name=name, shape=shape, base_url=script.url, models=tuple(models), priced_as=(name,), position=position
    )
    await provider(house, settings, key=key)
    for model in models:
        await priced(house, name, model, **(rates or {"input": "1000", "output": "1000"}))


def chat_answer(text: str = "Hello.", *, model: str = "gpt-test", **usage: Any) -> dict[str, Any]:
    """A chat completion, with a field that nobody knows yet."""
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **usage},
        "from_the_future": {"kept": [1, 2, {"as": "it is"}]},
    }


def whole(document: Any, *, status: int = 200, **headers: str) -> Answer:
    """Answers with this, all at once."""

    async def answer(call: Call) -> None:
        await call.begin(status, **headers)
        await call.piece(json.dumps(document).encode(), is_last=True)

    return answer


def event(data: Any, *, name: str | None = None) -> bytes:
    """An event of a stream."""
    line = b"" if name is None else b"event: " + name.encode() + b"\n"
    return line + b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def chunk(text: str) -> bytes:
    """A piece of a chat completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return event(
        {"id": "chatcmpl-upstream", "object": "chat.completion.chunk", "model": "gpt-test", "choices": [choice]}
    )


LAST_USAGE = event(
    {
        "id": "chatcmpl-upstream",
        "object": "chat.completion.chunk",
        "model": "gpt-test",
        "choices": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
)
DONE = event(b"[DONE]")


def stream(*pieces: bytes, breaks: bool = False) -> Answer:
    """Answers with these pieces; `breaks` ends the connection in the middle of it."""

    async def answer(call: Call) -> None:
        await call.begin(content_type="text/event-stream", openai_organization="org-somebody", set_cookie="a=b")
        for piece in pieces:
            await call.piece(piece)
        if breaks:
            raise ConnectionResetError("as the test wants it")
        await call.piece(b"", is_last=True)

    return answer


def stalling(*pieces: bytes) -> Answer:
    """Answers with these pieces, and then with nothing more until the client has gone, which is noted."""

    async def answer(call: Call) -> None:
        await call.begin(content_type="text/event-stream")
        for piece in pieces:
            await call.piece(piece)
        listening = asyncio.ensure_future(call.receive())
        going_on = asyncio.ensure_future(call.script.going_on.wait())
        await asyncio.wait({listening, going_on}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and listening.result()["type"] == "http.disconnect":
            call.script.gone.set()
        listening.cancel()
        going_on.cancel()

    return answer


async def silent(call: Call) -> None:
    """Answers nothing, until the client has gone or the test ends."""
    listening = asyncio.ensure_future(call.receive())
    going_on = asyncio.ensure_future(call.script.going_on.wait())
    await asyncio.wait({listening, going_on}, return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        call.script.gone.set()
    listening.cancel()
    going_on.cancel()


async def broken_at_once(call: Call) -> None:
    """Ends the connection without a word."""
    raise ConnectionResetError("as the test wants it")
