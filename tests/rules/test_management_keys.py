"""Management keys at the management API, and what they meter: KEY-9 of docs/rules/api_keys.md, HOLD-12 of holds.md."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bursar.domain.ids import public_id
from bursar.domain.roles import PERMISSIONS, SCOPE_SENTENCES, Scope
from tests.support.keys import made_key, owner_run, refused, service_account
from tests.support.offices import Place, TestOffice

KEYS = "/api/v1/api-keys"
NOBODYS = f"mk-bursar-{'x' * 43}"


async def program(house: TestOffice, owner: httpx.AsyncClient, *scopes: str, **fields: Any) -> httpx.AsyncClient:
    """A program with a new management key of this person."""
    made = await made_key(owner, "management", scopes=list(scopes), **fields)
    return house.visitor(authorization=f"Bearer {made['secret']}")


@pytest.mark.rule("KEY-9")
async def test_a_key_can_do_what_both_its_owners_role_and_its_scopes_allow(house: TestOffice) -> None:
    place = await house.tenant()
    boss = await house.signed_in("acme-admin")
    reader = await program(house, boss, "members:read")

    assert (await reader.get("/api/v1/members")).status_code == 200
    assert refused(await reader.get("/api/v1/groups")) == (403, "not_permitted")
    assert (await reader.get("/api/v1/groups")).json()["detail"] == "That takes a key with the scope groups:read."
    assert refused(await reader.post(KEYS, json={"kind": "model", "name": "X"})) == (403, "not_permitted")
    demoted = f"update members set role = 'member' where member_id = '{place.admin.member_id}'"
    await owner_run(house, demoted)
    assert refused(await reader.get("/api/v1/members")) == (403, "not_permitted")


@pytest.mark.rule("KEY-9")
async def test_the_session_of_a_key_tells_whose_it_is(house: TestOffice) -> None:
    await house.tenant()
    boss = await house.signed_in("acme-admin")
    made = await made_key(boss, "management", scopes=["audit:read"])

    session = (await house.visitor(authorization=f"Bearer {made['secret']}").get("/api/v1/session")).json()

    assert session["person"]["username"] == "acme-admin"
    assert session["key_id"] == made["key"]["id"]
    assert (await boss.get("/api/v1/session")).json()["key_id"] is None


@pytest.mark.rule("KEY-9")
async def test_a_key_counts_before_a_cookie_and_is_never_replaced_by_it(house: TestOffice) -> None:
    await house.tenant()
    boss = await house.signed_in("acme-admin")
    model = (await made_key(boss))["secret"]
    narrow = (await made_key(boss, "management", scopes=["audit:read"]))["secret"]

    async def answer(authorization: str) -> tuple[int, str | None]:
        response = await boss.get("/api/v1/members", headers={"Authorization": authorization})
        return response.status_code, response.json().get("code")

    assert await answer(f"Bearer {NOBODYS}") == (401, "api_key_invalid")
    assert await answer("Bearer") == (401, "api_key_invalid")
    assert await answer(f"Bearer {model}") == (403, "api_key_kind_wrong")
    assert await answer(f"Bearer {narrow}") == (403, "not_permitted")
    assert await answer("Basic YTpi") == (200, None)


@pytest.mark.rule("KEY-9")
async def test_what_a_key_does_is_told_with_the_key_beside_its_owner(house: TestOffice) -> None:
    place = await house.tenant()
    boss = await house.signed_in("acme-admin")
    made = await made_key(boss, "management", scopes=["groups:write"])
    client = house.visitor(authorization=f"Bearer {made['secret']}")

    created = await client.post("/api/v1/groups", json={"name": "Basement"})

    assert created.status_code == 201
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id}}}'")
        event = await connection.fetchrow("select actor_id, key_id from events where kind = 'group_created'")
    assert event is not None
    assert (event["actor_id"], public_id("api_key", event["key_id"])) == (
        place.admin.member_id,
        made["key"]["id"],
    )  # fmt: skip


@pytest.mark.rule("KEY-9")
async def test_a_program_writes_from_anywhere_with_a_key_and_nobody_without(house: TestOffice) -> None:
    await house.tenant()
    boss = await house.signed_in("acme-admin")
    client = await program(house, boss, "groups:write")
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}

    with_key = await client.post("/api/v1/groups", json={"name": "Basement"}, headers=elsewhere)
    with_cookie = await boss.post("/api/v1/groups", json={"name": "Attic"}, headers=elsewhere)
    basic = await boss.post("/api/v1/groups", json={"name": "Attic"}, headers={**elsewhere, "Authorization": "Basic a"})
    as_text = await client.post("/api/v1/groups", content=b"name", headers={"Content-Type": "text/plain"})

    assert with_key.status_code == 201
    assert refused(with_cookie) == refused(basic) == (403, "cross_site")
    assert as_text.status_code == 415


@pytest.mark.rule("KEY-9")
async def test_keys_can_be_seen_and_switched_off_by_a_key_with_the_scope(house: TestOffice) -> None:
    place = await house.tenant()
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    one = f"{KEYS}/{(await made_key(member))['key']['id']}"
    reader, writer = await program(house, boss, "keys:read"), await program(house, boss, "keys:write")

    assert len((await reader.get(KEYS, params={"member_id": place.member_id})).json()["api_keys"]) == 1
    assert refused(await reader.post(f"{one}/disable")) == (403, "not_permitted")
    assert (await writer.post(f"{one}/disable")).json()["status"] == "disabled"
    assert refused(await writer.patch(one, json={"name": "X"})) == (403, "not_permitted")
    assert refused(await writer.post(f"{one}/rotate")) == (403, "not_permitted")
    assert refused(await writer.get(one)) == (403, "not_permitted")


def test_every_scope_is_needed_for_something() -> None:
    assert {right.scope for right in PERMISSIONS.values()} - {None} == set(Scope) == set(SCOPE_SENTENCES)


async def funded(house: TestOffice) -> Place:
    place = await house.tenant()
    await house.granted(place, "100")
    boss = await house.signed_in("acme-admin")
    given = await boss.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "20"})
    assert given.status_code == 201
    return place


@pytest.mark.rule("HOLD-12")
@pytest.mark.parametrize("owner", ["admin", "service account"])
async def test_an_application_meters_on_behalf_of_a_member_with_a_key(house: TestOffice, owner: str) -> None:
    place = await funded(house)
    boss = await house.signed_in("acme-admin")
    account = {"member_id": await service_account(house, place, "meter", "admin")} if owner != "admin" else {}
    meter = await program(house, boss, "metering", **account)
    hold = {"member_id": place.member_id, "amount": "5"}

    first = (await meter.post("/api/v1/holds", json=hold)).json()["id"]
    second = (await meter.post("/api/v1/holds", json=hold)).json()["id"]
    extended = await meter.post(f"/api/v1/holds/{first}/extend", json={"seconds": 3600})
    settled = await meter.post(f"/api/v1/holds/{first}/settle", json={"cost": "1.234567"})
    voided = await meter.post(f"/api/v1/holds/{second}/void")

    assert extended.status_code == 200
    assert (settled.json()["state"], settled.json()["charged"]) == ("settled", "1.234567")
    assert voided.json()["state"] == "voided"
    seen = (await boss.get(f"/api/v1/members/{place.member_id}")).json()
    assert (seen["balance"], seen["held"], seen["consumed"]) == ("18.765433", "0.00", "1.234567")


@pytest.mark.rule("HOLD-12")
async def test_a_member_cannot_call_back_what_was_metered_for_it(house: TestOffice) -> None:
    place = await funded(house)
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    meter = await program(house, boss, "metering")
    hold = (await meter.post("/api/v1/holds", json={"member_id": place.member_id, "amount": "5"})).json()["id"]
    own = (await member.post("/api/v1/holds", json={"amount": "2"})).json()["id"]

    for response in (
        await member.post(f"/api/v1/holds/{hold}/void"),
        await member.post(f"/api/v1/holds/{hold}/settle", json={"cost": "0"}),
        await member.post(f"/api/v1/holds/{hold}/extend", json={"seconds": 60}),
    ):
        assert refused(response) == (403, "not_permitted")
        assert response.json()["detail"] == "Only who opened this hold extends, settles or voids it."
    assert (await member.get(f"/api/v1/holds/{hold}")).json()["state"] == "open"
    assert (await member.post(f"/api/v1/holds/{own}/void")).json()["state"] == "voided"
    assert (await meter.post(f"/api/v1/holds/{hold}/settle", json={"cost": "5"})).json()["charged"] == "5.00"


@pytest.mark.rule("HOLD-12")
async def test_a_key_without_the_scope_or_of_a_demoted_admin_meters_for_nobody_else(house: TestOffice) -> None:
    place = await funded(house)
    boss = await house.signed_in("acme-admin")
    reader, meter = await program(house, boss, "credits:read"), await program(house, boss, "metering")
    hold = {"member_id": place.member_id, "amount": "5"}

    assert refused(await reader.post("/api/v1/holds", json=hold)) == (403, "not_permitted")
    await owner_run(house, f"update members set role = 'member' where member_id = '{place.admin.member_id}'")
    assert refused(await meter.post("/api/v1/holds", json=hold)) == (403, "not_permitted")


@pytest.mark.rule("HOLD-12")
async def test_what_bursar_itself_metered_is_called_back_by_no_payer_not_even_an_admin(house: TestOffice) -> None:
    place = await funded(house)
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    own = [
        (client, (await client.post("/api/v1/holds", json={"amount": "2"})).json()["id"]) for client in (boss, member)
    ]
    await owner_run(house, "update ledger_holds set opened_by = null")

    for client, hold in own:
        assert refused(await client.post(f"/api/v1/holds/{hold}/void")) == (403, "not_permitted")
    assert place.member_id == (await boss.get(f"/api/v1/holds/{own[1][1]}")).json()["member_id"]


@pytest.mark.rule("KEY-9")
async def test_a_key_makes_nobody_whom_its_holder_could_then_sign_in_as_with_more_than_its_scopes(
    house: TestOffice,
) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    secret = (await made_key(admin, "management", scopes=["members:write", "members:read"]))["secret"]
    program = house.visitor(authorization=f"Bearer {secret}")
    person = {"username": "eve", "display_name": "Eve", "password": "long enough"}

    refused = [
        await program.patch(f"/api/v1/members/{place.member_id}", json={"password": "another password"}),
        await program.post("/api/v1/members", json={**person, "role": "admin"}),
        await program.put(f"/api/v1/members/{place.member_id}/role", json={"role": "admin"}),
        await program.post("/api/v1/invitations", json={"email": "eve@example.com", "role": "admin"}),
    ]
    allowed = [
        await program.patch(f"/api/v1/members/{place.member_id}", json={"job_title": "Engineer"}),
        await program.post("/api/v1/members", json=person),
        await program.post("/api/v1/invitations", json={"email": "eve@example.com"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "not_permitted")] * 4
    assert [answer.status_code for answer in allowed] == [200, 201, 201]
    assert (await house.signed_in("acme-member")).cookies


@pytest.mark.rule("KEY-2")
async def test_who_is_an_admin_no_more_can_stop_a_management_key_and_neither_change_nor_rotate_it(
    house: TestOffice,
) -> None:
    place = await house.tenant()
    deputy = await house.admin(place)
    owner = await house.signed_in(deputy.username)
    key = (await made_key(owner, "management", scopes=["credits:read"]))["key"]["id"]
    boss = await house.signed_in("acme-admin")
    await boss.put(f"/api/v1/members/{public_id('member', deputy.member_id)}/role", json={"role": "member"})

    changed = await owner.patch(f"/api/v1/api-keys/{key}", json={"scopes": ["credits:write"]})
    rotated = await owner.post(f"/api/v1/api-keys/{key}/rotate")
    stopped = await owner.post(f"/api/v1/api-keys/{key}/disable")

    assert (changed.status_code, rotated.status_code, stopped.status_code) == (403, 403, 200)
