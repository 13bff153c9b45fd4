"""Signing in and out over HTTP."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from bursar.db.transaction import writing
from tests.support.offices import PASSWORD, TestOffice


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


async def test_a_member_signs_in_by_username_or_email_in_any_spelling(house: TestOffice) -> None:
    place = await house.tenant()

    for name in ("acme-member", "ACME-Member", "Acme-Member@Example.com", "  acme-member  "):
        client = await house.signed_in(name)
        session = (await client.get("/api/v1/session")).json()
        assert session["role"] == "member"
        assert session["tenant"] == {"id": f"ten_{place.tenant.tenant_id.hex}", "name": "Acme Robotics"}
        assert session["remaining"] == "0.00"


@pytest.mark.parametrize("name", ["acme-member", "nobody", "nobody@example.com", "\x00", "ﬀ"])
async def test_unknown_name_and_wrong_password_are_told_the_same(house: TestOffice, name: str) -> None:
    await house.tenant()

    response = await house.visitor().post("/api/v1/session", json={"name": name, "password": "wrong password"})

    assert response.status_code == 401
    problem = response.json()
    assert problem["code"] == "sign_in_failed"
    assert problem["detail"] == "The name or the password is wrong."
    assert "set-cookie" not in response.headers


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: TestOffice) -> None:
    await house.tenant()

    body = {"name": "acme-member", "password": PASSWORD}
    here = await house.visitor().post("/api/v1/session", json=body)
    elsewhere = await house.visitor(host="bursar.example.com").post("/api/v1/session", json=body)
    proxied = await house.visitor(**{"x-forwarded-proto": "https"}).post("/api/v1/session", json=body)

    for response in (here, elsewhere, proxied):
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
    assert "secure" not in here.headers["set-cookie"].lower()
    assert "secure" in elsewhere.headers["set-cookie"].lower()
    assert "secure" in proxied.headers["set-cookie"].lower()


async def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    kept = dict(client.cookies)

    assert (await client.delete("/api/v1/session")).status_code == 204

    thief = house.visitor()
    thief.cookies.update(kept)
    response = await thief.get("/api/v1/session")
    assert response.status_code == 401
    assert response.json()["code"] == "not_signed_in"


async def test_signing_in_again_ends_the_session_before_and_a_failed_attempt_does_not(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    keeper = house.visitor()
    keeper.cookies.update(dict(client.cookies))

    failed = await client.post("/api/v1/session", json={"name": "acme-member", "password": "wrong password"})
    kept = await keeper.get("/api/v1/session")
    again = await client.post("/api/v1/session", json={"name": "acme-admin", "password": PASSWORD})
    ended = await keeper.get("/api/v1/session")

    assert (failed.status_code, kept.status_code, again.status_code, ended.status_code) == (401, 200, 200, 401)
    assert (await client.get("/api/v1/session")).json()["person"]["username"] == "acme-admin"


async def test_a_session_ends_when_it_is_not_used(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")

    house.clock.turn(timedelta(hours=11))
    assert (await client.get("/api/v1/session")).status_code == 200
    house.clock.turn(timedelta(hours=11))
    assert (await client.get("/api/v1/session")).status_code == 200
    house.clock.turn(timedelta(hours=13))
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_session_ends_after_its_longest_life_however_much_it_is_used(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")

    for _ in range(16):
        house.clock.turn(timedelta(hours=10))
        assert (await client.get("/api/v1/session")).status_code == 200
    house.clock.turn(timedelta(hours=10))
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_disabled_member_is_told_so_only_with_the_right_password(house: TestOffice) -> None:
    place = await house.tenant()
    client = await house.signed_in("acme-member")
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        await transaction.execute(
            "update members set status = 'disabled' where tenant_id = $1 and member_id = $2",
            place.tenant.tenant_id,
            place.member.member_id,
        )

    wrong = await house.visitor().post("/api/v1/session", json={"name": "acme-member", "password": "wrong password"})
    right = await house.visitor().post("/api/v1/session", json={"name": "acme-member", "password": PASSWORD})
    running = await client.get("/api/v1/session")

    assert (wrong.status_code, wrong.json()["code"]) == (401, "sign_in_failed")
    assert (right.status_code, right.json()["code"]) == (403, "member_disabled")
    assert (running.status_code, running.json()["code"]) == (403, "member_disabled")


async def test_the_database_holds_no_token_that_could_be_used(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    token = client.cookies["bursar_session"]

    async with house.desk.platform.pool.acquire() as connection:
        stored = await connection.fetchval("select token_hash from session_tokens")

    assert len(stored) == 32
    assert token.encode() not in stored


async def test_a_made_up_cookie_is_nobody(house: TestOffice) -> None:
    for cookie in ("x", "x" * 5000, "%00", "é"):
        response = await house.visitor().get(
            "/api/v1/session", headers=httpx.Headers([(b"cookie", f"bursar_session={cookie}".encode())])
        )
        assert response.status_code == 401
