"""docs/rules/members.md, example by example: deleting somebody."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bursar.outside.identity import new_uuid
from tests.support.events import events_of
from tests.support.inviting import accepted, invited, token_in
from tests.support.offices import PASSWORD, Place, TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.rows import rows_of_everything


async def with_balance(house: TestOffice, amount: str = "40") -> tuple[Place, httpx.AsyncClient]:
    """A tenant whose member has credits of their own, and its tenant admin signed in."""
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    given = await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": amount})
    assert given.status_code == 201
    return place, admin


async def see(client: httpx.AsyncClient, path: str) -> Any:
    return (await client.get(f"/api/v1/{path}")).json()


async def deleted(client: httpx.AsyncClient, member_id: str, key: str | None = None) -> httpx.Response:
    return await client.delete(f"/api/v1/members/{member_id}", headers={"Idempotency-Key": key} if key else {})


@pytest.mark.rule("MEMBER-12")
async def test_what_is_unused_returns_and_what_was_consumed_stays_consumed(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin = await with_balance(house)
    member = await house.signed_in("acme-member")
    hold = (await member.post("/api/v1/holds", json={"amount": "10"})).json()["id"]
    await member.post(f"/api/v1/holds/{hold}/settle", json={"cost": "7.50"})

    answer = await deleted(admin, place.member_id)

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": place.member_id, "number": 2, "display_name": "Deleted member #2", "returned": "32.50",
            "held": "0.00",
        },
    )  # fmt: skip
    pool = await see(admin, "pool")
    assert (pool["balance"], pool["utilized"], pool["assigned"]) == ("92.50", "7.50", "7.50")
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-12")
async def test_whoever_is_deleted_is_unknown_signed_out_and_their_names_are_free(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    member = await house.signed_in("acme-member")

    assert (await deleted(admin, place.member_id)).status_code == 200

    assert (await member.get("/api/v1/session")).json()["code"] == "not_signed_in"
    tried = await house.visitor().post("/api/v1/session", json={"name": "acme-member", "password": PASSWORD})
    assert tried.json()["code"] == "sign_in_failed"
    assert [row["username"] for row in (await see(admin, "members"))["members"]] == ["acme-admin"]
    path = f"/api/v1/members/{place.member_id}"
    unknown = [
        await admin.get(path),
        await admin.patch(path, json={"job_title": "X"}),
        await admin.put(f"{path}/role", json={"role": "admin"}),
        await admin.put(f"{path}/group", json={"group_id": place.group_id}),
        await admin.post(f"{path}/enable"),
        await admin.post(f"{path}/disable"),
        await admin.delete(path),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in unknown} == {(404, "member_unknown")}
    body = {"username": "acme-member", "email": "acme-member@example.com", "password": PASSWORD}
    again = await admin.post("/api/v1/members", json=body)
    assert (again.status_code, again.json()["number"]) == (201, 3)


@pytest.mark.rule("MEMBER-12")
async def test_nothing_personal_is_left_and_the_books_go_on_naming_a_number(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    await admin.patch(f"/api/v1/members/{place.member_id}", json={"job_title": "Planner"})

    await deleted(admin, place.member_id)

    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id}}}'")
        row = await connection.fetchrow("select * from members where member_id = $1", place.member.member_id)
        names = await connection.fetchval(
            "select count(*) from sign_in_names where principal_id = $1", place.member.member_id
        )
    assert row is not None
    assert (row["username"], row["display_name"], row["status"]) == ("deleted-2", "Deleted member #2", "deleted")
    assert [row[name] for name in ("email", "password_hash", "job_title")] == [None, None, None]
    assert (row["search_text"], row["deleted_at"] == row["changed_at"], names) == ("", True, 0)
    shown = str(await see(admin, "transactions"))
    assert "Deleted member #2" in shown
    assert "Acme Member" not in shown
    (told,) = await events_of(house, place, "member_deleted")
    assert (told.subject, told.changes) == (place.member_id, {"status": ("active", "deleted")})
    assert told.detail == {"number": "2", "returned": "40.00", "keys_deleted": "0", "requests_denied": "0"}


@pytest.mark.rule("MEMBER-12")
async def test_keys_go_with_their_owner_and_nobody_elses(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    tenant_id = place.tenant.tenant_id
    owners = {"theirs": place.member.member_id, "mine": place.admin.member_id}
    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{tenant_id}}}'")
        for name, owner in owners.items():
            key_id = new_uuid()
            await connection.execute(
                "insert into api_keys (tenant_id, key_id, member_id, kind, name, prefix, status, scopes, created_at,"
                " created_by) values ($1, $2, $3, 'model', $4, 'x', 'active', '{}', now(), $3)",
                tenant_id, key_id, owner, name,
            )  # fmt: skip
            await connection.execute(
                "insert into secret_hashes values ($1, $2, 'api_key', $3, null)",
                name.encode().ljust(32),
                tenant_id,
                key_id,
            )

    await deleted(admin, place.member_id)

    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{tenant_id}}}'")
        rows = await connection.fetch(
            "select name, status, deleted_at is not null as is_dated, secret_hash is not null as opens"
            " from api_keys left join secret_hashes on owner_id = key_id order by name"
        )
    assert [tuple(row) for row in rows] == [("mine", "active", False, True), ("theirs", "deleted", True, False)]


@pytest.mark.rule("MEMBER-12", "ONCE-1")
async def test_deleting_again_is_answered_as_at_first_with_the_key_and_unknown_without(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    first = await deleted(admin, place.member_id, "one")
    before = await rows_of_everything(house)

    again = await deleted(admin, place.member_id, "one")
    without = await deleted(admin, place.member_id)
    other = await deleted(admin, place.member_id, "two")

    assert (again.status_code, again.content) == (200, first.content)
    assert {(answer.status_code, answer.json()["code"]) for answer in (without, other)} == {(404, "member_unknown")}
    assert await rows_of_everything(house) == before


@pytest.mark.rule("MEMBER-12")
async def test_who_may_delete_whom(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    root = await house.super_admin()
    body = {"username": "deputy", "password": PASSWORD, "role": "admin"}
    deputy_id = (await admin.post("/api/v1/members", json=body)).json()["id"]
    deputy = await house.signed_in("deputy")
    query = {"tenant_id": place.tenant_id}

    answers = {
        "by an admin": await deleted(deputy, place.member_id),
        "oneself": await deleted(admin, place.admin_id),
        "a member by root": await root.delete(f"/api/v1/members/{place.member_id}", params=query),
        "an admin by the tenant admin": await deleted(admin, deputy_id),
    }

    assert {who: (answer.status_code, answer.json().get("code")) for who, answer in answers.items()} == {
        "by an admin": (403, "not_permitted"), "oneself": (403, "not_to_oneself"),
        "a member by root": (403, "not_permitted"), "an admin by the tenant admin": (200, None),
    }  # fmt: skip


@pytest.mark.rule("MEMBER-12")
async def test_calls_under_way_are_paid_for_and_their_rest_follows(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin = await with_balance(house)
    hold = await admin.post("/api/v1/holds", json={"member_id": place.member_id, "amount": "15"})

    answer = await deleted(admin, place.member_id)
    settled = await admin.post(f"/api/v1/holds/{hold.json()['id']}/settle", json={"cost": "5"})

    assert (answer.json()["returned"], answer.json()["held"]) == ("25.00", "15.00")
    assert settled.json()["charged"] == "5.00"
    pool = await see(admin, "pool")
    assert (pool["balance"], pool["utilized"], pool["assigned"]) == ("95.00", "5.00", "5.00")
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-12")
async def test_a_debt_is_taken_over_by_the_pool(house: TestOffice, fresh_database: FreshDatabase) -> None:
    place, admin = await with_balance(house)
    hold = await admin.post("/api/v1/holds", json={"member_id": place.member_id, "amount": "40"})
    await admin.post(f"/api/v1/holds/{hold.json()['id']}/settle", json={"cost": "45"})

    answer = await deleted(admin, place.member_id)

    assert answer.json()["returned"] == "-5.00"
    assert (await see(admin, "pool"))["balance"] == "55.00"
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-12")
async def test_the_address_that_a_deleted_member_was_invited_at_is_kept_no_longer(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    joined = await accepted(house.visitor(), token_in(await invited(admin, "one@example.com")))
    member = (await admin.get(f"/api/v1/members/{joined.json()['member_id']}")).json()

    deleted = await admin.delete(f"/api/v1/members/{member['id']}")

    assert deleted.status_code == 200
    (invitation,) = (await admin.get("/api/v1/invitations", params={"state": "accepted"})).json()["invitations"]
    assert invitation["email"] == f"Deleted member #{member['number']}"
