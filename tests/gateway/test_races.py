"""Many calls at once, on two processes: what is left is spent once, and whoever comes too late is told so."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from bursar.domain.credits import Credits
from tests.support.models import studio
from tests.support.offices import running_office
from tests.support.postgres import FreshDatabase
from tests.support.scripted import chat_answer, scripted, set_up, whole

CALLS = 40
AFFORDABLE = 10
BODY = b'{"model":"gpt-test","max_tokens":100,"messages":[{"role":"user","content":"Say hello."}]}'
# Strict: each byte of the question may be a token, and all of the answer's may be used; a token costs 0.1 credits.
HELD = Credits((len(BODY) + 100) * 100_000)


@pytest.mark.rule("HOLD-2", "CALL-5", "CALL-8", "SPEND-9")
@pytest.mark.parametrize("bound_by", ["member", "group", "pool", "api_key"])
async def test_as_many_calls_are_admitted_at_once_as_can_be_paid_and_not_one_more(
    fresh_database: FreshDatabase, bound_by: str
) -> None:
    amount = str(Credits(HELD.micro * AFFORDABLE))
    may_answer = asyncio.Event()

    async def late(call: Any) -> None:
        await may_answer.wait()
        await whole(chat_answer())(call)

    async with (
        running_office(fresh_database) as here,
        running_office(fresh_database) as there,
        scripted(late) as script,
    ):
        acme = await studio(here, given={"member": amount, "api_key": "10000"}.get(bound_by))
        await set_up(here, script)
        await acme.admin.patch("/settings", {"admission": "strict"})
        key = acme.key
        if bound_by == "group":
            await acme.admin.post("/allocations", {"group_id": acme.place.group_id, "amount": amount})
            await acme.admin.put(f"/groups/{acme.place.group_id}/shared", {"is_shared": True})
        if bound_by == "api_key":
            body = {"kind": "model", "name": "Bounded", "limits": {"credits_in_total": amount}}
            key = (await acme.member.post("/api-keys", body))["secret"]
        if bound_by == "pool":
            key = (await acme.admin.post("/api-keys", {"kind": "model", "name": "Mine"}))["secret"]
            root = await here.super_admin()
            answer = await root.put(
                f"/api/v1/tenants/{acme.place.tenant_id}/total", json={"total": amount, "seen": "100000.00"}
            )
            assert answer.status_code == 200, answer.text

        async def ask(number: int) -> httpx.Response:
            client = (here, there)[number % 2].visitor(authorization=f"Bearer {key}")
            return await client.post("/v1/chat/completions", content=BODY)

        asking = [asyncio.create_task(ask(number)) for number in range(CALLS)]
        # Nobody is answered before everybody was admitted or refused, so nothing that was held is free again.
        for first in [*asyncio.as_completed(asking)][: CALLS - AFFORDABLE]:
            assert (await first).status_code == 402
        may_answer.set()
        answers = await asyncio.gather(*asking)

        assert sorted(answer.status_code for answer in answers) == [200] * AFFORDABLE + [402] * (CALLS - AFFORDABLE)
        scopes = {answer.json()["error"]["scope"] for answer in answers if answer.status_code == 402}
        assert scopes == {{"pool": "tenant"}.get(bound_by, bound_by)}
        assert len(script.calls) == len(await acme.rows()) == AFFORDABLE
        await acme.check()
