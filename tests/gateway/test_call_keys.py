"""Idempotency keys of calls that came to nothing, and what responses are billed for beside their tokens."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.support.models import studio
from tests.support.offices import TestOffice
from tests.support.scripted import DONE, chat_answer, event, scripted, set_up, stream, whole


@pytest.mark.rule("CALL-12")
async def test_a_call_that_failed_may_be_made_again_under_its_key(house: TestOffice) -> None:
    acme = await studio(house)
    async with scripted(whole({"error": {}}, status=503), whole(chat_answer())) as script:
        await set_up(house, script)
        async with acme.openai(max_retries=1) as client:
            answer = await client.chat.completions.create(
                model="gpt-test",
                messages=[{"role": "user", "content": "Say hello."}],
                extra_headers={"idempotency-key": "one"},
            )
            with pytest.raises(openai.ConflictError):
                await client.with_options(max_retries=0).chat.completions.create(
                    model="gpt-test",
                    messages=[{"role": "user", "content": "Say hello."}],
                    extra_headers={"idempotency-key": "one"},
                )

    assert answer.choices[0].message.content == "Hello."
    assert [row["outcome"] for row in await acme.rows()] == ["failed", "delivered"]
    await acme.check()


RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-test",
    "status": "completed",
    "output": [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "a"}},
        {"type": "web_search_call", "id": "ws_2", "status": "completed", "action": {"type": "search", "query": "b"}},
        {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": []},
    ],
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
}


@pytest.mark.rule("CALL-4")
@pytest.mark.parametrize("is_stream", [False, True])
async def test_searches_of_a_response_are_counted_where_it_lists_them(house: TestOffice, *, is_stream: bool) -> None:
    acme = await studio(house)
    ended = event({"type": "response.completed", "response": RESPONSE}, name="response.completed")
    answer = stream(ended, DONE) if is_stream else whole(RESPONSE)
    async with scripted(answer) as script:
        await set_up(house, script, input="1000", output="1000", web_search="10")
        response = await house.visitor(authorization=f"Bearer {acme.key}").post(
            "/v1/responses", json={"model": "gpt-test", "input": "Search.", "stream": is_stream}
        )
    assert response.status_code == 200
    await acme.has_settled()

    (row,) = await acme.rows()
    # 15 tokens at a thousandth of a dollar, and two searches of which a thousand cost ten dollars.
    assert row["cost_pico"] == 15 * 10**9 + 2 * 10**10
    await acme.check()
