"""docs/rules/audit.md, example by example."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from bursar.actions.allocations import Handing, Holder, allocate, reclaim
from bursar.actions.budgets import NewLevel, set_group_monthly, set_member_monthly
from bursar.actions.cycles import NewPerCycle, set_cycle_ceiling, set_per_cycle
from bursar.actions.desk import Asked, Subject, Told, record
from bursar.db.transaction import writing
from bursar.domain.credits import Credits, parse_level
from bursar.domain.events import EVENTS
from bursar.domain.permissions import SYSTEM, Actor
from bursar.domain.refusals import Broken
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid
from tests.support.offices import TestOffice


@pytest.mark.rule("AUDIT-1")
async def test_a_change_leaves_an_event_with_who_when_where_and_what(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")

    answer = await admin.post("/api/v1/groups", json={"name": "Research"})

    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id}}}'")
        event = await connection.fetchrow("select * from events where kind = 'group_created'")
    assert event is not None
    assert (event["actor_id"], event["actor_kind"]) == (place.admin.member_id, "member")
    assert event["happened_at"] is not None
    assert event["address"] == "127.0.0.1"
    assert event["request_id"] == answer.headers["x-request-id"]
    assert event["changes"] == '{"name": {"after": "Research", "before": null}}'


@pytest.mark.rule("AUDIT-2")
async def test_what_is_not_in_the_catalogue_cannot_be_recorded(house: TestOffice) -> None:
    place = await house.tenant()
    subject = Subject("tenant", place.tenant.tenant_id)

    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        with pytest.raises(Broken):
            await record(transaction, house.desk, Asked(SYSTEM), place.tenant.tenant_id, Told("nonsense", subject))

    assert all(kind.label and kind.meaning.endswith(".") for kind in EVENTS.values())


@pytest.mark.rule("AUDIT-1")
async def test_what_is_refused_repeated_or_changes_nothing_leaves_no_event(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    research, key = {"name": "Research"}, {"Idempotency-Key": "one"}
    assert (await admin.post("/api/v1/groups", json=research, headers=key)).status_code == 201
    assert (await admin.post("/api/v1/cycle/reset", json={"epoch": 1})).status_code == 200
    before = await events_of(admin)

    repeated = await admin.post("/api/v1/groups", json=research, headers=key)
    refused = await admin.post("/api/v1/groups", json=research)
    in_vain = await admin.post("/api/v1/cycle/reset", json={"epoch": 1})

    assert [answer.status_code for answer in (repeated, refused, in_vain)] == [201, 409, 200]
    assert await events_of(admin) == before


@pytest.mark.rule("AUDIT-2")
async def test_an_id_that_people_cannot_write_cannot_be_recorded(house: TestOffice) -> None:
    place = await house.tenant()
    told = Told("settings_changed", Subject("colour", place.tenant.tenant_id))

    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        with pytest.raises(Broken):
            await record(transaction, house.desk, Asked(SYSTEM), place.tenant.tenant_id, told)


@pytest.mark.rule("AUDIT-3")
async def test_budgets_and_movements_are_told_with_what_the_books_held_before_and_after(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    tenant_id, member_id, group_id = place.tenant.tenant_id, place.member.member_id, place.member.group_id
    asked = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, tenant_id, "Acme Admin"))
    await house.granted(place, "100")
    handing = Handing(Holder("member", member_id), amount("30"))

    for seen, level in (("0", "200"), ("200", "200"), ("200", "150")):
        wanted = NewLevel(amount(level), seen=amount(seen))
        await set_group_monthly(house.desk, asked, tenant_id, group_id, wanted)
    for seen, level in (("0", "20"), ("20", "0")):
        wanted = NewLevel(amount(level), seen=amount(seen))
        await set_member_monthly(house.desk, asked, tenant_id, member_id, wanted)
    await set_per_cycle(house.desk, asked, tenant_id, NewPerCycle(amount("900"), seen=amount("1000"), note=None))
    await allocate(house.desk, asked, tenant_id, handing)
    await reclaim(house.desk, asked, tenant_id, handing)
    await allocate(house.desk, asked, tenant_id, Handing(Holder("group", group_id), amount("12.50")))

    events = await events_of(await house.signed_in("acme-admin"))
    told = [(event["action"]["code"], *event["changes"][0].values()) for event in events[::-1] if event["changes"]]
    assert told[-9:] == [
        ("grant", "pool", "0.00", "100.00"),
        ("group_monthly_set", "monthly", "0.00", "200.00"),
        ("group_monthly_set", "monthly", "200.00", "150.00"),
        ("member_monthly_set", "monthly", "0.00", "20.00"),
        ("member_monthly_set", "monthly", "20.00", "0.00"),
        ("credits_per_cycle_set", "credits_per_cycle", "1000.00", "900.00"),
        ("allocation", "balance", "0.00", "30.00"),
        ("reclaim", "balance", "30.00", "0.00"),
        ("group_allocation", "balance", "0.00", "12.50"),
    ]


@pytest.mark.rule("AUDIT-3")
async def test_of_changes_at_the_same_moment_each_begins_where_another_ended(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    tenant_id, operator = place.tenant.tenant_id, await house.operator()
    levels = [f"{number}.00" for number in range(1, 13)]

    await asyncio.gather(
        *(set_cycle_ceiling(house.desk, operator, tenant_id, amount(level), note=None) for level in levels)
    )

    events = await events_of(await house.signed_in("acme-admin"), kind="cycle_ceiling_set")
    steps = {event["changes"][0]["before"]: event["changes"][0]["after"] for event in events}
    reached: list[str | None] = [None]
    while reached[-1] in steps:
        reached.append(steps[reached[-1]])
    assert sorted(str(level) for level in reached) == sorted(["None", *levels])


@pytest.mark.rule("AUDIT-5")
async def test_a_deleted_member_is_a_number_everywhere_and_edits_made_before_stay(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    eve = {"username": "eve", "display_name": "Eve Adams", "password": "long enough", "role": "admin"}
    eve_id = (await admin.post("/api/v1/members", json=eve)).json()["id"]
    by_eve = await house.signed_in("eve", "long enough")
    await by_eve.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "1"})
    await admin.post("/api/v1/allocations", json={"member_id": eve_id, "amount": "2"})
    assert {event["actor"]["label"] for event in await events_of(admin, actor_id=eve_id)} == {"Eve Adams (Admin)"}

    await delete(admin, eve_id)

    did = await events_of(admin, actor_id=eve_id)
    suffered = await events_of(admin, subject_id=eve_id)
    assert {(event["actor"]["id"], event["actor"]["label"]) for event in did} == {(eve_id, "Deleted member #3")}
    assert {event["object"]["name"] for event in suffered} == {"Deleted member #3"}
    created = next(event for event in suffered if event["action"]["code"] == "member_created")
    assert {"field": "display_name", "before": None, "after": "Eve Adams"} in created["changes"]
    transactions = (await admin.get("/api/v1/transactions")).json()["transactions"]
    assert "Deleted member #3" in {transaction["operator"]["name"] for transaction in transactions}
    assert "Deleted member #3" in {(transaction["related"] or {}).get("name") for transaction in transactions}


@pytest.mark.rule("AUDIT-5")
async def test_who_was_asked_to_join_has_no_address_in_the_log_once_deleted(house: TestOffice) -> None:
    place = await house.tenant()
    tenant_id, member_id = place.tenant.tenant_id, place.member.member_id
    admin = await house.signed_in("acme-admin")
    accepted, waiting = new_uuid(), new_uuid()
    connection = await asyncpg.connect(house.admin_url)
    for invitation_id, email, joined in ((accepted, "eve@example.com", True), (waiting, "bob@example.com", False)):
        await connection.execute(
            """
            insert into bursar.invitations
                (tenant_id, invitation_id, email, role, group_id, invited_at, expires_at, accepted_at, member_id)
            values ($1, $2, $3, 'member', $4, now(), now() + '1 day', $5, $6)
            """,
            tenant_id, invitation_id, email, place.member.group_id,
            house.clock.now() if joined else None, member_id if joined else None,
        )  # fmt: skip
        async with writing(house.desk.tenants, tenant_id) as transaction:
            told = Told("invitation_sent", Subject("invitation", invitation_id))
            await record(transaction, house.desk, Asked(SYSTEM), tenant_id, told)
    await connection.close()

    async def names() -> list[str]:
        return [event["object"]["name"] for event in await events_of(admin, subject_kind="invitation")]

    assert await names() == ["bob@example.com", "eve@example.com"]
    await delete(admin, place.member_id)
    assert await names() == ["bob@example.com", "Deleted member #2"]


async def events_of(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    """The newest events that the client sees."""
    response = await client.get("/api/v1/audit", params={"limit": "200", **query})
    assert response.status_code == 200, response.text
    events: list[dict[str, Any]] = response.json()["events"]
    return events


async def delete(admin: httpx.AsyncClient, member_id: str) -> None:
    response = await admin.delete(f"/api/v1/members/{member_id}")
    assert response.status_code == 200, response.text


def amount(text: str) -> Credits:
    return parse_level(text, field="amount")
