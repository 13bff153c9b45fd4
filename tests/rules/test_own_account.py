"""docs/rules/sessions.md, example by example, over HTTP: what everybody may change of themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.support.offices import PASSWORD, TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.rows import rows_of_everything
from tests.support.signing_in import SESSION, WRONG, CountingPasswords, StoppedClock, events_of, token_of, with_token

ACCOUNT, OWN_PASSWORD = "/api/v1/own/account", "/api/v1/own/password"
NEW = "another good password"
EVERYBODY = ["root", "acme-admin", "acme-member"]


@pytest.fixture
def passwords() -> CountingPasswords:
    """What counts the checks of `house`."""
    return CountingPasswords()


@pytest.fixture
async def house(fresh_database: FreshDatabase, passwords: CountingPasswords) -> AsyncIterator[TestOffice]:
    """A Bursar with a super admin, whose clock is turned by hand."""
    async with running_office(fresh_database, passwords=passwords, clock=StoppedClock()) as running:
        await running.super_admin()
        yield running


async def changing(client: httpx.AsyncClient, current: str, new: str = NEW, key: str = "one") -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await client.put(OWN_PASSWORD, json=body, headers={"idempotency-key": key})


async def signs_in(house: TestOffice, name: str, password: str) -> int:
    answer = await house.visitor().post(SESSION, json={"name": name, "password": password})
    return answer.status_code


@pytest.mark.rule("SESSION-15")
@pytest.mark.parametrize("name", EVERYBODY)
async def test_everybody_changes_their_own_shown_name_and_nothing_else(house: TestOffice, name: str) -> None:
    await house.tenant()
    client = await house.signed_in(name)
    before = (await client.get(ACCOUNT)).json()

    answer = await client.patch(ACCOUNT, json={"display_name": "  Zoë Müller "})
    others = [await client.patch(ACCOUNT, json={field: "x"}) for field in ("username", "email", "role")]

    assert answer.json() == {**before, "display_name": "Zoë Müller"}
    assert (await client.get(ACCOUNT)).json() == answer.json()
    assert (await client.get(SESSION)).json()["person"]["display_name"] == "Zoë Müller"
    assert {answer.status_code for answer in others} == {422}


@pytest.mark.rule("SESSION-15")
async def test_the_new_name_is_found_told_of_once_and_changed_once(house: TestOffice) -> None:
    place = await house.tenant()
    client = await house.signed_in("acme-member")
    change = {"json": {"display_name": "Zoë Müller"}, "headers": {"idempotency-key": "name"}}

    first = await client.patch(ACCOUNT, **change)  # type: ignore[arg-type]
    before = await rows_of_everything(house)
    repeated = await client.patch(ACCOUNT, **change)  # type: ignore[arg-type]
    same = await client.patch(ACCOUNT, json={"display_name": "Zoë Müller"})

    assert (repeated.content, repeated.headers["idempotent-replayed"]) == (first.content, "true")
    assert same.json() == first.json()
    assert await rows_of_everything(house) == before
    assert [event["subject_id"] for event in await events_of(house, place, "profile_changed")] == [
        place.member.member_id
    ]
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id}}}'")
        changes = await connection.fetchval("select changes from events where kind = 'profile_changed'")
    admin = await house.signed_in("acme-admin")
    (found,) = (await admin.get("/api/v1/members", params={"search": "zoe muller"})).json()["members"]
    assert found["id"] == place.member_id
    assert json.loads(changes) == {"display_name": {"before": "Acme Member", "after": "Zoë Müller"}}


@pytest.mark.rule("SESSION-15")
@pytest.mark.parametrize("name", ["", "   ", "a\u200bb", "a\nb", "x" * 121])
async def test_a_name_that_no_screen_shows_is_refused(house: TestOffice, name: str) -> None:
    root = await house.signed_in("root")

    refused = await root.patch(ACCOUNT, json={"display_name": name})

    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "display_name")
    assert (await root.get(ACCOUNT)).json()["display_name"] == "Root"


@pytest.mark.rule("SESSION-16")
@pytest.mark.parametrize("name", EVERYBODY)
async def test_changing_ones_password_ends_all_other_sign_ins_and_changes_this_ones_token(
    house: TestOffice, name: str
) -> None:
    await house.tenant()
    here, there = await house.signed_in(name), await house.signed_in(name)
    somebody_else = await house.signed_in("acme-admin" if name != "acme-admin" else "acme-member")
    old = token_of(here)

    answer = await changing(here, PASSWORD)

    assert answer.status_code == 200, answer.text
    assert answer.json()["ended_sessions"] >= 1
    assert (await there.get(SESSION)).status_code == 401
    assert [(await client.get(SESSION)).status_code for client in (here, somebody_else)] == [200, 200]
    assert token_of(here) != old
    assert [await signs_in(house, name, password) for password in (PASSWORD, NEW)] == [401, 200]
    house.clock.turn(timedelta(seconds=60))
    assert (await with_token(house, old)).status_code == 401


@pytest.mark.rule("SESSION-16")
async def test_a_repeat_gets_the_first_answer_and_the_token_it_has_missed(house: TestOffice) -> None:
    place = await house.tenant()
    here = await house.signed_in("acme-member")
    old = {"cookie": f"bursar_session={token_of(here)}", "idempotency-key": "one"}
    body = {"current_password": PASSWORD, "new_password": NEW}
    async with httpx.AsyncClient(base_url=house.url) as forgetful:
        first = await forgetful.put(OWN_PASSWORD, json=body, headers=old)
        repeated = await forgetful.put(OWN_PASSWORD, json=body, headers=old)

    assert (repeated.content, repeated.headers["idempotent-replayed"]) == (first.content, "true")
    assert repeated.cookies["bursar_session"] == first.cookies["bursar_session"]
    assert (await with_token(house, repeated.cookies["bursar_session"])).status_code == 200
    (event,) = await events_of(house, place, "password_changed")
    assert event["detail"] == {"ended": "0"}


@pytest.mark.rule("SESSION-16")
async def test_a_wrong_present_password_changes_nothing(house: TestOffice) -> None:
    await house.tenant()
    here, there = await house.signed_in("acme-member"), await house.signed_in("acme-member")

    refused = await changing(here, WRONG)

    assert (refused.status_code, refused.json()["code"]) == (422, "password_wrong")
    assert refused.json()["fields"][0]["field"] == "current_password"
    assert "set-cookie" not in refused.headers
    assert (await there.get(SESSION)).status_code == 200
    assert await signs_in(house, "acme-member", PASSWORD) == 200


@pytest.mark.rule("SESSION-16")
async def test_a_new_password_that_is_too_short_is_refused_before_anything_is_checked(
    house: TestOffice, passwords: CountingPasswords
) -> None:
    root = await house.signed_in("root")
    before = passwords.checked

    refused = await changing(root, PASSWORD, "1234567")

    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "new_password")
    assert passwords.checked == before


@pytest.mark.rule("SESSION-16")
@pytest.mark.parametrize("name", ["root", "acme-member"])
async def test_a_stolen_session_cannot_guess_the_present_password(
    house: TestOffice, passwords: CountingPasswords, name: str
) -> None:
    await house.tenant()
    thief, owner = await house.signed_in(name), await house.signed_in(name)
    before = passwords.checked

    guesses = await asyncio.gather(*(changing(thief, f"guess {number}", key=str(number)) for number in range(12)))
    right = await changing(owner, PASSWORD)

    assert sorted(answer.status_code for answer in guesses) == [422] * 5 + [429] * 7
    assert (right.status_code, right.headers["retry-after"]) == (429, "1")
    assert passwords.checked - before == 5
    house.clock.turn(timedelta(seconds=1))
    assert (await changing(owner, PASSWORD, key="two")).status_code == 200
    assert (await thief.get(SESSION)).status_code == 401


@pytest.mark.rule("SESSION-16")
async def test_of_two_changes_at_once_one_wins(house: TestOffice) -> None:
    await house.tenant()
    first, second = await house.signed_in("acme-member"), await house.signed_in("acme-member")

    answers = await asyncio.gather(
        changing(first, PASSWORD, "the first new password"), changing(second, PASSWORD, "the second new password")
    )

    assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 422])
    works = [await signs_in(house, "acme-member", f"the {which} new password") for which in ("first", "second")]
    assert works == [200 if answer.status_code == 200 else 401 for answer in answers]
