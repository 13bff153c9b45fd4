"""docs/rules/sessions.md, example by example, over HTTP: signing in and staying signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.support.offices import PASSWORD, TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.signing_in import SESSION, WRONG, CountingPasswords, StoppedClock, changed, token_of, with_token


@pytest.fixture
def passwords() -> CountingPasswords:
    """What counts the checks of `house`."""
    return CountingPasswords()


@pytest.fixture
async def house(fresh_database: FreshDatabase, passwords: CountingPasswords) -> AsyncIterator[TestOffice]:
    """A Bursar whose clock is turned by hand, and whose checks of passwords are counted."""
    async with running_office(fresh_database, passwords=passwords, clock=StoppedClock()) as running:
        yield running


async def sign_in(house: TestOffice, name: str, password: str = PASSWORD) -> httpx.Response:
    return await house.visitor().post(SESSION, json={"name": name, "password": password})


DISABLED = "update members set status = 'disabled' where tenant_id = $1 and role = 'member'"
ENABLED = "update members set status = 'active' where tenant_id = $1 and role = 'member'"
SUSPENDED = "update tenants set status = 'suspended' where tenant_id = $1"
RESUMED = "update tenants set status = 'active' where tenant_id = $1"
AN_APPLICATION = "update members set kind = 'service_account' where tenant_id = $1 and role = 'member'"


@pytest.mark.rule("SESSION-1")
@pytest.mark.parametrize("name", ["acme-member", "ACME-Member", " Acme-Member@Example.com ", "root", "acme-admin"])
async def test_everybody_signs_in_at_one_address_by_username_or_email(house: TestOffice, name: str) -> None:
    await house.tenant()
    await house.super_admin()

    assert (await sign_in(house, name)).status_code == 200


@pytest.mark.rule("SESSION-2")
async def test_an_unknown_name_and_a_wrong_password_get_the_same_answer_after_one_check(
    house: TestOffice, passwords: CountingPasswords
) -> None:
    place = await house.tenant()
    await house.super_admin()
    said, checks = set(), []

    for name in ("acme-member", "root", "nobody", "nobody@example.com"):
        before = passwords.checked
        answer = await sign_in(house, name, WRONG)
        checks.append(passwords.checked - before)
        said.add((answer.status_code, answer.json()["detail"], answer.json()["code"], "set-cookie" in answer.headers))
    for statement in (DISABLED, SUSPENDED, ENABLED, AN_APPLICATION):
        await changed(house, place, statement)
        before = passwords.checked
        answer = await sign_in(house, "acme-member@example.com", WRONG)
        checks.append(passwords.checked - before)
        said.add((answer.status_code, answer.json()["detail"], answer.json()["code"], "set-cookie" in answer.headers))

    assert said == {(401, "The name or the password is wrong.", "sign_in_failed", False)}
    assert checks == [1] * 8


@pytest.mark.rule("SESSION-3")
@pytest.mark.parametrize(
    ("statements", "status", "code"),
    [
        ([DISABLED], 403, "member_disabled"),
        ([SUSPENDED], 403, "tenant_suspended"),
        ([DISABLED, SUSPENDED], 403, "tenant_suspended"),
        ([AN_APPLICATION], 401, "sign_in_failed"),
        ([DISABLED, ENABLED], 200, None),
    ],
)
async def test_only_whoever_knows_the_password_is_told_why_not(
    house: TestOffice, passwords: CountingPasswords, statements: list[str], status: int, code: str | None
) -> None:
    place = await house.tenant()
    for statement in statements:
        await changed(house, place, statement)

    wrong, right = await sign_in(house, "acme-member", WRONG), await sign_in(house, "acme-member")

    assert (wrong.status_code, wrong.json()["code"]) == (401, "sign_in_failed")
    assert (right.status_code, right.json().get("code")) == (status, code)
    assert ("set-cookie" in right.headers) == (status == 200)
    assert passwords.checked == 2


@pytest.mark.rule("SESSION-3")
async def test_a_disabled_super_admin_is_told_so_only_with_the_right_password(house: TestOffice) -> None:
    await house.super_admin()
    async with house.desk.platform.pool.acquire() as connection:
        await connection.execute("update platform_admins set disabled_at = now()")

    wrong, right = await sign_in(house, "root", WRONG), await sign_in(house, "root")

    assert (wrong.json()["code"], right.json()["code"]) == ("sign_in_failed", "member_disabled")


@pytest.mark.rule("SESSION-8")
async def test_signing_in_makes_a_new_token_and_ends_the_sign_in_that_one_came_with(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    first = token_of(client)

    failed = await client.post(SESSION, json={"name": "acme-admin", "password": WRONG})
    kept = await with_token(house, first)
    again = await client.post(SESSION, json={"name": "acme-admin", "password": PASSWORD})

    assert (failed.status_code, kept.status_code, again.status_code) == (401, 200, 200)
    assert token_of(client) != first
    assert (await with_token(house, first)).status_code == 401


@pytest.mark.rule("SESSION-8")
async def test_each_sign_in_is_its_own_whatever_key_comes_with_it(house: TestOffice) -> None:
    await house.tenant()
    body = {"name": "acme-member", "password": PASSWORD}

    first, second = [await house.visitor().post(SESSION, json=body, headers={"idempotency-key": "k"}) for _ in "ab"]

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.cookies["bursar_session"] != second.cookies["bursar_session"]
    assert "idempotent-replayed" not in second.headers


@pytest.mark.rule("SESSION-8")
async def test_a_password_that_was_changed_while_it_was_checked_opens_nothing(
    house: TestOffice, passwords: CountingPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await house.tenant()
    check = passwords.matches

    async def changed_meanwhile(stored: str | None, password: str) -> bool:
        is_right = await check(stored, password)
        await changed(house, place, "update members set password_hash = 'another' where tenant_id = $1")
        return is_right

    monkeypatch.setattr(passwords, "matches", changed_meanwhile)

    answer = await sign_in(house, "acme-member")

    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_failed")


@pytest.mark.rule("SESSION-9")
async def test_a_used_token_changes_every_hour_and_the_old_one_goes_a_minute_after_the_new_one_came(
    house: TestOffice,
) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    old = token_of(client)
    house.clock.turn(timedelta(minutes=59))
    assert "set-cookie" not in (await client.get(SESSION)).headers

    house.clock.turn(timedelta(minutes=1))
    answer = await client.get(SESSION)
    new = token_of(client)

    assert answer.headers["set-cookie"].startswith(f"bursar_session={new}; HttpOnly; Max-Age=601200; Path=/; SameSite")
    assert new != old
    house.clock.turn(timedelta(minutes=30))
    assert (await with_token(house, old)).status_code == 200
    assert (await with_token(house, new)).status_code == 200
    house.clock.turn(timedelta(seconds=59))
    assert (await with_token(house, old)).status_code == 200
    house.clock.turn(timedelta(seconds=1))
    assert (await with_token(house, old)).status_code == 401
    assert (await with_token(house, new)).status_code == 200


@pytest.mark.rule("SESSION-9")
async def test_a_page_of_requests_gets_one_new_token_and_none_of_them_fails(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-admin")
    old = token_of(client)
    house.clock.turn(timedelta(hours=1))

    paths = [SESSION, "/api/v1/pool", "/api/v1/members", "/api/v1/groups"] * 3
    answers = await asyncio.gather(*(with_token(house, old, path) for path in paths))
    carried = [answer.cookies["bursar_session"] for answer in answers if "set-cookie" in answer.headers]
    then = await asyncio.gather(*(with_token(house, token) for token in [old, *carried] * 4))

    assert {answer.status_code for answer in answers} == {200}
    assert len(carried) == 1
    assert {answer.status_code for answer in then} == {200}
    assert not any("set-cookie" in answer.headers for answer in then)


@pytest.mark.rule("SESSION-9")
@pytest.mark.parametrize(
    ("path", "status"),
    [(f"/api/v1/members/mem_{7:032x}", 404), ("/api/v1/tenants", 403), ("/api/v1/members?limit=x", 422)],
)
async def test_a_refusal_brings_the_new_token_as_well(house: TestOffice, path: str, status: int) -> None:
    await house.tenant()
    client = await house.signed_in("acme-admin")
    house.clock.turn(timedelta(hours=1))

    refused = await client.get(path)

    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert refused.cookies["bursar_session"] == token_of(client)
    assert (await with_token(house, token_of(client))).status_code == 200


@pytest.mark.rule("SESSION-9")
async def test_where_the_answer_with_the_new_token_was_lost_the_old_one_goes_on(house: TestOffice) -> None:
    await house.tenant()
    old = token_of(await house.signed_in("acme-member"))

    house.clock.turn(timedelta(hours=1))
    lost = (await with_token(house, old)).cookies["bursar_session"]
    house.clock.turn(timedelta(minutes=59))
    went_on = await with_token(house, old)
    house.clock.turn(timedelta(minutes=1))
    next_one = (await with_token(house, old)).cookies["bursar_session"]

    assert (went_on.status_code, "set-cookie" in went_on.headers) == (200, False)
    assert (await with_token(house, lost)).status_code == 401
    assert (await with_token(house, next_one)).status_code == 200


@pytest.mark.rule("SESSION-10")
async def test_a_sign_in_ends_when_it_is_not_used(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")

    statuses = []
    for hours in (11, 11, 12):
        house.clock.turn(timedelta(hours=hours))
        statuses.append((await client.get(SESSION)).status_code)

    assert statuses == [200, 200, 401]


@pytest.mark.rule("SESSION-10")
async def test_a_sign_in_ends_after_its_longest_life_however_much_it_is_used(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")

    for _ in range(16):
        house.clock.turn(timedelta(hours=10))
        assert (await client.get(SESSION)).status_code == 200
    house.clock.turn(timedelta(hours=8))

    assert (await client.get(SESSION)).status_code == 401


@pytest.mark.rule("SESSION-12")
@pytest.mark.parametrize(
    ("stop", "go_on", "code"), [(DISABLED, ENABLED, "member_disabled"), (SUSPENDED, RESUMED, "tenant_suspended")]
)
async def test_who_is_disabled_is_stopped_at_once_on_every_process_and_goes_on_when_enabled(
    house: TestOffice, fresh_database: FreshDatabase, stop: str, go_on: str, code: str
) -> None:
    place = await house.tenant()
    token = token_of(await house.signed_in("acme-member"))
    async with running_office(fresh_database, clock=house.clock) as second:
        assert [(await with_token(office, token)).status_code for office in (house, second)] == [200, 200]

        await changed(house, place, stop)
        stopped = [await with_token(office, token) for office in (house, second)]
        await changed(house, place, go_on)
        back = [await with_token(office, token) for office in (house, second)]

    assert [(answer.status_code, answer.json()["code"]) for answer in stopped] == [(403, code)] * 2
    assert [answer.status_code for answer in back] == [200, 200]
