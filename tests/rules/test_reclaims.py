"""docs/rules/reclaims.md, example by example, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from bursar.domain.ids import public_id
from tests.support.codes import check_books
from tests.support.events import events_of
from tests.support.handing import (
    allocated,
    funded,
    joined,
    of_member,
    pool,
    reclaimed,
    refused,
    reversed_,
    see,
    used,
)
from tests.support.offices import Place, TestOffice
from tests.support.rows import rows_of_everything


async def with_balance(house: TestOffice, amount: str = "40") -> tuple[Place, httpx.AsyncClient]:
    """A tenant of 100 credits whose member has some of them."""
    place, admin = await funded(house)
    assert (await allocated(admin, place.member_id, amount)).status_code == 201
    return place, admin


@pytest.mark.rule("RECLAIM-1")
async def test_a_reclaim_lowers_the_balance_and_raises_the_pool_by_the_same_amount(house: TestOffice) -> None:
    place, admin = await with_balance(house)

    taken = await reclaimed(admin, place.member_id, "15.50")

    assert (taken.status_code, taken.json()["label"]) == (201, "Reclaim")
    assert (await pool(admin), await of_member(admin, place.member_id)) == ("75.50", "24.50")
    (row,) = [row for row in (await see(admin, "transactions"))["transactions"] if row["id"] == taken.json()["id"]]
    assert (row["label"], row["tag"], row["amount"], row["before"], row["after"], row["note"]) == (
        "Reclaim", "orange", "15.50", "60.00", "75.50", None,
    )  # fmt: skip
    (told,) = await events_of(house, place, "reclaim")
    assert (told.subject, told.detail, told.changes) == (
        place.member_id, {"amount": "15.50"}, {"balance": ("40.00", "24.50")},
    )  # fmt: skip
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-1")
async def test_admins_reclaim_also_from_themselves_and_members_do_not(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    deputy_id = public_id("member", (await house.admin(place)).member_id)
    await allocated(admin, deputy_id, "10")
    deputy, member = await house.signed_in("acme-deputy"), await house.signed_in("acme-member")

    assert refused(await reclaimed(member, place.member_id, "1")) == (403, "not_permitted")
    assert (await reclaimed(deputy, place.member_id, "1")).status_code == 201
    assert (await reclaimed(deputy, deputy_id, "10")).status_code == 201
    assert await pool(admin) == "61.00"


@pytest.mark.rule("RECLAIM-1")
async def test_a_group_hands_its_balance_back(house: TestOffice) -> None:
    place, admin = await funded(house)
    await admin.post("/api/v1/allocations", json={"group_id": place.group_id, "amount": "30"})

    beyond = await admin.post("/api/v1/reclaims", json={"group_id": place.group_id, "amount": "30.01"})
    taken = await admin.post("/api/v1/reclaims", json={"group_id": place.group_id, "amount": "30"})

    assert refused(beyond) == (409, "insufficient_balance")
    assert (taken.status_code, await pool(admin)) == (201, "100.00")


@pytest.mark.rule("RECLAIM-2")
async def test_no_more_is_taken_than_the_balance_less_what_is_held_and_consumed(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    member = await house.signed_in("acme-member")
    await used(member, "8")
    await member.post("/api/v1/holds", json={"amount": "12"})
    shown = await see(admin, f"members/{place.member_id}")

    beyond = await reclaimed(admin, place.member_id, "20.01")
    all_of_it = await reclaimed(admin, place.member_id, "20")

    assert (shown["balance"], shown["reclaimable"]) == ("32.00", "20.00")
    assert refused(beyond) == (409, "insufficient_balance")
    assert beyond.json()["title"] == "Insufficient user balance"
    assert beyond.json()["detail"] == "Insufficient user balance: 20.00 available, 20.01 asked."
    assert [field["field"] for field in beyond.json()["fields"]] == ["amount"]
    assert (all_of_it.status_code, await of_member(admin, place.member_id, "reclaimable")) == (201, "0.00")
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-2")
async def test_nothing_is_taken_from_somebody_in_debt(house: TestOffice) -> None:
    place, admin = await with_balance(house, "12")
    await used(await house.signed_in("acme-member"), "17", held="12")
    before = await rows_of_everything(house)

    taken = await reclaimed(admin, place.member_id, "0.01")

    assert (refused(taken), taken.json()["facts"]["available"]) == ((409, "insufficient_balance"), "-5.00")
    assert await rows_of_everything(house) == before
    assert await of_member(admin, place.member_id, "reclaimable") == "0.00"


@pytest.mark.rule("RECLAIM-3")
async def test_disabling_returns_nothing_and_what_is_there_is_reclaimed_all_the_same(house: TestOffice) -> None:
    place, admin = await with_balance(house)

    await admin.post(f"/api/v1/members/{place.member_id}/disable")

    assert (await pool(admin), await of_member(admin, place.member_id)) == ("60.00", "40.00")
    assert refused(await allocated(admin, place.member_id, "1")) == (403, "member_disabled")
    assert (await reclaimed(admin, place.member_id, "40")).status_code == 201
    assert (await pool(admin), await of_member(admin, place.member_id)) == ("100.00", "0.00")


@pytest.mark.rule("RECLAIM-4")
async def test_deleting_returns_the_unused_remainder_and_nothing_that_was_consumed(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    await used(await house.signed_in("acme-member"), "7.50")

    gone = await admin.delete(f"/api/v1/members/{place.member_id}")

    assert (gone.status_code, gone.json()["returned"]) == (200, "32.50")
    figures = await see(admin, "pool")
    assert (figures["balance"], figures["utilized"]) == ("92.50", "7.50")
    assert refused(await reclaimed(admin, place.member_id, "1")) == (409, "insufficient_balance")
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-4")
async def test_the_pool_takes_over_the_debt_of_somebody_who_is_deleted(house: TestOffice) -> None:
    place, admin = await with_balance(house, "12")
    await used(await house.signed_in("acme-member"), "17", held="12")

    await admin.delete(f"/api/v1/members/{place.member_id}")

    assert await pool(admin) == "83.00"
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-5")
async def test_offered_to_take_from_is_everybody_with_a_balance_disabled_ones_included(house: TestOffice) -> None:
    place, admin = await funded(house)
    ids = {name: (await joined(admin, name)).json()["id"] for name in ("asleep", "gone", "spent", "empty", "awake")}
    for name in ("asleep", "gone", "spent", "awake"):
        await allocated(admin, ids[name], "5")
    await admin.post(f"/api/v1/members/{ids['asleep']}/disable")
    await admin.delete(f"/api/v1/members/{ids['gone']}")
    await used(await house.signed_in("spent"), "6", held="5")

    async def offered(**query: Any) -> list[tuple[str, str, str]]:
        answer = await see(admin, "members", has_balance="true", **query)
        assert answer["total"] == len(answer["members"])
        return [(one["username"], one["email"], one["balance"]) for one in answer["members"]]

    assert await offered() == [
        ("asleep", "asleep@example.com", "5.00"), ("awake", "awake@example.com", "5.00"),
    ]  # fmt: skip
    assert await offered(search="awa") == [("awake", "awake@example.com", "5.00")]
    assert await offered(status="disabled") == [("asleep", "asleep@example.com", "5.00")]
    assert await offered(can_receive="true") == [("awake", "awake@example.com", "5.00")]
    await reclaimed(admin, ids["awake"], "5")
    assert [name for name, *_ in await offered()] == ["asleep"]
    await allocated(admin, place.member_id, "1")
    assert [name for name, *_ in await offered()] == ["acme-member", "asleep"]


@pytest.mark.rule("RECLAIM-6")
@pytest.mark.parametrize("path", ["allocations", "reclaims"])
@pytest.mark.parametrize("whose", ["member_id", "group_id"])
async def test_a_reversal_is_the_exact_opposite_names_what_it_takes_back_and_is_done_once(
    house: TestOffice, path: str, whose: str
) -> None:
    place, admin = await funded(house)
    holder = {whose: getattr(place, whose)}
    await admin.post("/api/v1/allocations", json={**holder, "amount": "40"})
    moved = await admin.post(f"/api/v1/{path}", json={**holder, "amount": "15"})
    before = await pool(admin)

    taken_back = await reversed_(admin, moved, note="Wrong one")
    again = await reversed_(admin, moved)
    of_itself = await reversed_(admin, taken_back)

    assert taken_back.status_code == 201, taken_back.text
    assert (taken_back.json()["amount"], await pool(admin)) == ("15.00", "60.00")
    assert before == ("45.00" if path == "allocations" else "75.00")
    assert refused(again) == (409, "already_reversed")
    assert refused(of_itself) == (409, "not_reversible")
    assert [field["field"] for field in again.json()["fields"]] == ["transaction_id"]
    listed = {row["id"]: row for row in (await see(admin, "transactions"))["transactions"]}
    assert {moved.json()["id"], taken_back.json()["id"]} <= set(listed)
    assert listed[taken_back.json()["id"]]["note"] == "Wrong one"
    (told,) = await events_of(house, place, "reversal")
    was, now = ("55.00", "40.00") if path == "allocations" else ("25.00", "40.00")
    assert told.changes == {"balance": (was, now)}
    assert told.detail == {"amount": "15.00", "kind": moved.json()["kind"], "reverses": moved.json()["id"]}
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-6")
async def test_a_reversal_sent_again_with_its_key_is_answered_alike_and_of_many_at_once_one_is_done(
    house: TestOffice,
) -> None:
    place, admin = await funded(house)
    one, two = await allocated(admin, place.member_id, "10"), await allocated(admin, place.member_id, "10")
    path, key = f"/api/v1/transactions/{one.json()['id']}/reversal", {"Idempotency-Key": "wrong"}

    first = await admin.post(path, json={}, headers=key)
    again = await admin.post(path, json={}, headers=key)
    crowd = await asyncio.gather(*(reversed_(admin, two) for _ in range(10)))

    assert (first.status_code, again.content, again.headers["Idempotent-Replayed"]) == (201, first.content, "true")
    assert sorted(answer.status_code for answer in crowd) == [201] + [409] * 9
    assert (await pool(admin), await of_member(admin, place.member_id)) == ("100.00", "0.00")
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-6")
async def test_what_was_spent_meanwhile_cannot_be_reversed_and_nothing_else_can(house: TestOffice) -> None:
    place, admin = await funded(house)
    given = await allocated(admin, place.member_id, "10")
    taken = await reclaimed(admin, place.member_id, "4")
    await allocated(admin, place.member_id, "94")
    elsewhere = await house.tenant("Globex")
    await house.granted(elsewhere, "10")
    other = await house.signed_in("globex-admin")
    theirs = await allocated(other, elsewhere.member_id, "1")
    await used(await house.signed_in("acme-member"), "95")
    grant = next(row for row in (await see(admin, "transactions"))["transactions"] if row["kind"] == "grant")
    before = await rows_of_everything(house)

    short = await reversed_(admin, given)
    empty = await reversed_(admin, taken)
    of_another_tenant = await reversed_(admin, theirs)
    of_a_grant = await admin.post(f"/api/v1/transactions/{grant['id']}/reversal", json={})
    unknown = await admin.post(f"/api/v1/transactions/trf_{1:032x}/reversal", json={})

    assert (refused(short), short.json()["title"]) == ((409, "insufficient_balance"), "Insufficient user balance")
    assert (refused(empty), empty.json()["title"]) == ((409, "insufficient_pool"), "Insufficient tenant balance")
    assert refused(of_another_tenant) == refused(unknown) == (404, "transfer_unknown")
    assert refused(of_a_grant) == (409, "not_reversible")
    assert {answer.json()["fields"][0]["field"] for answer in (short, empty, unknown, of_a_grant)} == {"transaction_id"}
    assert await rows_of_everything(house) == before


@pytest.mark.rule("RECLAIM-6")
async def test_no_transaction_is_changed_or_removed_by_anybody(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    given = (await see(admin, "transactions"))["transactions"][0]
    path = f"/api/v1/transactions/{given['id']}"

    for method in ("PATCH", "PUT", "DELETE"):
        assert (await admin.request(method, path, json={"amount": "1"})).status_code in (404, 405)
    await reclaimed(admin, place.member_id, "40")

    rows = (await see(admin, "transactions"))["transactions"]
    assert [row["kind"] for row in rows] == ["reclaim", "allocation", "grant"]
    assert rows[1] == given


@pytest.mark.rule("RECLAIM-7")
async def test_a_reversal_gives_only_to_who_can_receive_and_takes_from_whomever_it_went_to(house: TestOffice) -> None:
    place, admin = await with_balance(house)
    deputy_id = public_id("member", (await house.admin(place)).member_id)
    deputy, member = await house.signed_in("acme-deputy"), await house.signed_in("acme-member")
    to_deputy = await allocated(admin, deputy_id, "10")
    from_deputy = await reclaimed(admin, deputy_id, "4")
    await allocated(admin, deputy_id, "4")
    to_member, from_member = await allocated(admin, place.member_id, "5"), await reclaimed(admin, place.member_id, "5")
    await admin.post(f"/api/v1/members/{place.member_id}/disable")
    before = await rows_of_everything(house)

    assert refused(await reversed_(deputy, from_deputy)) == (403, "recipient_is_actor")
    assert refused(await reversed_(admin, from_member)) == (403, "member_disabled")
    assert refused(await reversed_(member, to_member))[1] in {"member_disabled", "not_permitted", "not_signed_in"}
    assert await rows_of_everything(house) == before

    assert (await reversed_(deputy, to_deputy)).status_code == 201
    assert (await reversed_(admin, to_member)).status_code == 201
    assert (await of_member(admin, deputy_id), await of_member(admin, place.member_id)) == ("0.00", "35.00")
    assert (await reversed_(admin, from_deputy)).status_code == 201
    await check_books(house, place)


@pytest.mark.rule("RECLAIM-7")
async def test_a_reversal_gives_nothing_to_who_is_gone_or_spends_from_the_pool_by_now(house: TestOffice) -> None:
    place, admin = await funded(house)
    root = await house.super_admin()
    deputy_id = public_id("member", (await house.admin(place)).member_id)
    group_id = (await admin.post("/api/v1/groups", json={"name": "Lab"})).json()["id"]
    holders = [{"member_id": place.member_id}, {"member_id": deputy_id}, {"group_id": group_id}]
    for holder in holders:
        await admin.post("/api/v1/allocations", json={**holder, "amount": "10"})
    taken = [await admin.post("/api/v1/reclaims", json={**holder, "amount": "4"}) for holder in holders]
    assert (await admin.delete(f"/api/v1/members/{place.member_id}")).status_code == 200
    raised = {"role": "tenant_admin"}, {"tenant_id": place.tenant_id}
    assert (await root.put(f"/api/v1/members/{deputy_id}/role", json=raised[0], params=raised[1])).status_code == 200
    assert (await admin.delete(f"/api/v1/groups/{group_id}")).status_code == 200
    before = await rows_of_everything(house)

    refusals = [await reversed_(admin, answer) for answer in taken]

    assert [answer.json()["code"] for answer in refusals] == [
        "member_deleted", "recipient_spends_pool", "group_unknown",
    ]  # fmt: skip
    assert {answer.json()["fields"][0]["field"] for answer in refusals} == {"transaction_id"}
    assert await rows_of_everything(house) == before
