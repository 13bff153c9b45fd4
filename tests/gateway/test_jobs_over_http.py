"""Jobs at providers that are asked over HTTP: the same, with a socket in between."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from bursar.domain.providers import ProviderSettings, Shape
from bursar.outside.providers import ProviderCall
from bursar.outside.providers.simulated import SimulatedProvider
from tests.support.models import Studio, priced, provider, studio
from tests.support.offices import TestOffice, served
from tests.support.tasks import anthropic_of, chat_lines, check_books, later, openai_of

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


class Behind:
    """A server with the simulated provider behind it, which can be told to refuse everything."""

    def __init__(self) -> None:
        self.simulated = SimulatedProvider()
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.refuses: tuple[int, bytes] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers))
        kind = headers.get("content-type", "")
        call = ProviderCall(scope["path"], body, method=scope["method"], content_type=kind)
        if self.refuses is not None:
            status, said = self.refuses
            await self._answer(send, status, "application/json", said)
            return
        async with self.simulated.asked(call) as answer:
            said = b"".join([piece async for piece in answer.pieces()])
            await self._answer(send, answer.status, answer.headers["content-type"], said)

    async def _answer(self, send: Any, status: int, kind: str, said: bytes) -> None:
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said})


async def studio_behind(house: TestOffice, url: str, shape: Shape) -> Studio:
    """A studio with one more provider, which is asked over HTTP and runs `somebody-elses`."""
    acme = await studio(house)
    await provider(
        house,
        ProviderSettings(name="behind", shape=shape, base_url=url, priced_as=("behind",), models=("somebody-elses",)),
    )
    await priced(house, "behind", "somebody-elses", input="1000", output="1000", video_output_time="0.10")
    return acme


@pytest.mark.rule("TASK-1", "TASK-4", "TASK-5")
async def test_a_video_is_made_by_a_provider_over_http(house: TestOffice) -> None:
    behind = Behind()
    async with served(behind) as url:
        acme = await studio_behind(house, url, Shape.OPENAI)
        client = openai_of(acme)

        video = await client.videos.create(model="somebody-elses", prompt="A cat", seconds="8")
        await later(house)
        await later(house)

        made = await client.videos.retrieve(video.id)
        assert (made.status, made.seconds) == ("completed", "8")
        content = await client.videos.download_content(video.id, variant="video")
        assert content.response.headers["content-type"] == "video/mp4"
        assert await content.aread() == b"A simulated video of: A cat"
        assert (await client.videos.delete(video.id)).deleted
    assert [(method, path.count("/")) for method, path, _ in behind.seen] == [
        ("POST", 1), ("GET", 2), ("GET", 2), ("GET", 3), ("DELETE", 2),
    ]  # fmt: skip
    # What lets the member in here goes nowhere else.
    assert all(acme.key not in str(headers) for _, _, headers in behind.seen)
    assert await acme.holds() == [("settled", 80_000_000)]
    await check_books(acme)


@pytest.mark.rule("TASK-1", "TASK-4", "TASK-5")
async def test_a_batch_is_run_by_a_provider_over_http(house: TestOffice) -> None:
    async with served(Behind()) as url:
        acme = await studio_behind(house, url, Shape.OPENAI)
        client = openai_of(acme)

        file = await client.files.create(
            file=("calls.jsonl", chat_lines("One", "Two", model="somebody-elses")), purpose="batch"
        )
        batch = await client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        await later(house)
        await later(house)

        done = await client.batches.retrieve(batch.id)
        assert done.output_file_id is not None
        assert len((await client.files.content(done.output_file_id)).text.splitlines()) == 2
    (row,) = await acme.rows()
    assert (row["provider"], row["outcome"], row["is_simulated"]) == ("behind", "delivered", False)
    await check_books(acme)


@pytest.mark.rule("TASK-1", "TASK-5")
async def test_a_batch_of_messages_is_run_by_a_provider_over_http(house: TestOffice) -> None:
    behind = Behind()
    async with served(behind) as url:
        acme = await studio_behind(house, url, Shape.ANTHROPIC)
        client = anthropic_of(acme)

        batch = await client.messages.batches.create(
            requests=[
                {
                    "custom_id": "first",
                    "params": {
                        "model": "somebody-elses",
                        "max_tokens": 100,
                        "messages": [{"role": "user", "content": "Say hello."}],
                    },
                }
            ]
        )
        await later(house)
        await later(house)

        results = [one async for one in await client.messages.batches.results(batch.id)]
        assert [one.custom_id for one in results] == ["first"]
    assert all("anthropic-version" in headers for _, _, headers in behind.seen)
    await check_books(acme)


@pytest.mark.rule("TASK-1")
async def test_what_a_provider_says_against_a_job_reaches_the_client_in_its_own_dialect(house: TestOffice) -> None:
    behind = Behind()
    async with served(behind) as url:
        acme = await studio_behind(house, url, Shape.OPENAI)
        client = openai_of(acme)

        behind.refuses = (400, b'{"error":{"message":"No cats.","type":"invalid_request_error","code":"no_cats"}}')
        with pytest.raises(openai.BadRequestError) as about_the_call:
            await client.videos.create(model="somebody-elses", prompt="A cat")
        behind.refuses = (401, b'{"error":{"message":"Wrong key."}}')
        with pytest.raises(openai.InternalServerError) as about_us:
            await client.videos.create(model="somebody-elses", prompt="A cat")

    assert (about_the_call.value.code, about_the_call.value.body["message"]) == ("no_cats", "No cats.")  # type: ignore[index]
    assert (about_us.value.status_code, about_us.value.code) == (502, "provider_refused")
    assert await acme.holds() == [("voided", 0), ("voided", 0)]
    assert [row["outcome"] for row in await acme.rows()] == ["failed", "failed"]


@pytest.mark.rule("TASK-1")
async def test_where_no_provider_can_be_reached_nothing_is_charged(house: TestOffice) -> None:
    async with served(Behind()) as url:
        acme = await studio_behind(house, url, Shape.ANTHROPIC)
    client = anthropic_of(acme)

    with pytest.raises(anthropic.APIStatusError) as caught:
        await client.messages.batches.create(
            requests=[{"custom_id": "a", "params": {"model": "somebody-elses", "max_tokens": 1, "messages": []}}]
        )

    assert caught.value.status_code == 503
    assert await acme.holds() == [("voided", 0)]
    assert await acme.left() == "1000.00"
