"""docs/rules/usage.md with real calls: what the gateway and the meter did is in the logs, the reports and the books."""

from __future__ import annotations

from typing import Any

import pytest

from bursar.worker.usage import add_up_usage
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice

ASKED: Any = [{"role": "user", "content": "Say something kind about ledgers."}]


async def called(office: Studio) -> None:
    """Three calls by key, one of them streamed and one in the other dialect; and a charge that is none of a model."""
    async with office.openai() as client:
        await client.chat.completions.create(model="simulated-small", messages=ASKED, max_tokens=20)
        async for _ in await client.chat.completions.create(
            model="simulated-small", messages=ASKED, max_tokens=20, stream=True
        ):
            pass
    async with office.anthropic() as client:
        await client.messages.create(model="simulated-large", messages=ASKED, max_tokens=20)
    await office.has_settled(3)
    charge = {"member_id": office.place.member_id, "amount": "0.75", "label": "report"}
    await office.admin.post("/charges", charge)


@pytest.mark.rule("USAGE-1", "USAGE-6", "USAGE-11")
async def test_what_was_called_is_in_the_logs_the_reports_and_the_books_alike(house: TestOffice) -> None:
    office = await studio(house)
    await called(office)

    logged = await office.admin.get("/calls")
    own = await office.member.get("/calls")
    before = await office.admin.get("/reports/usage", by="model,key")
    await add_up_usage(house.desk)
    after = await office.admin.get("/reports/usage", by="model,key")

    calls, totals = logged["calls"], after["totals"]
    assert before == after
    assert own == logged
    assert [(call["endpoint"], call["is_streamed"], call["key"] is not None) for call in calls] == [
        ("metering", False, False),
        ("messages", False, True),
        ("chat.completions", True, True),
        ("chat.completions", False, True),
    ]
    assert {call["key"]["id"] for call in calls if call["key"]} == {office.key_id}
    assert totals["calls"] == 4
    assert micro(totals["credits"]) == sum(micro(call["credits"]) for call in calls)
    assert pico(totals["dollars"]) == sum(pico(call["dollars"]) for call in calls)
    assert totals["input_tokens"] == sum(call["tokens"]["input"] for call in calls) > 0
    assert totals["credits"] == (await office.admin.get("/reports/overview"))["cycle"]["used"]
    assert totals["credits"] == (await office.member.get("/own-credits"))["used"]
    await office.check()


@pytest.mark.rule("USAGE-4")
async def test_each_call_is_explained_to_the_credits_that_it_was_charged(house: TestOffice) -> None:
    office = await studio(house)
    await called(office)

    for call in (await office.admin.get("/calls"))["calls"]:
        detail = await office.admin.get(f"/calls/{call['id']}")
        assert detail["call"] == call
        if call["endpoint"] == "metering":
            assert (detail["formula"], detail["price"]) == (None, None)
            continue
        formula = detail["formula"]
        assert (formula["credits"], formula["dollars"]) == (call["credits"], call["dollars"])
        assert pico(formula["dollars"]) == sum(pico(line["dollars"]) for line in formula["lines"])
        assert detail["reported"]


def micro(text: str) -> int:
    return scaled(text, 6)


def pico(text: str) -> int:
    return scaled(text, 12)


def scaled(text: str, decimals: int) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(decimals, "0"))
