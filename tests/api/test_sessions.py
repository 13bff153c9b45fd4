"""Signing in and out over HTTP: what is told, the cookies, where a client is, and who may cause a write."""

from __future__ import annotations

import hashlib
import json

import httpx
import pytest

from bursar.config import CannotStart, read_settings
from tests.support.offices import PASSWORD, TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.rows import rows_of_everything
from tests.support.signing_in import StoppedClock, tried


async def test_a_super_admin_signs_in_and_belongs_to_no_tenant(house: TestOffice) -> None:
    client = await house.super_admin()

    session = (await client.get("/api/v1/session")).json()

    assert session["person"].pop("id").startswith("adm_")
    assert session == {
        "person": {"username": "root", "display_name": "Root", "email": "root@example.com"},
        "role": "super_admin",
        "role_label": "Super admin",
        "tenant": None,
        "remaining": None,
        "key_id": None,
    }


async def test_a_made_up_cookie_is_nobody(house: TestOffice) -> None:
    for cookie in ("x", "x" * 5000, "%00", "é"):
        response = await house.visitor().get(
            "/api/v1/session", headers=httpx.Headers([(b"cookie", f"bursar_session={cookie}".encode())])
        )
        assert response.status_code == 401


async def test_a_member_has_a_tenant_and_something_to_spend(house: TestOffice) -> None:
    place = await house.tenant()

    session = (await (await house.signed_in("acme-member")).get("/api/v1/session")).json()

    assert session["role"] == "member"
    tenant = {"id": place.tenant_id, "name": "Acme Robotics", "display": "credits", "contact": None}
    assert session["tenant"] == tenant
    assert session["remaining"] == "0.00"


@pytest.mark.parametrize("name", ["\x00", "\ufb00", "\U0001f600" * 100, "a" * 250])
async def test_a_name_that_nobody_can_have_is_a_name_like_any_other(house: TestOffice, name: str) -> None:
    response = await house.visitor().post("/api/v1/session", json={"name": name, "password": "wrong password"})

    assert (response.status_code, response.json()["code"]) == (401, "sign_in_failed")


async def test_text_that_is_none_is_refused_with_its_field(house: TestOffice) -> None:
    visitor = house.visitor()

    for field in ("name", "password"):
        body = {"name": "nobody", "password": "wrong password"} | {field: "half a letter: \ud800"}
        response = await visitor.post(
            "/api/v1/session", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        assert (response.status_code, response.json()["code"]) == (422, "invalid_input")


BODY = {"name": "acme-member", "password": PASSWORD}
COOKIES = ["bursar_session", "bursar_device"]


def cookies_in(response: httpx.Response) -> list[str]:
    return [line.lower() for line in response.headers.get_list("set-cookie")]


@pytest.mark.rule("SESSION-11")
async def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites_and_travel_over_https_only(
    fresh_database: FreshDatabase,
) -> None:
    async with running_office(fresh_database, trusted_proxies=("127.0.0.1",)) as house:
        await house.tenant()
        here = await house.visitor().post("/api/v1/session", json=BODY)
        elsewhere = await house.visitor(host="bursar.example.com").post("/api/v1/session", json=BODY)
        proxied = await house.visitor(**{"x-forwarded-proto": "https"}).post("/api/v1/session", json=BODY)

    for response, is_secure in ((here, False), (elsewhere, True), (proxied, True)):
        cookies = cookies_in(response)
        assert [cookie.partition("=")[0] for cookie in cookies] == COOKIES
        for cookie in cookies:
            assert {"httponly", "path=/", "samesite=lax"} <= set(cookie.split("; "))
            assert "domain" not in cookie
            assert ("secure" in cookie.split("; ")) == is_secure


@pytest.mark.rule("SESSION-11")
async def test_signing_out_takes_the_cookie_away_and_leaves_the_device_known(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")

    response = await client.delete("/api/v1/session")

    (cookie,) = cookies_in(response)
    assert cookie.startswith('bursar_session=""; httponly; max-age=0; path=/')
    assert list(client.cookies) == ["bursar_device"]


@pytest.mark.rule("SESSION-11")
async def test_the_database_holds_no_token_that_could_be_used(house: TestOffice) -> None:
    await house.tenant()
    token = (await house.signed_in("acme-member")).cookies["bursar_session"]

    async with house.desk.platform.pool.acquire() as connection:
        stored = await connection.fetchval("select token_hash from session_tokens")

    assert len(stored) == 32
    assert hashlib.sha256(token.encode()).digest() != stored
    assert token.encode() not in stored


FORWARDED = {"x-forwarded-for": "198.51.100.66, 203.0.113.7", "x-forwarded-proto": "https"}


async def address_of_sign_in(house: TestOffice, **headers: str) -> str:
    """The address that the person's own list of sign-ins shows for one with these headers."""
    client = house.visitor()
    await client.post("/api/v1/session", json=BODY, headers=headers)
    token = client.cookies["bursar_session"]
    listed = await client.get("/api/v1/own/sessions", headers={"cookie": f"bursar_session={token}"})
    address: str = listed.json()["sessions"][0]["address"]
    return address


@pytest.mark.rule("SESSION-17")
@pytest.mark.parametrize(
    ("trusted", "address"),
    [
        ((), "127.0.0.1"),
        ("192.0.2.0/24", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7"),
        ("127.0.0.0/8, 203.0.113.0/24", "198.51.100.66"),
    ],
)
async def test_only_a_trusted_proxy_says_where_a_client_is(
    fresh_database: FreshDatabase, trusted: str | tuple[str, ...], address: str
) -> None:
    async with running_office(fresh_database, trusted_proxies=trusted) as house:
        await house.tenant()

        assert await address_of_sign_in(house, **FORWARDED) == address


@pytest.mark.rule("SESSION-17")
async def test_who_forwards_oneself_gets_no_further_attempts_and_no_secure_cookie(
    fresh_database: FreshDatabase,
) -> None:
    async with running_office(fresh_database, clock=StoppedClock()) as house:
        await house.tenant()
        answers = [await tried(house, address=f"203.0.113.{number}") for number in range(8)]
        another = await house.visitor().post("/api/v1/session", json={**BODY, "name": "acme-admin"}, headers=FORWARDED)

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert all("secure" not in cookie.split("; ") for cookie in cookies_in(another))


@pytest.mark.rule("SESSION-17")
@pytest.mark.parametrize("written", ["10.0.0.1/8", "proxy.example.com", "*", 7])
def test_what_is_no_address_is_no_proxy(written: object) -> None:
    with pytest.raises(CannotStart) as caught:
        read_settings(trusted_proxies=written)

    assert "trusted_proxies" in caught.value.sentence


@pytest.mark.rule("SESSION-17")
def test_proxies_are_read_with_commas_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_TRUSTED_PROXIES", "127.0.0.1, 2001:db8::/32")

    assert [str(network) for network in read_settings().trusted_proxies] == ["127.0.0.1/32", "2001:db8::/32"]


@pytest.mark.rule("SESSION-18")
@pytest.mark.parametrize(
    "caused", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}]
)
async def test_another_site_changes_nothing_in_the_name_of_who_is_signed_in(
    house: TestOffice, caused: dict[str, str]
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    refused = [
        await admin.post("/api/v1/groups", json={"name": "Theirs"}, headers=caused),
        await admin.post("/api/v1/groups", content="{}", headers={**caused, "content-type": "text/plain"}),
        await admin.put("/api/v1/own/password", json={}, headers=caused),
        await admin.delete("/api/v1/session", headers=caused),
        await admin.delete("/api/v1/own/sessions", headers=caused),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "cross_site")}
    assert await rows_of_everything(house) == before
    assert (await admin.get("/api/v1/session", headers=caused)).status_code == 200


@pytest.mark.rule("SESSION-18")
@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
async def test_a_form_is_refused_even_where_the_browser_does_not_say_whose_it_is(house: TestOffice, form: str) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    response = await admin.post("/api/v1/groups", content='{"name": "Theirs"}', headers={"content-type": form})

    assert (response.status_code, response.json()["code"]) == (415, "media_type_unsupported")
