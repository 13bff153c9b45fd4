"""docs/rules/sessions.md, example by example, over HTTP: where somebody is signed in, and ending it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.offices import PASSWORD, TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.rows import rows_of_everything
from tests.support.signing_in import SESSION, WRONG, StoppedClock, events_of, token_of, with_token


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[TestOffice]:
    """A Bursar whose clock is turned by hand."""
    async with running_office(fresh_database, clock=StoppedClock()) as running:
        yield running


async def sessions_of(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    response = await client.get("/api/v1/own/sessions", params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["sessions"]
    return found


@pytest.mark.rule("SESSION-13")
@pytest.mark.parametrize("name", ["acme-member", "root"])
async def test_everybody_sees_their_own_sign_ins_the_latest_first_and_nobody_elses(
    house: TestOffice, name: str
) -> None:
    await house.tenant()
    await house.super_admin()
    await house.signed_in("acme-admin")
    browser = house.visitor(**{"user-agent": "Firefox on a lamp"})
    await browser.post(SESSION, json={"name": name, "password": PASSWORD})
    house.clock.turn(timedelta(minutes=10))
    here = await house.signed_in(name)

    first, second = (await sessions_of(here))[:2]
    page = (await here.get("/api/v1/own/sessions", params={"limit": 1})).json()
    rest = await sessions_of(here, cursor=page["next_cursor"])

    assert (first["is_current"], second["is_current"]) == (True, False)
    assert first["id"].startswith("ses_")
    assert (second["address"], second["user_agent"]) == ("127.0.0.1", "Firefox on a lamp")
    assert (second["method"], second["created_at"] < first["created_at"]) == ("password", True)
    assert [page["sessions"][0], *rest][:2] == [first, second]
    assert (await here.get("/api/v1/own/sessions", params={"cursor": "x"})).status_code == 422


@pytest.mark.rule("SESSION-13")
async def test_one_sign_in_is_ended_by_its_owner_and_is_unknown_to_others(house: TestOffice) -> None:
    await house.tenant()
    here, there = await house.signed_in("acme-member"), await house.signed_in("acme-member")
    stranger = await house.signed_in("acme-admin")
    (other,) = [seen for seen in await sessions_of(here) if not seen["is_current"]]
    path = f"/api/v1/own/sessions/{other['id']}"

    not_theirs = await stranger.delete(path)
    ended = await here.delete(path, headers={"idempotency-key": "end"})
    again = await here.delete(path)
    repeated = await here.delete(path, headers={"idempotency-key": "end"})

    assert (not_theirs.status_code, not_theirs.json()["code"]) == (404, "session_unknown")
    assert (ended.status_code, ended.json()) == (200, {"ended": 1})
    assert (again.status_code, again.json()["code"]) == (404, "session_unknown")
    assert (repeated.content, repeated.headers["idempotent-replayed"]) == (ended.content, "true")
    assert (await there.get(SESSION)).status_code == 401
    assert (await here.get(SESSION)).status_code == 200


@pytest.mark.rule("SESSION-13")
@pytest.mark.parametrize("name", ["acme-member", "root"])
async def test_all_sign_ins_but_this_one_are_ended(house: TestOffice, name: str) -> None:
    await house.tenant()
    await house.super_admin()
    unused = await house.signed_in(name)
    house.clock.turn(timedelta(hours=13))
    others = [await house.signed_in(name) for _ in range(3)]
    here, somebody_else = await house.signed_in(name), await house.signed_in("acme-admin")

    ended = await here.delete("/api/v1/own/sessions")

    assert ended.json() == {"ended": 3}
    assert {(await client.get(SESSION)).status_code for client in (*others, unused)} == {401}
    assert {(await client.get(SESSION)).status_code for client in (here, somebody_else)} == {200}
    assert (await here.delete("/api/v1/own/sessions")).json() == {"ended": 0}


@pytest.mark.rule("SESSION-13")
async def test_admins_end_the_sign_ins_of_those_they_may_edit(house: TestOffice) -> None:
    place = await house.tenant("Acme")
    await house.tenant("Globex")
    member, admin = await house.signed_in("acme-member"), await house.signed_in("acme-admin")
    theirs = await house.signed_in("globex-admin")
    before = await rows_of_everything(house)

    refused = [
        await member.delete(f"/api/v1/members/{place.admin_id}/sessions"),
        await theirs.delete(f"/api/v1/members/{place.member_id}/sessions"),
        await admin.delete(f"/api/v1/members/{place.admin_id}/sessions"),
    ]
    unchanged = await rows_of_everything(house)
    ended = await admin.delete(f"/api/v1/members/{place.member_id}/sessions")

    codes = [(answer.status_code, answer.json()["code"]) for answer in refused]
    assert codes == [(403, "not_permitted"), (404, "member_unknown"), (403, "not_to_oneself")]
    assert unchanged == before
    assert ended.json() == {"ended": 1}
    assert (await member.get(SESSION)).status_code == 401
    assert (await house.visitor().post(SESSION, json={"name": "acme-member", "password": PASSWORD})).status_code == 200
    (event,) = await events_of(house, place, "sessions_ended")
    assert (event["actor_id"], event["subject_id"]) == (place.admin.member_id, place.member.member_id)
    assert event["detail"] == {"ended": "1"}


@pytest.mark.rule("SESSION-13")
async def test_signing_out_ends_the_sign_in_for_whoever_kept_the_token_and_twice_is_harmless(
    house: TestOffice,
) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    token = token_of(client)

    answers = [
        await client.delete(SESSION, headers={"idempotency-key": "out", "cookie": f"bursar_session={token}"})
        for _ in range(2)
    ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert "bursar_session" not in client.cookies
    assert (await with_token(house, token)).status_code == 401


@pytest.mark.rule("SESSION-14")
async def test_signing_in_and_out_stand_in_the_audit_log_with_address_and_browser(house: TestOffice) -> None:
    place = await house.tenant()
    browser = house.visitor(**{"user-agent": "Firefox on a lamp"})
    await browser.post(SESSION, json={"name": "acme-member", "password": WRONG})
    signed_in = await browser.post(SESSION, json={"name": "acme-member", "password": PASSWORD})
    house.clock.turn(timedelta(seconds=1))
    signed_out = await browser.delete(SESSION)

    came, went = await events_of(house, place, "signed_in", "signed_out")

    assert (came["kind"], went["kind"]) == ("signed_in", "signed_out")
    for event, answer in ((came, signed_in), (went, signed_out)):
        assert event["actor_id"] == event["subject_id"] == place.member.member_id
        assert (event["address"], event["request_id"]) == ("127.0.0.1", answer.headers["x-request-id"])
        assert event["detail"]["user_agent"] == "Firefox on a lamp"
        assert event["detail"]["session_id"].startswith("ses_")


@pytest.mark.rule("SESSION-14")
async def test_a_super_admin_signing_in_and_out_stands_in_the_platforms_log(house: TestOffice) -> None:
    root = await house.super_admin()
    house.clock.turn(timedelta(seconds=1))
    await root.delete(SESSION)

    async with house.desk.platform.pool.acquire() as connection:
        rows = await connection.fetch("select kind, actor_kind, address from platform_events order by event_id")

    expected = [("signed_in", "platform_admin", "127.0.0.1"), ("signed_out", "platform_admin", "127.0.0.1")]
    assert [tuple(row) for row in rows if row["kind"].startswith("signed_")] == expected
