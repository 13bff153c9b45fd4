"""Who may call what, and what has to be there for it: refused before anything is sent, in the client's own words."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import MessageParam
from openai.types.chat import ChatCompletionMessageParam

from bursar.worker.holds import expire_holds
from tests.support.callers import Caller
from tests.support.keys import made_key
from tests.support.models import Studio, priced, studio
from tests.support.offices import TestOffice
from tests.support.scripted import DONE, LAST_USAGE, chat_answer, chunk, scripted, set_up, stalling, whole

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
MESSAGE: list[MessageParam] = [{"role": "user", "content": "Say hello."}]
MICRO_PER_TOKEN = 100_000


async def asks(acme: Studio, model: str = "simulated-small", **options: Any) -> Any:
    """One chat completion by OpenAI's client."""
    async with acme.openai() as client:
        return await client.chat.completions.create(model=model, messages=QUESTION, **options)


@pytest.mark.rule("CALL-5", "CALL-14")
async def test_a_member_who_was_never_given_credits_is_refused_until_somebody_gives_some(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    await acme.admin.patch("/settings", {"contact": "Dana in room 7"})
    with pytest.raises(openai.APIStatusError) as caught:
        await asks(acme)

    refusal = caught.value
    assert (refusal.status_code, refusal.code, refusal.type) == (402, "insufficient_quota", "insufficient_quota")
    assert isinstance(refusal.body, dict)
    assert refusal.body["scope"] == "member"
    assert refusal.body["available"] == "0.00"
    assert "renew at 20" in refusal.message
    assert "Ask Dana in room 7 for more." in refusal.message
    assert refusal.response.headers["x-should-retry"] == "false"
    assert await acme.rows() == []
    assert await acme.holds() == []
    await acme.admin.post("/allocations", {"member_id": acme.place.member_id, "amount": "200"})

    assert (await asks(acme)).usage.total_tokens == 14
    await acme.check()


@pytest.mark.rule("CALL-14")
async def test_anthropics_client_is_told_in_its_own_words_and_does_not_try_again(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    async with acme.anthropic(max_retries=3) as client:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(model="simulated-small", max_tokens=9, messages=MESSAGE)

    assert caught.value.status_code == 402
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "billing_error"
    assert caught.value.body["error"]["available"] == "0.00"


@pytest.mark.rule("SPEND-4", "CALL-5")
async def test_a_call_that_costs_more_than_is_left_goes_through_and_the_next_is_refused_until_it_is_covered(
    house: TestOffice,
) -> None:
    """12 are left, the call costs 17: balance -5; adding 4 is not enough, adding 2 more is."""
    acme = await studio(house, given="12")
    usage = {"prompt_tokens": 10, "completion_tokens": 160, "total_tokens": 170}
    async with scripted(whole({**chat_answer(), "usage": usage})) as script:
        await set_up(house, script)
        answered = await asks(acme, "gpt-test", max_tokens=20)
        left = await acme.left()
        with pytest.raises(openai.APIStatusError, match=r"-5\.00 left"):
            await asks(acme, "gpt-test", max_tokens=20)
        await acme.admin.post("/allocations", {"member_id": acme.place.member_id, "amount": "4"})
        with pytest.raises(openai.APIStatusError, match=r"-1\.00 left"):
            await asks(acme, "gpt-test", max_tokens=20)
        await acme.admin.post("/allocations", {"member_id": acme.place.member_id, "amount": "6"})
        async with scripted(whole(chat_answer())):
            again = await asks(acme, "gpt-test", max_tokens=1)

    assert answered.choices[0].message.content == again.choices[0].message.content == "Hello."
    assert left == "-5.00"
    await acme.check()


@pytest.mark.rule("CALL-8")
async def test_strict_bounds_an_answer_to_what_the_spender_can_pay_and_refuses_a_bound_that_is_too_dear(
    house: TestOffice,
) -> None:
    acme = await studio(house, given="100")
    await acme.admin.patch("/settings", {"admission": "strict"})
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script)
        await asks(acme, "gpt-test")
        (sent,) = script.calls
        with pytest.raises(openai.APIStatusError, match="Not enough credits"):
            await asks(acme, "gpt-test", max_tokens=2_000)

    (row,) = await acme.rows()
    size = len(sent.body.replace(b',"max_completion_tokens":%d' % sent.json["max_completion_tokens"], b""))
    # 100 credits are 1 000 tokens: each byte of the question may be one, and the rest is for the answer.
    assert sent.json["max_completion_tokens"] == 1_000 - size
    assert row["held_micro"] == 100_000_000
    assert len(script.calls) == 1
    await acme.check()


@pytest.mark.rule("CALL-8")
async def test_strict_refuses_a_call_whose_question_alone_is_too_dear(house: TestOffice) -> None:
    acme = await studio(house, given="1")
    await acme.admin.patch("/settings", {"admission": "strict"})
    with pytest.raises(openai.APIStatusError) as caught:
        await asks(acme)

    assert caught.value.code == "insufficient_quota"
    assert await acme.holds() == []


@pytest.mark.rule("CALL-5")
async def test_without_a_credit_factor_every_call_is_admitted_and_written_down_with_its_dollars(
    house: TestOffice,
) -> None:
    acme = await studio(house, given=None)
    await acme.admin.patch("/settings", {"credit_factor": "0"})
    await asks(acme)

    (row,) = await acme.rows()
    assert (row["credits_micro"], row["held_micro"], row["cost_pico"]) == (0, None, 14 * 10**9)
    assert await acme.holds() == []
    await acme.check()


@pytest.mark.rule("PRICE-9", "CALL-5")
async def test_a_factor_of_the_group_multiplies_what_its_members_calls_cost(house: TestOffice) -> None:
    acme = await studio(house)
    root = Caller(await house.super_admin())
    await root.put(
        f"/tenants/{acme.place.tenant_id}/groups/{acme.place.group_id}/price-factor", {"price_factor": "1.5"}
    )
    await asks(acme)

    (row,) = await acme.rows()
    assert (row["price_factor"], row["credits_micro"]) == (15_000, 14 * MICRO_PER_TOKEN * 3 // 2)
    await acme.check()


@pytest.mark.rule("SPEND-7", "CALL-5")
async def test_a_tenant_admins_own_calls_are_paid_from_the_pool(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    before = await acme.admin.get("/pool")
    made = await made_key(acme.admin.client)
    async with acme.openai(api_key=made["secret"]) as client:
        await client.chat.completions.create(model="simulated-small", messages=QUESTION)
    after = await acme.admin.get("/pool")

    assert float(before["available"]) - float(after["available"]) == pytest.approx(1.4)
    await acme.check()


@pytest.mark.rule("KEY-4")
async def test_a_key_calls_only_the_models_on_its_list(house: TestOffice) -> None:
    acme = await studio(house)
    made = await made_key(acme.member.client, allowed_models=["simulated-large"])
    async with acme.openai(api_key=made["secret"]) as client:
        await client.chat.completions.create(model="simulated-large", messages=QUESTION)
        with pytest.raises(openai.PermissionDeniedError, match="may not call simulated-small"):
            await client.chat.completions.create(model="simulated-small", messages=QUESTION)
        listed = [model.id async for model in client.models.list()]

    assert listed in ([], ["simulated-large"])
    assert len(await acme.rows()) == 1


@pytest.mark.rule("SPEND-9", "CALL-14")
async def test_a_keys_own_limit_of_credits_is_named_when_it_is_reached(house: TestOffice) -> None:
    acme = await studio(house)
    made = await made_key(acme.member.client, limits={"credits_in_total": "10"})
    async with acme.openai(api_key=made["secret"]) as client:
        await client.chat.completions.create(model="simulated-small", messages=QUESTION, max_tokens=11)
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model="simulated-small", messages=QUESTION, max_tokens=90)

    assert isinstance(caught.value.body, dict)
    assert (caught.value.code, caught.value.body["scope"]) == ("insufficient_quota", "api_key")
    assert caught.value.body["id"] == made["key"]["id"]
    assert caught.value.body["available"] == "8.60"
    await acme.check()


@pytest.mark.rule("PROVIDER-11")
async def test_a_model_that_nobody_runs_or_that_has_no_price_is_refused(house: TestOffice) -> None:
    acme = await studio(house)
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script, models=["gpt-test", "gpt-free"])
        with pytest.raises(openai.NotFoundError) as caught:
            await asks(acme, "gpt-unheard-of")

    assert (caught.value.code, caught.value.param) == ("model_unknown", "model")
    assert script.calls == []


@pytest.mark.rule("CALL-2")
@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"not json", "body"),
        (b'{"messages": []}', "model"),
        (b'{"model": 5}', "model"),
        (b'{"model": "simulated-small", "max_tokens": "many"}', "max_tokens"),
        (b'{"model": "simulated-small", "n": 0}', "n"),
        (b"[]", "body"),
    ],
)
async def test_nonsense_is_refused_by_the_name_of_its_field(house: TestOffice, body: bytes, param: str) -> None:
    acme = await studio(house)
    visitor = house.visitor(authorization=f"Bearer {acme.key}")
    of_openai = await visitor.post("/v1/chat/completions", content=body)
    of_anthropic = await visitor.post("/v1/messages", content=body)

    assert of_openai.status_code == of_anthropic.status_code == 400
    assert (of_openai.json()["error"]["code"], of_openai.json()["error"]["param"]) == ("invalid_input", param)
    assert of_anthropic.json()["error"]["type"] == "invalid_request_error"
    assert await acme.holds() == []


@pytest.mark.rule("CALL-12")
async def test_a_call_under_an_idempotency_key_is_made_once_even_if_both_come_at_once(house: TestOffice) -> None:
    acme = await studio(house)
    async with scripted(whole(chat_answer())) as script:
        await set_up(house, script)
        answers = await asyncio.gather(
            *(asks(acme, "gpt-test", extra_headers={"idempotency-key": "one"}) for _ in range(3)),
            return_exceptions=True,
        )
        other = await asks(acme, "gpt-test", extra_headers={"idempotency-key": "two"})

    refused = [answer for answer in answers if isinstance(answer, openai.ConflictError)]
    assert (len(refused), len(script.calls)) == (2, 2)
    assert {refusal.code for refusal in refused} == {"call_repeated"}
    assert other.choices[0].message.content == "Hello."
    await acme.check()


@pytest.mark.rule("CALL-12")
async def test_a_call_refused_for_want_of_credits_may_be_made_later_under_its_key(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    with pytest.raises(openai.APIStatusError):
        await asks(acme, extra_headers={"idempotency-key": "one"})
    await acme.admin.post("/allocations", {"member_id": acme.place.member_id, "amount": "200"})

    assert (await asks(acme, extra_headers={"idempotency-key": "one"})).usage.total_tokens == 14
    await acme.check()


@pytest.mark.rule("CALL-10")
async def test_a_stream_that_goes_on_keeps_its_hold_past_the_deadline_it_began_with(house: TestOffice) -> None:
    acme = await studio(house)
    steps = [asyncio.Event(), asyncio.Event()]

    async def slowly(call: Any) -> None:
        await call.begin(content_type="text/event-stream")
        await call.piece(chunk("One."))
        await steps[0].wait()
        await call.piece(chunk("Two."))
        await steps[1].wait()
        await call.piece(LAST_USAGE + DONE, is_last=True)

    most_of_a_deadline = timedelta(seconds=house.office.calls.counter.hold_seconds * 0.6)
    async with scripted(slowly) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            pieces = aiter(await client.chat.completions.create(model="gpt-test", messages=QUESTION, stream=True))
            await anext(pieces)
            house.clock.turn(most_of_a_deadline)
            steps[0].set()
            await anext(pieces)
            house.clock.turn(most_of_a_deadline)
            await expire_holds(house.desk)
            under_way = await acme.holds()
            steps[1].set()
            assert [piece async for piece in pieces] == []
        await acme.has_settled()

    assert under_way == [("open", None)]
    assert await acme.holds() == [("settled", 15 * MICRO_PER_TOKEN)]
    await acme.check()


@pytest.mark.rule("HOLD-6", "CALL-5")
async def test_a_call_whose_settlement_comes_after_its_deadline_is_charged_its_true_cost_once(
    house: TestOffice,
) -> None:
    acme = await studio(house)
    may_answer = asyncio.Event()

    async def late(call: Any) -> None:
        await may_answer.wait()
        await whole(chat_answer())(call)

    async with scripted(late) as script:
        await set_up(house, script)
        asking = asyncio.create_task(asks(acme, "gpt-test"))
        while not script.calls:  # noqa: ASYNC110 - the provider tells nobody
            await asyncio.sleep(0.01)
        house.clock.turn(timedelta(hours=2))
        await expire_holds(house.desk)
        expired = await acme.holds()
        may_answer.set()
        await asking

    assert expired == [("expired", 0)]
    assert await acme.holds() == [("settled_late", 15 * MICRO_PER_TOKEN)]
    (row,) = await acme.rows()
    assert row["credits_micro"] == 15 * MICRO_PER_TOKEN
    await acme.check()


@pytest.mark.rule("HOLD-7", "CALL-5")
async def test_a_call_that_failed_after_its_hold_was_charged_at_expiry_gets_all_of_it_back(house: TestOffice) -> None:
    acme = await studio(house)
    await acme.admin.patch("/settings", {"expired_holds": "settle"})
    may_fail = asyncio.Event()

    async def late(call: Any) -> None:
        await may_fail.wait()
        await whole({"error": {"message": "no"}}, status=500)(call)

    async with scripted(late) as script:
        await set_up(house, script)
        asking = asyncio.create_task(asks(acme, "gpt-test"))
        while not script.calls:  # noqa: ASYNC110 - the provider tells nobody
            await asyncio.sleep(0.01)
        house.clock.turn(timedelta(hours=2))
        await expire_holds(house.desk)
        ((state, charged),) = await acme.holds()
        may_fail.set()
        with pytest.raises(openai.InternalServerError):
            await asking

    assert (state, charged is not None and charged > 0) == ("expired", True)
    assert await acme.holds() == [("settled_late", 0)]
    assert await acme.left() == "1000.00"
    assert [row["outcome"] for row in await acme.rows()] == ["failed"]
    await acme.check()


@pytest.mark.rule("HOLD-12")
async def test_nobody_ends_the_hold_of_a_call_that_goes_through_here(house: TestOffice) -> None:
    acme = await studio(house)
    async with scripted(stalling(chunk("One."))) as script:
        await set_up(house, script)
        async with acme.openai() as client:
            raw = await client.chat.completions.with_raw_response.create(
                model="gpt-test", messages=QUESTION, stream=True
            )
            hold_id = raw.headers["x-bursar-call-id"].replace("cal_", "hld_")
            refusals = [
                await who.refused("POST", f"/holds/{hold_id}/{verb}", body)
                for who in (acme.member, acme.admin)
                for verb, body in (("settle", {"cost": "0"}), ("void", None), ("extend", {"seconds": 60}))
            ]
            script.going_on.set()

    assert {refusal["code"] for refusal in refusals} == {"not_permitted"}


@pytest.mark.rule("CALL-4", "PRICE-7")
async def test_cached_and_written_tokens_have_their_own_price(house: TestOffice) -> None:
    acme = await studio(house)
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}
    async with scripted(whole(json.loads(json.dumps({**chat_answer(), "usage": usage})))) as script:
        await set_up(house, script, input="1000", cached_read="100", output="2000")
        await priced(house, "upstream", "gpt-test", input="1000", cached_read="100", output="2000")
        await asks(acme, "gpt-test")

    (row,) = await acme.rows()
    assert row["cached_read_tokens"] == 60
    # (40 x 1 000 + 60 x 100 + 10 x 2 000) dollars for a million tokens, a hundred credits each.
    assert row["credits_micro"] == 6_600_000
    await acme.check()
