"""Conversations for tests over HTTP: begun, asked in, and their streams read as a screen reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.callers import check_books
from tests.support.models import Studio

PREFIX = "/api/v1"
MODEL = "simulated-small"


@dataclass(frozen=True)
class Heard:
    """All events of one stream: how it began, the text that came bit by bit, and how it ended."""

    status: int
    started: dict[str, Any]
    texts: list[str]
    last: str
    ending: dict[str, Any]
    is_replayed: bool = False

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def answer(self) -> dict[str, Any]:
        """The answer as it is kept."""
        message: dict[str, Any] = self.ending["message"]
        return message


@dataclass
class Talk:
    """One conversation of one person."""

    client: httpx.AsyncClient
    id: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"{PREFIX}/conversations/{self.id}"

    async def asks(self, text: str, *, key: str | None = None) -> Heard:
        """Asks, and listens to the end."""
        return heard(await self.sent(text, key=key))

    async def sent(self, text: str, *, key: str | None = None) -> httpx.Response:
        """Asks; whatever is answered, as it is."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.client.post(f"{self.path}/messages", json={"text": text}, headers=headers)

    async def retried(self, message_id: str) -> httpx.Response:
        """Asks for an answer again."""
        return await self.client.post(f"{self.path}/messages/{message_id}/retry", json={})

    async def read(self, **query: Any) -> dict[str, Any]:
        """The conversation as it is kept."""
        response = await self.client.get(self.path, params=query)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    async def said(self) -> list[tuple[str, str, str]]:
        """Who said what, and how far it is, from the first message to the last."""
        messages = (await self.read(limit=200))["messages"]
        return [(one["role"], one["state"], one["text"]) for one in reversed(messages)]


async def begun(client: httpx.AsyncClient, model: str = MODEL, **fields: Any) -> Talk:
    """A new conversation."""
    response = await client.post(f"{PREFIX}/conversations", json={"model": model, **fields})
    assert response.status_code == 201, response.text
    return Talk(client, response.json()["id"])


def heard(response: httpx.Response) -> Heard:
    """The events of a stream that has ended."""
    assert response.headers.get("content-type", "").startswith("text/event-stream"), response.text
    events = [parsed(block) for block in response.text.split("\n\n") if block and not block.startswith(":")]
    (first, started), *middle, (last, ending) = events
    assert (first, last in {"done", "error"}) == ("started", True), events
    assert {name for name, _ in middle} <= {"delta"}, events
    return Heard(
        status=response.status_code,
        started=started,
        texts=[data["text"] for _, data in middle],
        last=last,
        ending=ending,
        is_replayed=response.headers.get("idempotent-replayed") == "true",
    )


def parsed(block: str) -> tuple[str, dict[str, Any]]:
    """One event: its name and its data."""
    name, data = block.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@asynccontextmanager
async def listening(talk: Talk, text: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """The events of an answer, one by one; leaving the block leaves the answer."""
    request = talk.client.build_request("POST", f"{talk.path}/messages", json={"text": text})
    response = await talk.client.send(request, stream=True)
    assert response.status_code == 200

    async def events() -> AsyncIterator[tuple[str, Any]]:
        rest = ""
        async for piece in response.aiter_text():
            rest += piece
            while "\n\n" in rest:
                block, _, rest = rest.partition("\n\n")
                if not block.startswith(":"):
                    yield parsed(block)

    try:
        yield events()
    finally:
        await response.aclose()


async def until_ended(talk: Talk) -> list[tuple[str, str, str]]:
    """What was said, once no answer is under way any more."""
    async with asyncio.timeout(10):
        while any(state == "answering" for _, state, _ in await talk.said()):
            pass
    return await talk.said()


async def settled(acme: Studio) -> list[tuple[str, int]]:
    """Outcome and charge of every call, once none is under way any more. Each has its one settlement."""
    rows = await acme.rows()
    holds = await acme.holds()
    assert [charge or 0 for _, charge in holds] == [row["credits_micro"] for row in rows]
    await check_books(acme.house, acme.place.tenant_id)
    return [(row["outcome"], row["credits_micro"]) for row in rows]
