"""Answers that break off, or never begin: what is kept of them, what is charged, and how they are asked for again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import openai
import pytest

from bursar.actions.answering import Answering, Said
from bursar.actions.call_desk import call_desk
from bursar.actions.desk import Asked
from bursar.actions.playground import playground_open
from bursar.domain.ids import parse_public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from bursar.gateway.limits import CallLimits
from bursar.gateway.room import Room
from tests.support.keys import refused
from tests.support.models import studio
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.speaking_models import WORDS, speaking
from tests.support.talks import begun, heard, listening, settled, until_ended

ALL = "".join(WORDS)
FIRST = "".join(WORDS[:3])
TOKEN_MICRO = 100_000
"""A dollar for a thousand tokens, and a hundred credits for a dollar."""


@pytest.mark.rule("CONV-6", "CONV-10")
async def test_who_leaves_mid_stream_leaves_the_provider_and_pays_for_what_was_produced(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, pauses_after=3) as model:
        talk = await begun(acme.member.client, "talker")

        async with listening(talk, "Tell me a story.") as events:
            text = ""
            async for _, data in events:
                text += data.get("text", "")
                if text == FIRST:
                    break
        await asyncio.wait_for(model.was_left.wait(), timeout=10)

        said = await until_ended(talk)
        answer = (await talk.read())["messages"][0]
    assert said[1] == ("assistant", "partial", FIRST)
    assert answer["error"]["code"] == "left"
    ((outcome, charged),) = await settled(acme)
    (row,) = await acme.rows()
    assert (outcome, row["is_estimated"], row["output_tokens"]) == ("cancelled", True, 3)
    assert 0 < charged == row["credits_micro"]


@pytest.mark.rule("CONV-6", "CONV-10")
async def test_a_provider_that_breaks_off_is_paid_for_what_it_delivered(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, breaks_after=3):
        talk = await begun(acme.member.client, "talker")

        said = await talk.asks("Tell me a story.")

    assert (said.last, said.ending["code"]) == ("error", "provider_broke")
    assert said.text == said.answer["text"] == FIRST
    assert (await talk.said())[1] == ("assistant", "partial", FIRST)
    ((outcome, charged),) = await settled(acme)
    assert (outcome, charged > 0) == ("broken", True)


@pytest.mark.rule("CONV-6", "CONV-10")
@pytest.mark.parametrize(
    ("status", "code"), [(500, "provider_failed"), (429, "provider_failed"), (400, "provider_refused")]
)
async def test_an_answer_that_never_began_costs_nothing(house: TestOffice, status: int, code: str) -> None:
    acme = await studio(house)
    async with speaking(house, status=status):
        talk = await begun(acme.member.client, "talker")

        said = await talk.asks("Tell me a story.")

    assert (said.last, said.ending["code"], said.ending["charged"]) == ("error", code, "0.00")
    assert said.ending["left"] == await acme.left() == "1000.00"
    assert await talk.said() == [("user", "complete", "Tell me a story."), ("assistant", "failed", "")]
    assert await settled(acme) == [("failed", 0)]


@pytest.mark.rule("CONV-6", "CONV-10")
async def test_an_answer_that_broke_off_before_its_first_word_costs_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, breaks_after=0):
        talk = await begun(acme.member.client, "talker")

        said = await talk.asks("Tell me a story.")

    assert (said.last, said.ending["code"], said.ending["charged"]) == ("error", "provider_broke", "0.00")
    assert (await talk.said())[1] == ("assistant", "failed", "")
    assert await settled(acme) == [("failed", 0)]


@pytest.mark.rule("CONV-10")
async def test_where_the_first_provider_fails_the_next_is_asked(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, status=503, name="first") as first, speaking(house, name="second", position=1) as second:
        talk = await begun(acme.member.client, "talker")

        said = await talk.asks("Tell me a story.")

    assert (said.last, said.text) == ("done", ALL)
    assert (len(first.asked), len(second.asked)) == (1, 1)
    (row,) = await acme.rows()
    assert (row["provider"], row["outcome"]) == ("second", "delivered")


@pytest.mark.rule("CONV-11")
async def test_an_answer_that_broke_off_is_asked_for_again_in_its_place(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, breaks_after=3) as model:
        talk = await begun(acme.member.client, "talker")
        broken = await talk.asks("Tell me a story.")
        model.breaks_after = None

        again = heard(await talk.retried(broken.answer["id"]))

        assert (again.started["question"], again.last, again.text) == (None, "done", ALL)
        assert again.answer["id"] == broken.answer["id"]
        assert again.answer["call_id"] != broken.answer["call_id"]
        assert await talk.said() == [("user", "complete", "Tell me a story."), ("assistant", "complete", ALL)]
        assert model.asked[0]["messages"] == model.asked[1]["messages"]
        assert refused(await talk.retried(broken.answer["id"])) == (409, "answer_not_retried")
        assert refused(await talk.retried(again.answer["call_id"])) == (422, "invalid_input")
        assert refused(await talk.retried("msg_" + "0" * 32)) == (404, "message_unknown")
    assert [outcome for outcome, _ in await settled(acme)] == ["broken", "delivered"]


@pytest.mark.rule("CONV-7")
async def test_an_answer_that_nobody_waits_for_any_more_has_failed_and_holds_up_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, pauses_after=3) as model:
        talk = await begun(acme.member.client, "talker")
        asking = asyncio.create_task(talk.asks("Tell me a story."))
        await model.is_paused.wait()
        assert refused(await talk.sent("Well?")) == (409, "conversation_busy")

        house.clock.turn(timedelta(minutes=15, seconds=1))
        # As after a crash: the row says that it is under way, and the time that nobody is.
        abandoned = (await talk.read())["messages"][0]
        model.pauses_after = None
        well = await talk.asks("Well?")
        model.may_go_on.set()
        await asking

    assert (abandoned["state"], abandoned["error"]["code"]) == ("failed", "interrupted")
    assert (well.last, well.text) == ("done", ALL)
    assert [state for _, state, _ in await talk.said()][2:] == ["complete", "complete"]


@pytest.mark.rule("CONV-5")
async def test_an_answer_under_way_in_a_deleted_conversation_is_charged_and_kept_nowhere(house: TestOffice) -> None:
    acme = await studio(house)
    async with speaking(house, pauses_after=3) as model:
        talk = await begun(acme.member.client, "talker")
        asking = asyncio.create_task(talk.asks("Tell me a story."))
        await model.is_paused.wait()

        await acme.member.delete(f"/conversations/{talk.id}")
        model.may_go_on.set()
        said = await asking

    assert (said.last, said.text) == ("done", ALL)
    assert await settled(acme) == [("delivered", 108 * TOKEN_MICRO)]


@pytest.mark.rule("CONV-6", "CALL-5")
async def test_an_office_that_closes_keeps_and_charges_what_was_said(house: TestOffice) -> None:
    acme = await studio(house)
    member = acme.place.member
    asked = Asked(Actor(Role.MEMBER, member.member_id, acme.place.tenant.tenant_id, member.display_name))
    async with speaking(house, pauses_after=3):
        talk = await begun(acme.member.client, "talker")
        conversation_id = parse_public_id("conversation", talk.id, field="id")
        async with (
            call_desk(house.desk, hold_seconds=1_200) as calls,
            playground_open(calls, CallLimits(house.clock), Room(calls_max=1, bytes_max=0)) as playground,
        ):
            answering = await playground.send(asked, conversation_id, "Tell me a story.")
            assert isinstance(answering, Answering)
            text = ""
            async for said in answering.events():
                assert isinstance(said, Said)
                text += said.text
                if text == FIRST:
                    break

        assert (await talk.said())[1] == ("assistant", "partial", FIRST)
        assert (await talk.read())["messages"][0]["error"]["code"] == "left"
    assert [outcome for outcome, _ in await settled(acme)] == ["cancelled"]


@pytest.mark.rule("CONV-9", "LIMIT-7")
async def test_answers_under_way_take_the_room_that_calls_with_a_key_take(fresh_database: FreshDatabase) -> None:
    async with running_office(fresh_database, gateway_calls_max=1) as house:
        acme = await studio(house)
        async with speaking(house, pauses_after=3) as model, acme.openai(max_retries=0) as keyed:
            talk, other = await begun(acme.member.client, "talker"), await begun(acme.member.client, "talker")
            asking = asyncio.create_task(talk.asks("Tell me a story."))
            await model.is_paused.wait()
            held = await acme.left()

            assert refused(await other.sent("And me?")) == (503, "overloaded")
            with pytest.raises(openai.InternalServerError, match="as many calls under way"):
                await keyed.chat.completions.create(model="talker", messages=[{"role": "user", "content": "Hi"}])

            assert (await other.said(), await acme.left()) == ([], held)
            model.may_go_on.set()
            assert (await asking).last == "done"
            await settled(acme)
            assert (await other.asks("And me?")).last == "done"
