"""Keys at the gateway, over HTTP: which are let in, and what the others are told, in the caller's own dialect."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bursar.gateway.problems import PROBLEMS
from tests.support.keys import LET_IN, answer_at_the_gateway, made_key, model_client, owner_run, service_account
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import FreshDatabase

KEYS = "/api/v1/api-keys"
NOBODYS = f"sk-bursar-{'x' * 43}"


@pytest.mark.rule("KEY-10")
async def test_a_call_without_a_key_is_refused_in_the_dialect_of_openai(house: TestOffice) -> None:
    visitor = house.visitor()

    without = await visitor.post("/v1/chat/completions", json={}, headers={"x-request-id": "call-1"})
    wrong = await visitor.get("/v1/models", headers={"Authorization": f"Bearer {NOBODYS}"})

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.headers["x-should-retry"] == wrong.headers["x-should-retry"] == "false"
    assert without.headers["x-request-id"] == without.headers["request-id"] == "call-1"
    assert without.json() == {
        "error": {
            "message": "No API key was sent. Send yours as Authorization: Bearer, or as x-api-key.",
            "type": "authentication_error",
            "param": None,
            "code": "api_key_invalid",
        }
    }
    assert wrong.json()["error"]["message"] == "This API key is not valid."


@pytest.mark.rule("KEY-10")
async def test_a_call_without_a_key_is_refused_in_the_dialect_of_anthropic(house: TestOffice) -> None:
    response = await house.visitor().post("/v1/messages", json={}, headers={"x-api-key": NOBODYS})

    assert response.status_code == 401
    assert response.headers["x-should-retry"] == "false"
    body = response.json()
    assert body["type"] == "error"
    assert body["error"] == {"type": "authentication_error", "message": "This API key is not valid."}
    assert body["request_id"] == response.headers["request-id"]


@pytest.mark.rule("KEY-10")
async def test_a_key_is_taken_from_either_header_and_the_bearers_first(house: TestOffice) -> None:
    await house.tenant()
    secret = (await made_key(await house.signed_in("acme-member")))["secret"]
    visitor = house.visitor()

    answers = [
        await visitor.get("/v1/models", headers=headers)
        for headers in (
            {"Authorization": f"Bearer {secret}"},
            {"authorization": f"bearer   {secret}"},
            {"x-api-key": secret},
            {"Authorization": "Basic abc", "x-api-key": secret},
            {"Authorization": f"Bearer {secret}", "x-api-key": NOBODYS},
            {"Authorization": f"Bearer {NOBODYS}", "x-api-key": secret},
            {"Authorization": "Bearer", "x-api-key": secret},
            {"Authorization": secret},
            {"Authorization": f"Bearer {secret}x"},
            {"Authorization": f"Bearer {secret.swapcase()}"},
        )
    ]

    assert [answer.status_code for answer in answers] == [200] * 5 + [401] * 5


async def test_a_cookie_is_no_key(house: TestOffice) -> None:
    await house.tenant()

    response = await (await house.signed_in("acme-member")).get("/v1/models")

    assert response.status_code == 401


@pytest.mark.rule("KEY-6")
async def test_every_refusal_of_a_key_has_its_place_in_both_dialects(house: TestOffice) -> None:
    place = await house.tenant()
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    made = await made_key(member, expires_at=(house.clock.now() + timedelta(hours=1)).isoformat())
    secret, one = made["secret"], f"{KEYS}/{made['key']['id']}"
    management = (await made_key(boss, "management"))["secret"]

    assert await answer_at_the_gateway(house, secret) == LET_IN
    assert await answer_at_the_gateway(house, management) == (403, "api_key_kind_wrong")
    # From the last question to the first: each is asked before the ones that are answered already.
    await member.patch(one, json={"allowed_networks": ["192.0.2.0/24"]})
    assert await answer_at_the_gateway(house, secret) == (403, "network_not_allowed")
    await owner_run(house, f"update tenants set status = 'suspended' where tenant_id = '{place.tenant.tenant_id}'")
    assert await answer_at_the_gateway(house, secret) == (403, "tenant_suspended")
    await owner_run(house, f"update members set status = 'disabled' where member_id = '{place.member.member_id}'")
    assert await answer_at_the_gateway(house, secret) == (403, "api_key_disabled")
    await owner_run(house, "update api_keys set status = 'disabled' where kind = 'model'")
    assert await answer_at_the_gateway(house, secret) == (403, "api_key_disabled")
    house.clock.turn(timedelta(hours=2))
    assert await answer_at_the_gateway(house, secret) == (401, "api_key_expired")
    await owner_run(
        house,
        "update members set status = 'deleted', deleted_at = now(), email = null, password_hash = null,"
        f" search_text = '' where member_id = '{place.member.member_id}'",
    )
    assert await answer_at_the_gateway(house, secret) == (401, "api_key_invalid")
    for code, problem in PROBLEMS.items():
        if problem.status in (401, 403):
            assert problem.may_retry is False, code


@pytest.mark.rule("KEY-6")
async def test_a_disabled_key_stops_at_once_and_works_again_when_it_is_enabled(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    made = await made_key(member)
    secret, one = made["secret"], f"{KEYS}/{made['key']['id']}"

    assert await answer_at_the_gateway(house, secret) == LET_IN
    await member.post(f"{one}/disable")
    assert await answer_at_the_gateway(house, secret) == (403, "api_key_disabled")
    await member.post(f"{one}/enable")
    assert await answer_at_the_gateway(house, secret) == LET_IN
    await member.delete(one)
    assert await answer_at_the_gateway(house, secret) == (401, "api_key_invalid")


@pytest.mark.rule("KEY-6")
async def test_a_disabled_members_keys_stop_on_every_process_and_work_again_after_enabling(
    fresh_database: FreshDatabase,
) -> None:
    async with running_office(fresh_database) as here, running_office(fresh_database) as there:
        place = await here.tenant()
        secret = (await made_key(await here.signed_in("acme-member")))["secret"]
        switched = f"where member_id = '{place.member.member_id}'"

        async def answers() -> list[tuple[int, str | None]]:
            return [await answer_at_the_gateway(office, secret) for office in (here, there)]

        assert await answers() == [LET_IN, LET_IN]
        await owner_run(here, f"update members set status = 'disabled' {switched}")
        assert await answers() == [(403, "api_key_disabled")] * 2
        await owner_run(here, f"update members set status = 'active' {switched}")
        assert await answers() == [LET_IN, LET_IN]


@pytest.mark.rule("KEY-7")
async def test_a_rotated_secret_stops_at_once_or_after_the_overlap(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    made = await made_key(member)
    first, rotate = made["secret"], f"{KEYS}/{made['key']['id']}/rotate"

    second = (await member.post(rotate, json={"overlap_seconds": 600})).json()["secret"]
    assert [await answer_at_the_gateway(house, secret) for secret in (first, second)] == [LET_IN, LET_IN]
    third = (await member.post(rotate, json={"overlap_seconds": 600})).json()["secret"]
    assert await answer_at_the_gateway(house, first) == (401, "api_key_invalid")
    assert [await answer_at_the_gateway(house, secret) for secret in (second, third)] == [LET_IN, LET_IN]
    house.clock.turn(timedelta(seconds=601))
    assert await answer_at_the_gateway(house, second) == (401, "api_key_invalid")
    assert await answer_at_the_gateway(house, third) == LET_IN
    member = await house.signed_in("acme-member")
    fourth = (await member.post(rotate)).json()["secret"]
    assert await answer_at_the_gateway(house, third) == (401, "api_key_invalid")
    assert await answer_at_the_gateway(house, fourth) == LET_IN


@pytest.mark.rule("KEY-4")
async def test_a_key_bound_to_a_network_works_from_there_only(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")

    here = await made_key(member, allowed_networks=["127.0.0.0/8"])
    nowhere = await made_key(member, allowed_networks=[])

    assert await answer_at_the_gateway(house, here["secret"]) == LET_IN
    assert await answer_at_the_gateway(house, nowhere["secret"]) == (403, "network_not_allowed")


async def test_the_key_of_a_service_account_is_let_in(house: TestOffice) -> None:
    place = await house.tenant()
    meter = await service_account(house, place, "meter")

    made = await made_key(await house.signed_in("acme-admin"), member_id=meter)

    assert await answer_at_the_gateway(house, made["secret"]) == LET_IN


async def test_a_database_that_is_gone_is_told_as_an_outage(house: TestOffice) -> None:
    await house.tenant()
    secret = (await made_key(await house.signed_in("acme-member")))["secret"]
    await house.desk.platform.close()

    response = await model_client(house, secret).get("/v1/models")

    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert response.headers["x-should-retry"] == "true"
