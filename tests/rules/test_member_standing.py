"""docs/rules/members.md, example by example: role, state and group."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.actions.budgets import NewLevel, set_group_monthly, set_member_monthly
from bursar.actions.desk import Asked
from bursar.domain.credits import ZERO, parse_level
from bursar.domain.ids import parse_public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from tests.support.events import events_of
from tests.support.offices import PASSWORD, Place, TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.rows import rows_of_everything


async def funded(house: TestOffice, amount: str = "100") -> tuple[Place, httpx.AsyncClient]:
    """A tenant with credits in its pool, and its tenant admin signed in."""
    place = await house.tenant(per_cycle="0")
    await house.granted(place, amount)
    return place, await house.signed_in("acme-admin")


async def role_set(client: httpx.AsyncClient, member_id: str, role: str, **query: str) -> httpx.Response:
    return await client.put(f"/api/v1/members/{member_id}/role", json={"role": role}, params=query)


async def switched(client: httpx.AsyncClient, member_id: str, verb: str, **query: str) -> httpx.Response:
    return await client.post(f"/api/v1/members/{member_id}/{verb}", params=query)


async def moved(client: httpx.AsyncClient, member_id: str, group_id: str) -> httpx.Response:
    return await client.put(f"/api/v1/members/{member_id}/group", json={"group_id": group_id})


async def added(client: httpx.AsyncClient, username: str, role: str = "member", **query: str) -> str:
    body = {"username": username, "password": PASSWORD, "role": role}
    answer = await client.post("/api/v1/members", json=body, params=query)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def see(client: httpx.AsyncClient, path: str) -> Any:
    return (await client.get(f"/api/v1/{path}")).json()


@pytest.mark.rule("MEMBER-9")
async def test_a_promoted_member_manages_with_the_next_request_and_a_demoted_one_does_not(house: TestOffice) -> None:
    place, admin = await funded(house)
    member = await house.signed_in("acme-member")
    assert (await member.get("/api/v1/members")).status_code == 403

    promoted = await role_set(admin, place.member_id, "admin")
    as_admin = (await member.get("/api/v1/members")).status_code
    again = await role_set(admin, place.member_id, "admin")
    demoted = await role_set(admin, place.member_id, "member")

    assert [answer.json()["role_label"] for answer in (promoted, again, demoted)] == ["Admin", "Admin", "Member"]
    assert (as_admin, (await member.get("/api/v1/members")).status_code) == (200, 403)
    told = await events_of(house, place, "member_role_set")
    assert [event.changes for event in told] == [{"role": ("member", "admin")}, {"role": ("admin", "member")}]


@pytest.mark.rule("MEMBER-9")
async def test_who_may_give_which_role_to_whom(house: TestOffice) -> None:
    place, tenant_admin = await funded(house)
    root, query = await house.super_admin(), {"tenant_id": place.tenant_id}
    other_runner = await added(root, "runner", "tenant_admin", **query)
    deputy_id, second = await added(tenant_admin, "deputy", "admin"), await added(tenant_admin, "second", "admin")
    deputy = await house.signed_in("deputy")
    before = await rows_of_everything(house)

    refused = {
        "an admin oneself": await role_set(deputy, deputy_id, "member"),
        "an admin a tenant admin": await role_set(deputy, other_runner, "member"),
        "an admin makes a tenant admin": await role_set(deputy, second, "tenant_admin"),
        "a tenant admin oneself": await role_set(tenant_admin, place.admin_id, "member"),
        "a tenant admin unmakes another": await role_set(tenant_admin, other_runner, "admin"),
        "a tenant admin makes another": await role_set(tenant_admin, place.member_id, "tenant_admin"),
        "a super admin promotes a member": await role_set(root, place.member_id, "admin", **query),
    }

    codes = {who: (answer.status_code, answer.json()["code"]) for who, answer in refused.items()}
    assert codes.pop("an admin oneself") == (403, "not_to_oneself")
    assert set(codes.values()) == {(403, "not_permitted")}
    assert await rows_of_everything(house) == before
    assert (await role_set(deputy, second, "member")).status_code == 200
    assert (await role_set(deputy, place.member_id, "admin")).status_code == 200
    assert (await role_set(root, other_runner, "member", **query)).status_code == 200


@pytest.mark.rule("MEMBER-9", "MEMBER-4")
async def test_a_new_tenant_admin_hands_in_what_they_had_and_starts_at_zero_again_later(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin = await funded(house)
    root, query = await house.super_admin(), {"tenant_id": place.tenant_id}
    await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "40"})
    robot = await admin.post("/api/v1/members", json={"username": "robot", "is_service_account": True})

    made = await role_set(root, place.member_id, "tenant_admin", **query)
    pool = (await see(admin, "pool"))["balance"]
    unmade = await role_set(root, place.member_id, "member", **query)
    nobody = await role_set(root, robot.json()["id"], "tenant_admin", **query)

    assert (made.json()["role"], made.json()["remaining"], pool) == ("tenant_admin", None, "100.00")
    assert (unmade.json()["role"], unmade.json()["remaining"]) == ("member", "0.00")
    assert (nobody.status_code, nobody.json()["fields"][0]["field"]) == (422, "role")
    told = await events_of(house, place, "member_role_set")
    assert [event.detail for event in told] == [{"returned": "40.00", "requests_denied": "0"}, {"returned": "0.00"}]
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-10")
async def test_the_last_active_tenant_admin_stays(house: TestOffice) -> None:
    place, _ = await funded(house)
    root, query = await house.super_admin(), {"tenant_id": place.tenant_id}
    second = await added(root, "second", "tenant_admin", **query)
    assert (await switched(root, second, "disable", **query)).status_code == 200
    before = await rows_of_everything(house)

    refused = [
        await role_set(root, place.admin_id, "member", **query),
        await switched(root, place.admin_id, "disable", **query),
        await root.delete(f"/api/v1/members/{place.admin_id}", params=query),
    ]

    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (409, "last_tenant_admin")
    assert await rows_of_everything(house) == before
    # The one who is disabled does not count, and may go.
    assert (await root.delete(f"/api/v1/members/{second}", params=query)).status_code == 200


@pytest.mark.rule("MEMBER-10")
@pytest.mark.parametrize("way", ["demote", "disable", "delete", "mixed"])
async def test_of_all_tenant_admins_who_are_taken_away_at_once_one_stays(house: TestOffice, way: str) -> None:
    place, _ = await funded(house)
    root, query = await house.super_admin(), {"tenant_id": place.tenant_id}
    ids = [place.admin_id, *[await added(root, f"runner-{number}", "tenant_admin", **query) for number in range(3)]]
    ways: dict[str, Callable[[str], Awaitable[httpx.Response]]] = {
        "demote": lambda member_id: role_set(root, member_id, "member", **query),
        "disable": lambda member_id: switched(root, member_id, "disable", **query),
        "delete": lambda member_id: root.delete(f"/api/v1/members/{member_id}", params=query),
    }
    chosen = [ways[way]] * 4 if way in ways else [*ways.values(), ways["demote"]]

    answers = await asyncio.gather(*(take(member_id) for take, member_id in zip(chosen, ids, strict=True)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 409]
    left = await root.get("/api/v1/members", params={**query, "role": "tenant_admin", "status": "active"})
    assert left.json()["total"] == 1


@pytest.mark.rule("MEMBER-11")
async def test_a_disabled_member_stops_at_once_keeps_everything_and_goes_on_after_enabling(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin = await funded(house)
    await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "40"})
    clients = [await house.signed_in("acme-member"), await house.signed_in("acme-member")]
    pool = await see(admin, "pool")

    disabled = await switched(admin, place.member_id, "disable")
    stopped = [await client.get("/api/v1/session") for client in clients]
    sign_in = await house.visitor().post("/api/v1/session", json={"name": "acme-member", "password": PASSWORD})
    guessed = await house.visitor().post("/api/v1/session", json={"name": "acme-member", "password": "wrong one"})
    given = await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "1"})
    taken = await admin.post("/api/v1/reclaims", json={"member_id": place.member_id, "amount": "1"})

    assert (disabled.json()["status"], disabled.json()["remaining"]) == ("disabled", "40.00")
    for answer in (*stopped, sign_in, given):
        assert (answer.status_code, answer.json()["code"]) == (403, "member_disabled")
    assert guessed.json()["code"] == "sign_in_failed"
    assert taken.status_code == 201
    assert (await see(admin, "pool"))["assigned"] == "39.00"
    assert pool["assigned"] == "40.00"
    enabled = await switched(admin, place.member_id, "enable")
    assert (enabled.json()["status"], enabled.json()["remaining"]) == ("active", "39.00")
    assert [(await client.get("/api/v1/session")).status_code for client in clients] == [200, 200]
    assert (await clients[0].post("/api/v1/holds", json={"amount": "39"})).status_code == 201
    await check_books(fresh_database, place.tenant.tenant_id)


@pytest.mark.rule("MEMBER-11")
async def test_a_sign_in_that_expired_meanwhile_does_not_come_back(house: TestOffice) -> None:
    place, admin = await funded(house)
    member = await house.signed_in("acme-member")
    await switched(admin, place.member_id, "disable")
    house.clock.turn(timedelta(days=60))
    back = await house.signed_in("acme-admin")

    await switched(back, place.member_id, "enable")

    assert (await member.get("/api/v1/session")).status_code == 401


@pytest.mark.rule("MEMBER-11")
async def test_doing_it_again_changes_nothing_and_answers_the_same(house: TestOffice) -> None:
    place, admin = await funded(house)
    first = await switched(admin, place.member_id, "disable")
    before = await rows_of_everything(house)

    again = await switched(admin, place.member_id, "disable")

    assert again.content == first.content
    assert await rows_of_everything(house) == before
    await switched(admin, place.member_id, "enable")
    await switched(admin, place.member_id, "enable")
    told = await events_of(house, place, "member_disabled", "member_enabled")
    assert [(event.kind, event.changes) for event in told] == [
        ("member_disabled", {"status": ("active", "disabled")}),
        ("member_enabled", {"status": ("disabled", "active")}),
    ]


@pytest.mark.rule("MEMBER-11")
async def test_who_may_disable_whom(house: TestOffice) -> None:
    place, tenant_admin = await funded(house)
    root, query = await house.super_admin(), {"tenant_id": place.tenant_id}
    deputy_id, second = await added(tenant_admin, "deputy", "admin"), await added(tenant_admin, "second", "admin")
    deputy = await house.signed_in("deputy")

    answers = {
        "oneself": await switched(deputy, deputy_id, "disable"),
        "who runs it": await switched(deputy, place.admin_id, "disable"),
        "another admin": await switched(deputy, second, "disable"),
        "a member by root": await switched(root, place.member_id, "disable", **query),
        "nobody": await switched(deputy, f"mem_{7:032x}", "disable"),
    }

    assert {who: (answer.status_code, answer.json().get("code")) for who, answer in answers.items()} == {
        "oneself": (403, "not_to_oneself"), "who runs it": (403, "not_permitted"), "another admin": (200, None),
        "a member by root": (403, "not_permitted"), "nobody": (404, "member_unknown"),
    }  # fmt: skip


@pytest.mark.rule("MEMBER-14")
async def test_moving_takes_the_monthly_along_or_is_refused(house: TestOffice, fresh_database: FreshDatabase) -> None:
    place = await house.tenant(per_cycle="1000")
    admin = await house.signed_in("acme-admin")
    groups = {name: (await admin.post("/api/v1/groups", json={"name": name})).json()["id"] for name in ("Rich", "Poor")}
    await house_budgets(house, place, {place.group_id: "300", groups["Rich"]: "200"}, member="120")
    before = await rows_of_everything(house)

    poor = await moved(admin, place.member_id, groups["Poor"])
    same = await moved(admin, place.member_id, place.group_id)
    nowhere = await moved(admin, place.member_id, f"grp_{7:032x}")
    unchanged = await rows_of_everything(house) == before
    rich = await moved(admin, place.member_id, groups["Rich"])

    assert [(answer.status_code, answer.json()["code"]) for answer in (poor, same, nowhere)] == [
        (409, "insufficient_budget"), (409, "same_group"), (404, "group_unknown"),
    ]  # fmt: skip
    assert unchanged
    assert (rich.json()["group_id"], rich.json()["monthly"], rich.json()["remaining"]) == (
        groups["Rich"], "120.00", "120.00",
    )  # fmt: skip
    figures = {group["name"]: group for group in (await see(admin, "groups"))["groups"]}
    assert [figures[name]["distributed"] for name in ("Default", "Rich")] == ["0.00", "120.00"]
    assert [figures[name]["member_count"] for name in ("Default", "Rich")] == [1, 1]
    (told,) = await events_of(house, place, "member_moved")
    assert told.changes == {"group_id": (place.group_id, groups["Rich"])}
    await check_books(fresh_database, place.tenant.tenant_id)


async def house_budgets(house: TestOffice, place: Place, groups: dict[str, str], *, member: str) -> None:
    """Budgets per cycle for groups and for the place's member."""
    tenant_id = place.tenant.tenant_id
    asked = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, tenant_id, "Admin"))
    for group_id, monthly in groups.items():
        group = parse_public_id("group", group_id, field="x")
        wanted = NewLevel(parse_level(monthly, field="x"), seen=ZERO)
        await set_group_monthly(house.desk, asked, tenant_id, group, wanted)
    level = NewLevel(parse_level(member, field="x"), seen=ZERO)
    await set_member_monthly(house.desk, asked, tenant_id, place.member.member_id, level)
