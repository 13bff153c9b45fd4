"""docs/rules/once.md, example by example, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.worker.answers import REMEMBERED_FOR, forget_old_answers
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything

GROUP = {"name": "Research"}


async def sent(client: httpx.AsyncClient, key: str, body: Any = None) -> httpx.Response:
    return await client.post("/api/v1/groups", json=body or GROUP, headers={"Idempotency-Key": key})


@pytest.mark.rule("ONCE-1")
async def test_a_write_sent_again_gets_the_first_answer_and_changes_nothing(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    first = await sent(admin, "one")
    before = await rows_of_everything(house)

    again = await sent(admin, "one")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert await rows_of_everything(house) == before


@pytest.mark.rule("ONCE-1")
async def test_twins_that_arrive_together_are_done_once(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    answers = await asyncio.gather(*(sent(admin, "twins") for _ in range(6)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.rule("ONCE-2")
async def test_the_same_key_with_another_request_is_refused_and_another_callers_is_another_key(
    house: TestOffice,
) -> None:
    await house.tenant()
    await house.tenant("Globex")
    admin, other = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    assert (await sent(admin, "one")).status_code == 201

    reused = await sent(admin, "one", {"name": "Sales"})
    theirs = await sent(other, "one", {"name": "Sales"})

    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")
    assert theirs.status_code == 201


@pytest.mark.rule("ONCE-3")
async def test_a_refusal_is_not_remembered_and_an_answer_is_for_a_week(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    refused = await sent(admin, "two", {"name": "Default"})
    assert refused.json()["code"] == "name_taken"
    assert (await sent(admin, "one")).status_code == 201

    house.clock.turn(REMEMBERED_FOR - timedelta(minutes=1))
    assert await forget_old_answers(house.desk) == 0
    house.clock.turn(timedelta(minutes=2))

    assert await forget_old_answers(house.desk) == 1
    back = await house.signed_in("acme-admin")
    assert (await sent(back, "one")).json()["code"] == "name_taken"


@pytest.mark.rule("ONCE-1")
async def test_what_is_remembered_opens_only_with_the_key(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    await sent(admin, "one")

    async with house.desk.platform.pool.acquire() as connection:
        row = await connection.fetchrow("select key_hash, answer from remembered_answers")

    assert row is not None
    assert b"Research" not in row["answer"]
    assert b"one" not in row["key_hash"]
