"""Every route that changes something leaves an event that says who, when, from where and what; over all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi.routing import APIRoute

from bursar.api.app import ROUTERS
from bursar.domain.events import EVENTS
from bursar.domain.ids import parse_any_public_id
from bursar.domain.roles import Role
from tests.support.calls import SAMPLES
from tests.support.calls.scenes import Call, Sample, Scene, fresh_member, scene_of
from tests.support.offices import PASSWORD, TestOffice
from tests.support.talks import heard

SECRET_FIELDS = frozenset({"password", "current_password", "new_password", "secret", "token", "link", "code"})
"""Fields of bodies and answers whose text must stand in no event."""


def changing_routes() -> dict[str, APIRoute]:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return {route.name: route for route in routes if route.methods != {"GET"}}


def takes_a_key(route: APIRoute) -> bool:
    """Whether the route's answer is given again to whoever sends the same idempotency key."""
    parts = [route.dependant, *route.dependant.dependencies]
    return any(parameter.alias == "idempotency-key" for part in parts for parameter in part.header_params)


def test_every_route_that_changes_something_has_a_sample_here() -> None:
    assert set(SAMPLES) == set(changing_routes())
    assert {name for name, route in changing_routes().items() if not takes_a_key(route)} <= {
        "start_session", "end_session", "look_up_invitation_by_token",
    }  # fmt: skip


def test_only_calls_under_way_and_what_changes_nothing_leave_no_event() -> None:
    silent = {name for name, sample in SAMPLES.items() if sample.no_event}

    assert silent == {
        "create_hold", "settle_open_hold", "void_open_hold", "extend_open_hold", "create_charge",
        "look_up_invitation_by_token",
        "read_own_notification", "read_own_notifications",
        "begin_conversation", "rename_conversation", "delete_own_conversation", "send_message", "retry_answer",
    }  # fmt: skip


@dataclass(frozen=True)
class Sender:
    """Who sends a call, and under which id and kind the log knows them; somebody nameless is known by the answer."""

    client: httpx.AsyncClient
    scene: Scene
    identity: str | None
    kind: str
    tenant_id: str | None = None


async def sender_of(house: TestOffice, sample: Sample) -> Sender:
    """Somebody whom the sample works for, before a scene that fits."""
    place = await house.tenant()
    if sample.by is None:
        return Sender(house.visitor(), await scene_of(house, place), None, "member")
    if sample.by is Role.SUPER_ADMIN:
        client = await house.super_admin()
        return Sender(client, await scene_of(house, place), await id_of(client), "platform_admin", place.tenant_id)
    own = place.admin if sample.by is Role.TENANT_ADMIN else await fresh_member(house, place, sample.by)
    scene = await scene_of(house, place, own if sample.on_oneself else None)
    client = await house.signed_in(own.username)
    return Sender(client, scene, await id_of(client), "member")


async def id_of(client: httpx.AsyncClient) -> str:
    """Who is signed in."""
    identity: str = (await client.get("/api/v1/session")).json()["person"]["id"]
    return identity


async def sent(call: Call, sender: Sender, key: str | None = None) -> httpx.Response:
    headers = {"x-request-id": "sample-1"} | ({} if key is None else {"Idempotency-Key": key})
    return await call.sent(sender.client, tenant_id=sender.tenant_id, headers=headers)


@pytest.mark.rule("AUDIT-1", "NOTIFY-1")
@pytest.mark.parametrize("name", sorted(changing_routes()))
async def test_what_succeeds_is_told_once_and_completely_and_what_is_refused_is_not(
    house: TestOffice, name: str
) -> None:
    sample, route = SAMPLES[name], changing_routes()[name]
    sender = await sender_of(house, sample)
    call = await sample.prepare(sender.scene)
    before = await all_events(house)

    refused = await refusals(house, sender, call)
    after_refusals = await all_events(house)
    answer = await sent(call, sender, "first")
    after = await all_events(house)
    told = after[len(before) :]

    assert all(response.status_code >= 400 for response in refused), [response.text for response in refused]
    assert after_refusals == before
    assert answer.is_success, answer.text
    told = [event for event in told if event["kind"] not in sample.by_bursar or event["actor_kind"] != "system"]
    assert bool(told) == (sample.no_event is None)
    assert await waiting_to_be_told(house) >= {event["event_id"] for event in told if "tenant_id" in event}
    check_complete(told, sample, sender, sender.identity or await id_of(sender.client) if told else "")
    if takes_a_key(route):
        again = await sent(call, sender, "first")
        assert (again.status_code, outcome_in(again, sample)) == (answer.status_code, outcome_in(answer, sample))
        assert again.headers.get("Idempotent-Replayed") == ("true" if sample.knows_repeats else None)
        more = (await all_events(house))[len(after) :]
        assert {event["kind"] for event in more} <= sample.told_again
    check_no_secret(await all_events(house), call, answer)


def outcome_in(answer: httpx.Response, sample: Sample) -> Any:
    """What an answer says; of a stream, how it began and the message that came of it."""
    if not sample.is_streamed:
        return answer.content
    said = heard(answer)
    return said.started, said.text, said.last, said.answer


def test_a_secret_that_stands_in_an_event_is_found() -> None:
    call = Call("POST", "/members", {"username": "eve", "password": "hunter22"})
    told = {"id": "key_1", "secret": "sk-12345", "codes": [{"id": "cod_1", "code": "ABCD-EFGH"}]}
    answer = httpx.Response(201, json=told, request=httpx.Request("POST", "http://bursar/members"))

    check_no_secret([{"detail": {"username": "eve", "id": "key_1", "code_id": "cod_1"}}], call, answer)
    for secret in (PASSWORD, "hunter22", "sk-12345", "ABCD-EFGH"):
        with pytest.raises(AssertionError):
            check_no_secret([{"changes": {"name": {"before": None, "after": f"x {secret}"}}}], call, answer)


async def refusals(house: TestOffice, sender: Sender, call: Call) -> list[httpx.Response]:
    """The answers to the call as it must not be sent: from another site, by nobody, with a key, password or token that
    is none."""
    elsewhere = {"sec-fetch-site": "cross-site"}
    responses = [await call.sent(sender.client, tenant_id=sender.tenant_id, headers=elsewhere)]
    if sender.identity is None:
        responses.append(await Call(call.method, call.path, spoilt(call.body)).sent(house.visitor()))
    elif call.path != "/session":  # signing out is harmless, whoever does it
        malformed = {"Idempotency-Key": "x" * 201}
        responses.append(await call.sent(house.visitor(), tenant_id=sender.tenant_id))
        responses.append(await call.sent(sender.client, tenant_id=sender.tenant_id, headers=malformed))
    return responses


def spoilt(body: dict[str, Any]) -> dict[str, Any]:
    """The body with another password, or with another token if it has one."""
    name = "token" if "token" in body else "password"
    return {**body, name: "not the right one"}


def check_complete(told: list[dict[str, Any]], sample: Sample, sender: Sender, identity: str) -> None:
    """Each event has all that an event has, and together they tell the fields that the sample says."""
    for event in told:
        _, actor_id = parse_any_public_id(identity, field="id")
        assert event["kind"] in EVENTS
        assert (event["actor_id"], event["actor_kind"]) == (str(actor_id), sender.kind)
        assert (event["address"], event["request_id"]) == ("127.0.0.1", "sample-1")
        assert event["happened_at"] is not None
        # Of these there is one in the whole installation.
        assert event["subject_id"] or event["subject_kind"] in {"price_list", "platform_settings"}, event
        for change in event["changes"].values():
            assert set(change) == {"before", "after"}
            assert change["before"] != change["after"]
    assert sample.changes <= {name for event in told for name in event["changes"]}


def check_no_secret(events: list[dict[str, Any]], call: Call, answer: httpx.Response) -> None:
    """What opens something stands in no event: passwords of bodies, secrets of answers, cookies."""
    secrets = {PASSWORD, *answer.cookies.values(), *secrets_in(call.body)}
    if answer.content and answer.headers["content-type"].startswith("application/json"):
        secrets.update(secrets_in(answer.json()))
    text = json.dumps(events, ensure_ascii=False)
    assert {secret for secret in secrets if secret in text} == set()


def secrets_in(value: Any, *, is_secret: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from secrets_in(part, is_secret=is_secret or name in SECRET_FIELDS)
    elif isinstance(value, list):
        for part in value:
            yield from secrets_in(part, is_secret=is_secret)
    elif isinstance(value, str) and is_secret:
        yield value.rpartition("#")[2]  # of a link, what opens it


async def waiting_to_be_told(house: TestOffice) -> set[str]:
    """The events in the outbox, out of which nobody takes any in these tests."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        return {str(row["event_id"]) for row in await connection.fetch("select event_id from bursar.outbox")}
    finally:
        await connection.close()


async def all_events(house: TestOffice) -> list[dict[str, Any]]:
    """Every event of every tenant and of the platform, in the order in which they were left."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        rows = await connection.fetch(
            """
            select to_jsonb(e) as event from bursar.events e
            union all
            select to_jsonb(p) from bursar.platform_events p
            order by event
            """
        )
    finally:
        await connection.close()
    return sorted((json.loads(row["event"]) for row in rows), key=lambda event: str(event["event_id"]))
