"""Tasks as tests watch them: the worker's turn, and what the books and the logs say afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from bursar.domain.ids import public_id
from bursar.ledger import verify
from bursar.worker.provider_jobs import poll_jobs
from tests.support.calls.scenes import fresh_member
from tests.support.keys import made_key
from tests.support.models import Studio
from tests.support.offices import TestOffice


@dataclass
class _Closing:
    client: AsyncOpenAI | AsyncAnthropic

    async def aclose(self) -> None:
        await self.client.close()


def openai_of(acme: Studio, key: str | None = None) -> AsyncOpenAI:
    """OpenAI's own client, of the member or with this key; closed with the office."""
    client = AsyncOpenAI(base_url=f"{acme.house.url}/v1", api_key=key or acme.key, max_retries=0)
    acme.house.clients.append(_Closing(client))
    return client


def anthropic_of(acme: Studio, key: str | None = None) -> AsyncAnthropic:
    """Anthropic's own client, of the member or with this key; closed with the office."""
    client = AsyncAnthropic(base_url=acme.house.url, api_key=key or acme.key, max_retries=0)
    acme.house.clients.append(_Closing(client))
    return client


async def later(house: TestOffice, by: timedelta = timedelta(minutes=1)) -> int:
    """Some time passes, and the worker has its turn; how many jobs were asked after."""
    house.clock.turn(by)
    return await poll_jobs(house.desk, house.office.calls.catalogues.provider)


async def check_books(acme: Studio) -> None:
    """All that `bursar verify` looks at is right."""
    report = await verify(acme.house.desk.tenants, acme.place.tenant.tenant_id)
    assert report.is_green, str(report)


async def tasks(acme: Studio, query: str = "") -> list[dict[str, Any]]:
    """The member's own tasks."""
    listed: list[dict[str, Any]] = (await acme.member.get(f"/tasks{query}"))["tasks"]
    return listed


async def another_members_key(acme: Studio) -> str:
    """The secret of a key of somebody else in the same tenant, who has credits as well."""
    member = await fresh_member(acme.house, acme.place)
    member_id = public_id("member", member.member_id)
    await acme.admin.post("/allocations", {"member_id": member_id, "amount": "1000"})
    secret: str = (await made_key(await acme.house.signed_in(member.username)))["secret"]
    return secret


def chat_lines(*questions: str, model: str = "simulated-small", **fields: Any) -> bytes:
    """A file of chat completions, one for each question."""
    return jsonl(
        [
            {
                "custom_id": f"q{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": model, "messages": [{"role": "user", "content": question}], **fields},
            }
            for number, question in enumerate(questions)
        ]
    )


def jsonl(lines: Sequence[dict[str, Any]]) -> bytes:
    """One JSON object a line."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
