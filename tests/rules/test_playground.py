"""Asking in a conversation: admitted, kept, answered, and charged once."""

from __future__ import annotations

import asyncio

import pytest

from bursar.db.transaction import platform_writing
from bursar.domain.conversations import ANSWER_TOKENS_MAX
from bursar.domain.providers import Shape
from bursar.store.catalogue_version import raise_catalogue_version
from tests.support.callers import check_books
from tests.support.keys import refused
from tests.support.models import studio
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything
from tests.support.speaking_models import WORDS, speaking
from tests.support.talks import begun, listening, settled

ALL = "".join(WORDS)
FIRST = "".join(WORDS[:3])
TOKEN_MICRO = 100_000
"""A dollar for a thousand tokens, and a hundred credits for a dollar."""


@pytest.mark.rule("CONV-6", "CONV-9")
async def test_a_question_is_answered_word_by_word_charged_and_kept(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, pauses_after=3) as model:
        talk = await begun(acme.member.client, "talker", instructions="Be brief.")

        async with listening(talk, "Tell me a story.") as events:
            (name, started), (_, first) = await anext(events), await anext(events)
            while len(first["text"]) < len(FIRST):
                first["text"] += (await anext(events))[1]["text"]
            kept_meanwhile = await talk.said()
            model.may_go_on.set()
            rest = [event async for event in events]

    assert name == "started"
    assert first["text"] == FIRST
    assert kept_meanwhile == [("user", "complete", "Tell me a story."), ("assistant", "answering", "")]
    assert first["text"] + "".join(data["text"] for name, data in rest[:-1]) == ALL
    name, done = rest[-1]
    assert (name, done["message"]["id"], done["message"]["text"]) == ("done", started["answer_id"], ALL)
    assert (done["charged"], done["left"]) == ("10.80", "989.20")
    assert await settled(acme) == [("delivered", 108 * TOKEN_MICRO)]
    assert (await talk.said())[1] == ("assistant", "complete", ALL)
    assert (await talk.read())["messages"][0]["charged"] == "10.80"
    (asked,) = model.asked
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Tell me a story."},
    ]


@pytest.mark.rule("CONV-9", "CONV-12")
async def test_without_credits_nothing_is_asked_or_kept_and_everything_stays_readable(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    await talk.asks("What is a bursar?")
    await acme.admin.patch("/settings", {"contact": "help@acme.example"})
    await acme.admin.post("/reclaims", {"member_id": acme.place.member_id, "amount": await acme.left()})
    earlier, before = await talk.said(), await rows_of_everything(house)

    response = await talk.sent("And what does it cost?", key="once")

    assert refused(response) == (402, "insufficient_quota")
    problem = response.json()
    assert (problem["facts"]["available"], problem["facts"]["contact"]) == ("0.00", "help@acme.example")
    assert problem["facts"]["resets_at"] is not None
    assert problem["fields"] == []
    after = await rows_of_everything(house)
    assert {table for table in after if after[table] != before.get(table)} == set()
    seen = await talk.read()
    assert await talk.said() == earlier
    composer = seen["composer"]
    assert (composer["can_send"], composer["reason"]["code"]) == (False, "insufficient_quota")
    assert (composer["left"], composer["contact"]) == ("0.00", "help@acme.example")
    assert composer["resets_at"] is not None
    assert (await acme.member.get("/playground"))["composer"] == composer
    assert len((await acme.member.get("/conversations"))["conversations"]) == 1
    # What was refused was not done, so the same request is asked once there are credits.
    await acme.admin.post("/allocations", {"member_id": acme.place.member_id, "amount": "500"})
    assert (await talk.asks("And what does it cost?", key="once")).last == "done"


@pytest.mark.rule("CONV-12")
async def test_where_dollars_are_no_credits_one_can_ask_with_none(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    await acme.admin.patch("/settings", {"credit_factor": "0"})
    talk = await begun(acme.member.client)

    assert (await talk.read())["composer"]["can_send"] is True
    assert (await talk.asks("What is a bursar?")).ending["charged"] == "0.00"
    (row,) = await acme.rows()
    assert (row["credits_micro"], row["cost_pico"] > 0) == (0, True)


@pytest.mark.rule("CONV-9")
async def test_a_tenant_admins_question_is_paid_from_the_pool(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.admin.client)
    before = (await acme.admin.get("/own-credits"))["spendable"]

    said = await talk.asks("What is a bursar?")

    assert said.ending["left"] == (await acme.admin.get("/own-credits"))["spendable"] != before
    assert (await talk.read())["composer"]["resets_at"] is None


@pytest.mark.rule("CONV-9")
async def test_the_same_key_asks_once_and_answers_with_what_came_of_it(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house) as model:
        talk = await begun(acme.member.client, "talker")
        first = await talk.asks("Tell me a story.", key="one")
        await acme.admin.post("/reclaims", {"member_id": acme.place.member_id, "amount": await acme.left()})

        again = await talk.asks("Tell me a story.", key="one")
        other = await talk.sent("Another one?", key="one")

    assert (again.is_replayed, first.is_replayed) == (True, False)
    assert (again.started, again.text, again.answer) == (first.started, ALL, first.answer)
    assert again.ending["charged"] == first.ending["charged"]
    assert refused(other) == (422, "key_reused")
    assert len(model.asked) == 1
    assert len(await settled(acme)) == 1


@pytest.mark.rule("CONV-9")
async def test_the_same_key_while_it_is_being_answered_is_told_so(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, pauses_after=3) as model:
        talk = await begun(acme.member.client, "talker")
        asking = asyncio.create_task(talk.asks("Tell me a story.", key="one"))
        await model.is_paused.wait()

        meanwhile = await talk.sent("Tell me a story.", key="one")
        model.may_go_on.set()

        assert (await asking).text == ALL
    assert refused(meanwhile) == (409, "conversation_busy")
    assert len(model.asked) == 1


@pytest.mark.rule("CONV-7")
async def test_of_many_questions_at_once_one_is_asked(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, pauses_after=3) as model:
        talk = await begun(acme.member.client, "talker")
        asking = [asyncio.create_task(talk.sent(f"Question {number}")) for number in range(6)]
        await model.is_paused.wait()
        late = await talk.sent("Another one?")
        model.may_go_on.set()
        responses = await asyncio.gather(*asking)

        assert refused(late) == (409, "conversation_busy")
        assert late.json()["may_retry"] is True
        statuses = sorted(response.status_code for response in responses)
        assert statuses == [200, 409, 409, 409, 409, 409]
        assert {response.json()["code"] for response in responses if response.status_code == 409} == {
            "conversation_busy"
        }
        assert len(model.asked) == 1
        assert [role for role, _, _ in await talk.said()] == ["user", "assistant"]
        assert (await talk.asks("And now?")).text == ALL
    # What the refused ones had set aside was given back, and left no row.
    assert [row["outcome"] for row in await acme.rows()] == ["delivered", "delivered"]
    assert {state for state, _ in await acme.holds()} <= {"settled", "voided"}
    await check_books(house, acme.place.tenant_id)


@pytest.mark.rule("CONV-10")
async def test_an_anthropic_model_is_asked_in_its_own_words(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, shape=Shape.ANTHROPIC) as model:
        talk = await begun(acme.member.client, "talker", instructions="Be brief.")

        said = await talk.asks("Tell me a story.")

    assert (said.text, said.ending["charged"]) == (ALL, "10.80")
    (asked,) = model.asked
    assert (asked["system"], asked["messages"]) == ("Be brief.", [{"role": "user", "content": "Tell me a story."}])
    # The price list says 4 096, which is less than what is asked for of a model that does not say.
    assert asked["max_tokens"] == 4_096 < ANSWER_TOKENS_MAX


@pytest.mark.rule("CONV-8")
async def test_a_model_is_told_what_was_said_before_and_no_failure(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house) as model:
        talk = await begun(acme.member.client, "talker")
        await talk.asks("One?")
        model.status = 500
        await talk.asks("Two?")
        model.status = 200

        await talk.asks("Three?")

    assert [(one["role"], one["content"]) for one in model.asked[-1]["messages"]] == [
        ("user", "One?"),
        ("assistant", ALL),
        ("user", "Three?"),
    ]


@pytest.mark.rule("CONV-8")
async def test_what_does_not_fit_the_window_is_left_out_and_said(house: TestOffice) -> None:
    acme = await studio(house, given="90000")
    async with speaking(house, words=("yes",)) as model:
        talk = await begun(acme.member.client, "talker")
        for number in range(5):
            await talk.asks(f"{number}" + "x" * 31_000)

        said = await talk.asks("Well?")

    # A window of 100 000 tokens has room for 150 000 bytes beside the answer: four questions of 31 000, and not five.
    assert said.started["left_out"] == 2
    assert [one["content"][:1] for one in model.asked[-1]["messages"][::2]] == ["1", "2", "3", "4", "W"]


@pytest.mark.rule("CONV-9")
async def test_a_model_that_is_not_there_any_more_is_said_beforehand_and_refused(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    await talk.asks("What is a bursar?")
    async with speaking(house):
        await retired(house, "simulated")

        seen = await talk.read()
        response = await talk.sent("And now?")

    assert seen["composer"]["reason"]["code"] == "model_unknown"
    assert refused(response) == (404, "model_unknown")
    assert len(await talk.said()) == 2


async def retired(house: TestOffice, name: str) -> None:
    """The provider of this name does not run models any more."""
    async with platform_writing(house.desk.platform) as transaction:
        await transaction.execute("update providers set is_enabled = false where name = $1", name)
        await raise_catalogue_version(transaction)


@pytest.mark.rule("CONV-9", "LIMIT-1")
async def test_a_question_counts_for_the_limits_of_its_member(house: TestOffice) -> None:
    acme = await studio(house)
    await acme.admin.put(
        "/settings/member-limits",
        {"requests_per_minute": 10, "tokens_per_minute": "unlimited", "calls_at_once": 1},
    )
    async with speaking(house, pauses_after=3) as model:
        talk, other = [await begun(acme.member.client, "talker") for _ in range(2)]
        asking = asyncio.create_task(talk.asks("Tell me a story."))
        await model.is_paused.wait()

        meanwhile = await other.sent("And me?")
        model.may_go_on.set()
        await asking
        afterwards = await other.asks("And me?")

    assert refused(meanwhile) == (429, "rate_limit_exceeded")
    assert meanwhile.headers["retry-after"] == "1"
    assert afterwards.last == "done"
    assert len(await settled(acme)) == 2
