"""Calls by the official clients: admitted, answered, charged and written down."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletionMessageParam

from bursar.ledger import verify
from tests.support.models import studio
from tests.support.offices import TestOffice

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]


@pytest.mark.rule("CALL-1", "CALL-5", "CALL-9")
async def test_a_chat_completion_is_answered_charged_and_written_down(house: TestOffice) -> None:
    acme = await studio(house)
    raw = await acme.openai().chat.completions.with_raw_response.create(model="simulated-small", messages=QUESTION)
    answer = raw.parse()

    assert "simulated answer" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    used = answer.usage.prompt_tokens + answer.usage.completion_tokens
    (row,) = await acme.rows()
    # A dollar for a thousand tokens, a hundred credits for a dollar.
    assert row["credits_micro"] == used * 100_000
    assert await acme.left() == "998.60"
    await verify(house.desk.tenants, acme.place.tenant.tenant_id)
