"""docs/rules/api_keys.md, example by example, over HTTP. Bounds and limits are in test_api_key_bounds.py, management
keys in test_management_keys.py, and what the gateway answers in tests/gateway/test_keys.py.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.domain.api_keys import KEYS_PER_MEMBER_MAX
from tests.support.keys import field_at_fault, made_key, owner_run, refused, service_account
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything

KEYS = "/api/v1/api-keys"


async def keys_of(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    response = await client.get(KEYS, params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["api_keys"]
    return found


async def dump_of(house: TestOffice) -> str:
    async with house.desk.platform.pool.acquire() as connection:
        hashes = await connection.fetch("select * from secret_hashes")
    return repr([dict(row) for row in hashes])


@pytest.mark.rule("KEY-1")
async def test_a_secret_is_shown_once_and_kept_only_as_a_hash(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")

    made = await made_key(member, name="Notebook")

    secret, key = made["secret"], made["key"]
    assert re.fullmatch(r"sk-bursar-[A-Za-z0-9_-]{43}", secret)
    assert key["prefix"] == secret[:14]
    seen = await member.get(f"{KEYS}/{key['id']}")
    listed = await member.get(KEYS)
    assert seen.json() == key == listed.json()["api_keys"][0]
    assert listed.json()["total"] == 1
    for text in (seen.text, listed.text, await dump_of(house), await everything_stored(house)):
        assert secret not in text
        assert secret[14:] not in text


async def everything_stored(house: TestOffice) -> str:
    async with house.desk.platform.pool.acquire() as connection:
        tenant_id = await connection.fetchval("select tenant_id from tenants")
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{tenant_id}}}'")
        rows = [
            *await connection.fetch("select to_jsonb(r)::text from api_keys r"),
            *await connection.fetch("select to_jsonb(r)::text from events r"),
            *await connection.fetch("select encode(answer, 'escape') from remembered_answers"),
        ]
    assert len(rows) > 2
    return " ".join(row[0] for row in rows)


@pytest.mark.rule("KEY-1")
async def test_the_request_that_made_a_key_sent_again_answers_the_same_secret(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    body, headers = {"kind": "model", "name": "Notebook"}, {"Idempotency-Key": "one"}

    first = await member.post(KEYS, json=body, headers=headers)
    again = await member.post(KEYS, json=body, headers=headers)

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await keys_of(member)) == 1


@pytest.mark.rule("KEY-2")
async def test_every_change_of_a_key_is_told_without_its_secret(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    key_id = (await made_key(member))["key"]["id"]

    await member.patch(f"{KEYS}/{key_id}", json={"name": "Laptop", "limits": {"calls_at_once": 0}})
    unchanged = await member.patch(f"{KEYS}/{key_id}", json={"name": "Laptop"})
    await member.post(f"{KEYS}/{key_id}/disable")
    await member.post(f"{KEYS}/{key_id}/disable")
    await member.post(f"{KEYS}/{key_id}/enable")
    await member.post(f"{KEYS}/{key_id}/rotate", json={"overlap_seconds": 60})
    await member.delete(f"{KEYS}/{key_id}")

    assert unchanged.status_code == 200
    async with house.desk.platform.pool.acquire() as connection:
        tenant_id = await connection.fetchval("select tenant_id from tenants")
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{tenant_id}}}'")
        rows = await connection.fetch(
            "select kind, changes::text from events where subject_kind = 'api_key' order by event_id"
        )
    assert [row["kind"] for row in rows] == [
        "api_key_created",
        "api_key_changed",
        "api_key_disabled",
        "api_key_enabled",
        "api_key_rotated",
        "api_key_deleted",
    ]
    assert '"calls_at_once": {"after": "0", "before": "inherit"}' in rows[1]["changes"]
    assert '"name": {"after": "Laptop", "before": "Notebook"}' in rows[1]["changes"]


@pytest.mark.rule("KEY-2")
async def test_another_members_key_is_unknown_to_a_member_and_out_of_reach_of_its_secret_for_an_admin(
    house: TestOffice,
) -> None:
    place = await house.tenant()
    admin, owner = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await admin.post("/api/v1/members", json={"username": "eve", "display_name": "Eve", "password": "long enough"})
    eve = await house.signed_in("eve", "long enough")
    one = f"{KEYS}/{(await made_key(owner))['key']['id']}"
    before = await rows_of_everything(house)

    for response in (
        await eve.get(one),
        await eve.patch(one, json={"name": "Mine"}),
        await eve.post(f"{one}/rotate", json={}),
        await eve.post(f"{one}/disable"),
        await eve.post(f"{one}/enable"),
        await eve.delete(one),
    ):
        assert refused(response) == (404, "api_key_unknown")
    assert refused(await eve.get(KEYS, params={"member_id": place.member_id})) == (403, "not_permitted")
    assert refused(await eve.get(KEYS, params={"all": "true"})) == (403, "not_permitted")
    assert refused(await eve.post(KEYS, json={"kind": "model", "name": "X", "member_id": place.member_id})) == (
        403,
        "not_permitted",
    )
    assert refused(await admin.patch(one, json={"name": "Mine"})) == (403, "not_permitted")
    assert refused(await admin.post(f"{one}/rotate", json={})) == (403, "not_permitted")
    assert await rows_of_everything(house) == before

    assert (await admin.get(one)).json()["owner"]["username"] == "acme-member"
    assert [key["id"] for key in await keys_of(admin, member_id=place.member_id)] == [one.rpartition("/")[2]]
    assert await keys_of(admin) == []
    assert len(await keys_of(admin, all="true")) == 1
    assert (await admin.post(f"{one}/disable")).json()["status"] == "disabled"
    assert (await admin.post(f"{one}/enable")).json()["status"] == "active"
    assert (await admin.delete(one)).status_code == 204


@pytest.mark.rule("KEY-2")
async def test_an_admin_cannot_reach_a_tenant_admins_key(house: TestOffice) -> None:
    await house.tenant()
    boss = await house.signed_in("acme-admin")
    body = {"username": "ann", "display_name": "Ann", "password": "long enough", "role": "admin"}
    await boss.post("/api/v1/members", json=body)
    ann = await house.signed_in("ann", "long enough")
    one = f"{KEYS}/{(await made_key(boss))['key']['id']}"

    assert (await ann.get(one)).status_code == 200
    assert refused(await ann.post(f"{one}/disable")) == (403, "not_permitted")
    assert refused(await ann.delete(one)) == (403, "not_permitted")


@pytest.mark.rule("KEY-2")
async def test_another_tenants_keys_are_unknown(house: TestOffice) -> None:
    await house.tenant("Acme")
    globex = await house.tenant("Globex")
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    one = f"{KEYS}/{(await made_key(theirs))['key']['id']}"

    for response in (
        await ours.get(one),
        await ours.patch(one, json={"name": "Mine"}),
        await ours.post(f"{one}/rotate", json={}),
        await ours.post(f"{one}/disable"),
        await ours.post(f"{one}/enable"),
        await ours.delete(one),
    ):
        assert refused(response) == (404, "api_key_unknown")
    assert refused(await ours.get(KEYS, params={"member_id": globex.admin_id})) == (404, "member_unknown")
    elsewhere = await ours.post(KEYS, json={"kind": "model", "name": "X", "member_id": globex.member_id})
    assert refused(elsewhere) == (404, "member_unknown")
    assert await keys_of(ours, all="true") == []


@pytest.mark.rule("KEY-2")
async def test_admins_make_and_rotate_the_keys_of_service_accounts_within_their_reach(house: TestOffice) -> None:
    place = await house.tenant()
    boss = await house.signed_in("acme-admin")
    plain = await service_account(house, place, "meter")
    trusted = await service_account(house, place, "biller", role="admin")
    above = await service_account(house, place, "chief", role="tenant_admin")
    body = {"username": "ann", "display_name": "Ann", "password": "long enough", "role": "admin"}
    await boss.post("/api/v1/members", json=body)
    ann = await house.signed_in("ann", "long enough")

    key = (await made_key(ann, member_id=plain))["key"]
    rotated = await ann.post(f"{KEYS}/{key['id']}/rotate", json={})
    management = await made_key(ann, "management", member_id=trusted)

    assert key["owner"]["id"] == plain
    assert rotated.json()["secret"].startswith(rotated.json()["key"]["prefix"])
    assert management["secret"].startswith("mk-bursar-")
    wanted = {"kind": "management", "name": "X", "scopes": ["metering"]}
    assert field_at_fault(await ann.post(KEYS, json={**wanted, "member_id": plain})) == (403, "kind")
    assert refused(await ann.post(KEYS, json={**wanted, "member_id": above})) == (403, "not_permitted")
    assert refused(await ann.post(KEYS, json={**wanted, "member_id": place.member_id})) == (403, "not_permitted")


@pytest.mark.rule("KEY-2")
async def test_a_member_has_no_management_key(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")

    response = await member.post(KEYS, json={"kind": "management", "name": "X", "scopes": ["metering"]})

    assert refused(response) == (403, "not_permitted")
    assert field_at_fault(response) == (403, "kind")


@pytest.mark.rule("KEY-3")
async def test_a_member_has_at_most_a_hundred_keys_however_many_ask_at_once(house: TestOffice) -> None:
    place = await house.tenant()
    member = await house.signed_in("acme-member")
    first = await made_key(member)
    await owner_run(
        house,
        "insert into api_keys"
        " (tenant_id, key_id, member_id, kind, name, prefix, status, scopes, created_at, created_by)"
        " select tenant_id, gen_random_uuid(), member_id, kind, name, prefix, status, scopes, created_at, created_by"
        f" from api_keys, generate_series(1, {KEYS_PER_MEMBER_MAX - 4})"
        f" where member_id = '{place.member.member_id}'",
    )

    answers = await asyncio.gather(*(member.post(KEYS, json={"kind": "model", "name": "X"}) for _ in range(8)))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * 3 + [409] * 5
    assert {refused(answer) for answer in answers if answer.status_code == 409} == {(409, "too_many_keys")}
    assert (await member.get(KEYS)).json()["total"] == KEYS_PER_MEMBER_MAX
    assert (await member.delete(f"{KEYS}/{first['key']['id']}")).status_code == 204
    assert (await member.post(KEYS, json={"kind": "model", "name": "X"})).status_code == 201


@pytest.mark.rule("KEY-7")
async def test_a_repeated_rotation_answers_its_own_secret_and_bounds_its_overlap(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    one = f"{KEYS}/{(await made_key(member))['key']['id']}/rotate"

    first = await member.post(one, json={"overlap_seconds": 60}, headers={"Idempotency-Key": "r"})
    again = await member.post(one, json={"overlap_seconds": 60}, headers={"Idempotency-Key": "r"})
    without_body = await member.post(one)

    assert first.content == again.content
    assert without_body.json()["secret"] != first.json()["secret"]
    for seconds in (-1, 7 * 24 * 3600 + 1, 1.5, "60"):
        assert field_at_fault(await member.post(one, json={"overlap_seconds": seconds})) == (422, "overlap_seconds")


@pytest.mark.rule("KEY-8")
async def test_a_deleted_key_is_gone_for_good(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    one = f"{KEYS}/{(await made_key(member))['key']['id']}"

    deleted = await member.delete(one, headers={"Idempotency-Key": "d"})
    again = await member.delete(one, headers={"Idempotency-Key": "d"})

    assert (deleted.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (204, 204, "true")
    for response in (
        await member.get(one),
        await member.delete(one),
        await member.post(f"{one}/enable"),
        await member.post(f"{one}/rotate", json={}),
        await member.patch(one, json={"name": "Back"}),
    ):
        assert refused(response) == (404, "api_key_unknown")
    assert await keys_of(member) == []
    assert (await dump_of(house)) == "[]"


async def test_keys_come_in_pages_in_the_order_they_were_made(house: TestOffice) -> None:
    await house.tenant()
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    for number in range(5):
        await made_key(member if number % 2 else admin, name=f"Key {number}")

    first = (await admin.get(KEYS, params={"all": "true", "limit": 3})).json()
    second = (await admin.get(KEYS, params={"all": "true", "limit": 3, "cursor": first["next_cursor"]})).json()
    both = await admin.get(KEYS, params={"all": "true", "member_id": first["api_keys"][0]["owner"]["id"]})

    assert [key["name"] for key in first["api_keys"] + second["api_keys"]] == [f"Key {number}" for number in range(5)]
    assert (first["total"], second["total"], second["next_cursor"]) == (5, 5, None)
    assert field_at_fault(both) == (422, "all")


@pytest.mark.rule("KEY-11")
async def test_a_key_tells_when_it_was_last_used_to_the_minute(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    made = await made_key(member)
    client = house.visitor(authorization=f"Bearer {made['secret']}")

    async def last_used() -> str | None:
        found: str | None = (await member.get(f"{KEYS}/{made['key']['id']}")).json()["last_used_at"]
        return found

    assert await last_used() is None
    await asyncio.gather(*(client.get("/v1/models") for _ in range(4)))
    first = await last_used()
    await client.get("/v1/models")
    assert first is not None
    assert await last_used() == first
    house.clock.turn(timedelta(seconds=61))
    await client.get("/v1/models")
    later = await last_used()
    assert later is not None
    assert later > first
