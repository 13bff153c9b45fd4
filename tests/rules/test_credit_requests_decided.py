"""docs/rules/credit_requests.md, example by example: approving, denying, and who decides what once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.codes import check_books, pool_of
from tests.support.credit_requests import (
    REQUESTS,
    approved,
    budgeted,
    colleague,
    denied,
    given_to_group,
    seen,
    status_of,
    waiting,
)
from tests.support.events import events_of
from tests.support.offices import Place, TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.rows import rows_of_everything


async def with_funds(house: TestOffice) -> tuple[Place, httpx.AsyncClient, httpx.AsyncClient]:
    """A group with 10 of allowance and 5 of balance, a pool with 20; the tenant admin and the member signed in."""
    place = await house.tenant(per_cycle="1000")
    await house.granted(place, "25")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await budgeted(house, place, monthly="10")
    await given_to_group(admin, place.group_id, "5")
    return place, admin, member


@pytest.mark.rule("REQUEST-5", "REQUEST-12")
async def test_an_admin_approves_less_and_both_amounts_are_kept(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    request_id = await waiting(member, "50")

    answer = await approved(admin, request_id, "12.50", note="The rest next month")

    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["status"], shown["amount"], shown["approved"]) == ("approved", "50.00", "12.50")
    assert (shown["decided_by"], shown["note"]) == ("Acme Admin", "The rest next month")
    assert shown["sources"] == {"group_allowance": "10.00", "group_balance": "2.50", "pool": "0.00"}
    assert (shown["means"], shown["may_decide"]) == (None, False)
    assert abs(datetime.fromisoformat(shown["decided_at"]) - house.clock.now()) < timedelta(minutes=1)
    assert await seen(admin, f"{REQUESTS}/{request_id}") == shown
    mine = await seen(admin, f"members/{place.member_id}")
    assert (mine["allowance"], mine["balance"], mine["remaining"]) == ("10.00", "2.50", "12.50")
    rows = (await seen(admin, f"members/{place.member_id}/transactions"))["transactions"]
    assert [(row["kind"], row["amount"], row["operator"]["name"], row["note"]) for row in rows] == [
        ("group_hand_out", "2.50", "Acme Admin", "The rest next month"),
        ("cycle_top_up", "10.00", "Acme Admin", "The rest next month"),
    ]
    (told,) = await events_of(house, place, "credit_request_approved")
    assert told.changes == {"status": ("pending", "approved")}
    assert told.detail == {
        "member": place.member_id, "group": place.group_id, "amount": "50.00", "reason": "For the launch",
        "approved": "12.50", "of_allowance": "10.00", "of_balance": "2.50", "of_pool": "0.00",
    }  # fmt: skip
    await check_books(house, place)


@pytest.mark.rule("REQUEST-5")
async def test_an_admin_may_approve_more_than_was_asked_for(house: TestOffice) -> None:
    _, admin, member = await with_funds(house)
    request_id = await waiting(member, "3")

    shown = (await approved(admin, request_id, "4")).json()

    assert (shown["amount"], shown["approved"]) == ("3.00", "4.00")


@pytest.mark.rule("REQUEST-6")
@pytest.mark.parametrize(
    ("source", "amount", "sources", "pool"),
    [
        ("group", "15", ("10.00", "5.00", "0.00"), "20.00"),
        ("group_and_pool", "35", ("10.00", "5.00", "20.00"), "0.00"),
        ("pool", "20", ("0.00", "0.00", "20.00"), "0.00"),
    ],
)
async def test_credits_come_from_the_named_source_and_one_cent_more_moves_nothing(
    house: TestOffice, source: str, amount: str, sources: tuple[str, str, str], pool: str
) -> None:
    place, admin, member = await with_funds(house)
    request_id = await waiting(member)
    before = await rows_of_everything(house)

    short = await approved(admin, request_id, f"{amount}.01", source)
    after = await rows_of_everything(house)
    enough = await approved(admin, request_id, amount, source)

    code = "insufficient_budget" if source == "group" else "insufficient_pool"
    assert (short.status_code, short.json()["code"]) == (409, code)
    assert short.json()["facts"] == {
        "available": f"{amount}.00", "asked": f"{amount}.01", "group_allowance": "10.00", "group_balance": "5.00",
        "pool": "20.00",
    }  # fmt: skip
    assert short.json()["fields"][0]["field"] == "amount"
    assert after == before
    assert enough.status_code == 200, enough.text
    assert tuple(enough.json()["sources"].values()) == sources
    assert await pool_of(admin) == pool
    await check_books(house, place)


@pytest.mark.rule("REQUEST-6")
async def test_what_of_the_groups_allowance_was_given_lapses_and_the_rest_stays(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    await approved(admin, await waiting(member), "18", "group_and_pool")
    assert (await seen(admin, f"members/{place.member_id}"))["remaining"] == "18.00"

    house.clock.turn(timedelta(days=1))

    mine = await seen(await house.signed_in("acme-admin"), f"members/{place.member_id}")
    assert (mine["allowance"], mine["balance"], mine["remaining"]) == ("0.00", "8.00", "8.00")


@pytest.mark.rule("REQUEST-6")
async def test_the_group_that_pays_is_the_one_the_member_is_in_by_then(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    research = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]
    await given_to_group(admin, research, "7")
    request_id = await waiting(member)
    moved = await admin.put(f"/api/v1/members/{place.member_id}/group", json={"group_id": research})
    assert moved.status_code == 200, moved.text

    before = await seen(admin, f"{REQUESTS}/{request_id}")
    after = (await approved(admin, request_id, "7")).json()
    await admin.put(f"/api/v1/members/{place.member_id}/group", json={"group_id": place.group_id})

    assert (before["group"]["name"], before["means"]["group_balance"]) == ("Research", "7.00")
    assert after["sources"] == {"group_allowance": "0.00", "group_balance": "7.00", "pool": "0.00"}
    assert (await seen(admin, f"{REQUESTS}/{request_id}"))["group"] == {"id": research, "name": "Research"}


@pytest.mark.rule("REQUEST-5")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "group"}, "amount"),
        ({"amount": "0.00", "source": "group"}, "amount"),
        ({"amount": "5"}, "source"),
        ({"amount": "5", "source": "reserve"}, "source"),
        ({"amount": "5", "source": "group", "note": "x" * 201}, "note"),
    ],
)
async def test_what_an_approval_needs_is_asked_for_by_name(house: TestOffice, body: dict[str, Any], field: str) -> None:
    _, admin, member = await with_funds(house)
    request_id = await waiting(member)

    refused = await admin.post(f"{REQUESTS}/{request_id}/approve", json=body)

    assert (refused.status_code, [one["field"] for one in refused.json()["fields"]]) == (422, [field])
    assert await status_of(admin, request_id) == "pending"


@pytest.mark.rule("REQUEST-7", "REQUEST-12")
async def test_a_denial_says_why_and_moves_nothing(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    request_id = await waiting(member)
    pool, mine = await pool_of(admin), await seen(admin, f"members/{place.member_id}")

    without = [await denied(admin, request_id, note) for note in (None, "  ", "x" * 201, "a\nb")]
    answer = await denied(admin, request_id, "No budget for this")

    assert {(refused.status_code, refused.json()["fields"][0]["field"]) for refused in without} == {(422, "note")}
    shown = answer.json()
    assert (answer.status_code, shown["status"], shown["note"]) == (200, "denied", "No budget for this")
    assert (shown["approved"], shown["sources"], shown["decided_by"]) == (None, None, "Acme Admin")
    assert (await pool_of(admin), await seen(admin, f"members/{place.member_id}")) == (pool, mine)
    (told,) = await events_of(house, place, "credit_request_denied")
    assert told.changes == {"status": ("pending", "denied")}
    assert (told.detail["member"], told.detail["amount"]) == (place.member_id, "50.00")


@pytest.mark.rule("REQUEST-8")
async def test_a_decided_request_stays_listed_and_is_not_decided_again(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    await house.admin(place)
    deputy = await house.signed_in("acme-deputy")
    yes, no = await waiting(member), await waiting(member)
    first = (await approved(deputy, yes, "5")).json()
    second = (await denied(admin, no)).json()
    before = await rows_of_everything(house)

    again = [
        await approved(admin, yes, "5"),
        await denied(admin, yes),
        await approved(deputy, no, "5"),
        await denied(deputy, no),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in again} == {(409, "credit_request_decided")}
    facts = again[0].json()["facts"]
    assert (facts["decision"], facts["decided_by"]) == ("approved", "Acme Deputy")
    assert datetime.fromisoformat(facts["decided_at"]) == datetime.fromisoformat(first["decided_at"])
    assert again[0].json()["detail"] == "Acme Deputy decided this request already: it is approved."
    assert again[2].json()["facts"]["decision"] == "denied"
    assert await rows_of_everything(house) == before
    listed = (await seen(admin))["credit_requests"]
    assert [(row["id"], row["status"], row["decided_by"], row["decided_at"]) for row in listed] == [
        (no, "denied", "Acme Admin", second["decided_at"]), (yes, "approved", "Acme Deputy", first["decided_at"]),
    ]  # fmt: skip


@pytest.mark.rule("REQUEST-8")
async def test_nobody_decides_ones_own_and_an_admin_nobodys_who_runs_the_tenant(house: TestOffice) -> None:
    place, admin, _ = await with_funds(house)
    await house.admin(place)
    deputy = await house.signed_in("acme-deputy")
    own = await waiting(deputy)
    before = await rows_of_everything(house)

    refused = [await approved(deputy, own, "5"), await denied(deputy, own)]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "not_to_oneself")}
    assert {answer.json()["fields"][0]["field"] for answer in refused} == {"credit_request_id"}
    assert await rows_of_everything(house) == before
    shown = await seen(deputy, f"{REQUESTS}/{own}")
    assert (shown["may_decide"], shown["objection"]) == (False, "Nobody does that to oneself.")
    assert (await seen(admin, f"{REQUESTS}/{own}"))["may_decide"] is True
    assert (await approved(admin, own, "5")).status_code == 200


@pytest.mark.rule("REQUEST-8")
async def test_a_super_admin_sees_requests_and_decides_none(house: TestOffice) -> None:
    place, _, member = await with_funds(house)
    root, query = await house.super_admin(), {"tenant_id": place.tenant_id}
    request_id = await waiting(member)

    refused = await root.post(f"{REQUESTS}/{request_id}/deny", params=query, json={"note": "No"})

    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    shown = await seen(root, f"{REQUESTS}/{request_id}", **query)
    assert (shown["status"], shown["may_decide"]) == ("pending", False)
    nowhere = await root.get(REQUESTS, params={"tenant_id": f"ten_{0:032x}"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "tenant_unknown")


@pytest.mark.rule("REQUEST-5")
async def test_a_disabled_member_is_given_nothing_until_they_are_enabled_and_can_be_denied(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    first, second = await waiting(member), await waiting(member)
    await admin.post(f"/api/v1/members/{place.member_id}/disable")

    # The recipient is looked at before the funds: more than there is is refused for the same reason.
    refused = [await approved(admin, first, amount) for amount in ("5", "5000")]
    no = await denied(admin, second)
    await admin.post(f"/api/v1/members/{place.member_id}/enable")
    yes = await approved(admin, first, "5")

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "member_disabled")}
    assert refused[0].json()["fields"][0]["field"] == "credit_request_id"
    assert no.json()["member"]["status"] == "disabled"
    assert yes.status_code == 200


@pytest.mark.rule("REQUEST-11")
async def test_what_waits_of_a_deleted_member_is_denied_and_stays_listed_under_a_number(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    waits, decided = await waiting(member), await waiting(member)
    await approved(admin, decided, "5")

    deleted = await admin.delete(f"/api/v1/members/{place.member_id}")

    assert deleted.status_code == 200, deleted.text
    rows = (await seen(admin))["credit_requests"]
    assert [(row["id"], row["status"], row["decided_by"], row["note"]) for row in rows] == [
        (decided, "approved", "Acme Admin", None), (waits, "denied", "Acme Admin", "The member was deleted."),
    ]  # fmt: skip
    assert {(row["member"]["name"], row["member"]["email"]) for row in rows} == {("Deleted member #2", None)}
    assert {row["group"]["name"] for row in rows} == {"Default"}
    again = await approved(admin, waits, "5")
    assert (again.status_code, again.json()["code"]) == (409, "credit_request_decided")
    (told,) = await events_of(house, place, "member_deleted")
    assert told.detail["requests_denied"] == "1"
    await check_books(house, place)


@pytest.mark.rule("REQUEST-11")
async def test_what_waits_of_somebody_who_comes_to_run_the_tenant_is_denied(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    request_id = await waiting(member)
    root = await house.super_admin()
    path = f"/api/v1/members/{place.member_id}/role"

    promoted = await root.put(path, params={"tenant_id": place.tenant_id}, json={"role": "tenant_admin"})

    assert promoted.status_code == 200, promoted.text
    shown = await seen(admin, f"{REQUESTS}/{request_id}")
    assert (shown["status"], shown["decided_by"]) == ("denied", "Super admin")
    assert shown["note"] == "A tenant admin spends from the pool."


@pytest.mark.rule("REQUEST-8", "ONCE-1")
async def test_the_same_decision_sent_twice_with_its_key_is_answered_as_at_first(house: TestOffice) -> None:
    place, admin, member = await with_funds(house)
    asked = [
        await member.post(REQUESTS, json={"amount": "5", "reason": "x"}, headers={"Idempotency-Key": "ask"})
        for _ in range(2)
    ]
    request_id = asked[0].json()["id"]
    first = await approved(admin, request_id, "5", key="one")
    before = await rows_of_everything(house)

    again = await approved(admin, request_id, "5", key="one")
    other = await approved(admin, request_id, "6", key="one")

    assert (asked[1].content, asked[1].headers["Idempotent-Replayed"]) == (asked[0].content, "true")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert await rows_of_everything(house) == before
    assert (await seen(admin, f"members/{place.member_id}"))["remaining"] == "5.00"


@pytest.mark.rule("REQUEST-8")
async def test_of_all_who_approve_and_deny_at_once_in_two_processes_one_decides(
    house: TestOffice, fresh_database: FreshDatabase
) -> None:
    place, admin, member = await with_funds(house)
    await house.admin(place)
    async with running_office(fresh_database, clock=house.clock) as other:
        clients = [admin, await house.signed_in("acme-deputy"), await other.signed_in("acme-admin")]
        given = 0
        for _ in range(4):
            request_id = await waiting(member, "2")

            answers = await asyncio.gather(
                *(approved(client, request_id, "2") for client in clients for _ in range(3)),
                *(denied(client, request_id) for client in clients for _ in range(3)),
            )

            done = [answer.json() for answer in answers if answer.status_code == 200]
            refused = {answer.json()["code"] for answer in answers if answer.status_code != 200}
            assert (len(done), refused) == (1, {"credit_request_decided"})
            assert await status_of(admin, request_id) == done[0]["status"]
            given += done[0]["status"] == "approved"
    remaining = (await seen(admin, f"members/{place.member_id}"))["remaining"]
    assert remaining == f"{2 * given}.00"
    told = await events_of(house, place, "credit_request_approved", "credit_request_denied")
    assert len(told) == 4
    await check_books(house, place)


@pytest.mark.rule("REQUEST-3", "REQUEST-8")
async def test_many_who_ask_at_once_are_given_no_more_than_the_reserve(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    admin = await house.signed_in("acme-admin")
    await budgeted(house, place, monthly="1000", reserve="50")
    clients = [await house.signed_in("acme-member")]
    for name in ("b", "c"):
        await colleague(admin, name)
        clients.append(await house.signed_in(name))
    body = {"amount": "20", "reason": "x"}

    answers = await asyncio.gather(*(client.post(REQUESTS, json=body) for client in clients for _ in range(4)))

    assert sorted(answer.json()["status"] for answer in answers) == ["auto_approved"] * 2 + ["pending"] * 10
    assert (await seen(admin))["credit_requests"][0]["status"] in ("pending", "auto_approved")
    assert (await seen(admin, "groups"))["groups"][0]["available"] == "960.00"
    await check_books(house, place)


@pytest.mark.rule("REQUEST-11", "REQUEST-8")
async def test_an_approval_beside_a_deletion_is_done_first_or_refused(house: TestOffice) -> None:
    place, admin, _ = await with_funds(house)
    for number in range(4):
        someone = await colleague(admin, f"m{number}")
        request_id = await waiting(await house.signed_in(f"m{number}"))

        deletion, approval = await asyncio.gather(
            admin.delete(f"/api/v1/members/{someone['id']}"), approved(admin, request_id, "1")
        )

        assert deletion.status_code == 200
        status = await status_of(admin, request_id)
        assert (approval.status_code, status) in ((200, "approved"), (409, "denied"))
        assert approval.json().get("code") in (None, "credit_request_decided")
    await check_books(house, place)
