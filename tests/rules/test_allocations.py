"""docs/rules/allocations.md, example by example, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.codes import check_books
from tests.support.events import events_of
from tests.support.handing import allocated, funded, joined, of_member, pool, reclaimed, refused, see, used
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything


@pytest.mark.rule("ALLOC-1")
async def test_an_allocation_lowers_the_pool_and_raises_the_balance_by_the_same_amount_at_once(
    house: TestOffice,
) -> None:
    place, admin = await funded(house)

    given = await allocated(admin, place.member_id, "12.50", note="For the launch")

    assert given.status_code == 201, given.text
    assert (await pool(admin), await of_member(admin, place.member_id)) == ("87.50", "12.50")
    assert (given.json()["kind"], given.json()["source_after"], given.json()["target_after"]) == (
        "allocation", "87.50", "12.50",
    )  # fmt: skip
    (row,) = [row for row in (await see(admin, "transactions"))["transactions"] if row["id"] == given.json()["id"]]
    assert (row["label"], row["tag"], row["amount"], row["before"], row["after"]) == (
        "Allocation", "blue", "-12.50", "100.00", "87.50",
    )  # fmt: skip
    assert (row["operator"]["name"], row["related"]["name"], row["note"]) == (
        "Acme Admin", "Acme Member", "For the launch",
    )  # fmt: skip
    (told,) = await events_of(house, place, "allocation")
    assert (told.subject, told.detail, told.changes) == (
        place.member_id, {"amount": "12.50"}, {"balance": ("0.00", "12.50")},
    )  # fmt: skip
    await check_books(house, place)


@pytest.mark.rule("ALLOC-1")
async def test_what_was_allocated_is_spent_at_once_and_no_more_than_that(house: TestOffice) -> None:
    place, admin = await funded(house)
    member = await house.signed_in("acme-member")
    before = await member.post("/api/v1/holds", json={"amount": "5"})

    await allocated(admin, place.member_id, "5")
    await used(member, "5")
    beyond = await member.post("/api/v1/holds", json={"amount": "0.01"})

    assert refused(before) == refused(beyond) == (402, "insufficient_quota")
    assert await of_member(admin, place.member_id, "consumed") == "5.00"


@pytest.mark.rule("ALLOC-1")
@pytest.mark.parametrize("table", ["ledger_wallets", "ledger_journal", "events", "outbox"])
async def test_where_something_breaks_in_between_neither_side_has_moved(house: TestOffice, table: str) -> None:
    place, admin = await funded(house)
    before = await rows_of_everything(house)
    await _broken(house, table, is_broken=True)

    lost = await allocated(admin, place.member_id, "5")

    assert lost.status_code >= 500
    await _broken(house, table, is_broken=False)
    assert await rows_of_everything(house) == before
    assert (await allocated(admin, place.member_id, "5")).status_code == 201
    await check_books(house, place)


async def _broken(house: TestOffice, table: str, *, is_broken: bool) -> None:
    """Makes every write to the table fail, or lets it be."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        if is_broken:
            await connection.execute(
                "create function bursar.plant() returns trigger language plpgsql as"
                " $$ begin raise exception 'planted'; end $$;"
                f"create trigger planted before insert or update on bursar.{table}"
                " for each row execute function bursar.plant()"
            )
        else:
            await connection.execute(f"drop trigger planted on bursar.{table}; drop function bursar.plant()")
    finally:
        await connection.close()


@pytest.mark.rule("ALLOC-1")
async def test_a_group_is_given_credits_out_of_the_same_pool(house: TestOffice) -> None:
    place, admin = await funded(house)

    given = await admin.post("/api/v1/allocations", json={"group_id": place.group_id, "amount": "30"})

    assert (given.status_code, given.json()["kind"], await pool(admin)) == (201, "group_allocation", "70.00")
    (group,) = (await see(admin, "groups"))["groups"]
    assert group["available"] == "30.00"
    for body in ({}, {"member_id": place.member_id, "group_id": place.group_id}):
        neither = await admin.post("/api/v1/allocations", json={"amount": "1", **body})
        assert refused(neither) == (422, "invalid_input")
    await check_books(house, place)


@pytest.mark.rule("ALLOC-2")
async def test_tenant_admins_and_admins_allocate_from_one_pool_and_nobody_else_does(house: TestOffice) -> None:
    place, admin = await funded(house)
    await house.admin(place)
    deputy, member, root = (
        await house.signed_in("acme-deputy"), await house.signed_in("acme-member"), await house.super_admin(),
    )  # fmt: skip
    before = await rows_of_everything(house)
    body = {"member_id": place.member_id, "amount": "10"}

    refusals = [
        await member.post("/api/v1/allocations", json=body),
        await root.post("/api/v1/allocations", json=body, params={"tenant_id": place.tenant_id}),
        await house.visitor().post("/api/v1/allocations", json=body),
    ]

    assert [refused(answer) for answer in refusals] == [
        (403, "not_permitted"),
        (403, "not_permitted"),
        (401, "not_signed_in"),
    ]
    assert await rows_of_everything(house) == before
    assert (await allocated(admin, place.member_id, "10")).json()["source_after"] == "90.00"
    assert (await allocated(deputy, place.member_id, "10")).json()["source_after"] == "80.00"


@pytest.mark.rule("ALLOC-3")
@pytest.mark.parametrize(
    ("amount", "code"),
    [("0", "amount_too_small"), ("-1", "amount_too_small"), ("0.009", "amount_too_fine"), ("1.234", "amount_too_fine"),
     ("ten", "amount_not_decimal"), (1, "amount_not_decimal"), ("1000000000.01", "amount_too_large")],
)  # fmt: skip
async def test_an_amount_that_is_none_is_refused_by_every_way_of_moving_it(
    house: TestOffice, amount: Any, code: str
) -> None:
    place, admin = await funded(house)
    await allocated(admin, place.member_id, "0.01")
    before = await rows_of_everything(house)

    for answer in (await allocated(admin, place.member_id, amount), await reclaimed(admin, place.member_id, amount)):
        assert refused(answer) == (422, code)
        assert [field["field"] for field in answer.json()["fields"]] == ["amount"]
    assert await rows_of_everything(house) == before


@pytest.mark.rule("ALLOC-3", "RECLAIM-1")
async def test_a_note_has_at_most_200_characters_and_may_be_left_out(house: TestOffice) -> None:
    place, admin = await funded(house)

    for move in (allocated, reclaimed):
        for note in ("n" * 200, "", None):
            assert (await move(admin, place.member_id, "0.01", note=note)).status_code == 201
        too_long = await move(admin, place.member_id, "0.01", note="n" * 201)
        assert (too_long.status_code, too_long.json()["fields"][0]["field"]) == (422, "note")
    notes = [row["note"] for row in (await see(admin, "transactions"))["transactions"]]
    assert notes == [None, None, "n" * 200, None, None, "n" * 200, None]


@pytest.mark.rule("ALLOC-4")
async def test_the_pool_gives_its_last_credit_and_not_one_more(house: TestOffice) -> None:
    place, admin = await funded(house, "10")

    beyond = await allocated(admin, place.member_id, "10.01")
    last = await allocated(admin, place.member_id, "10")
    empty = await allocated(admin, place.member_id, "0.01")

    assert refused(beyond) == refused(empty) == (409, "insufficient_pool")
    assert beyond.json()["title"] == "Insufficient tenant balance"
    assert beyond.json()["detail"].startswith("Insufficient tenant balance")
    assert (beyond.json()["facts"]["available"], beyond.json()["facts"]["asked"]) == ("10.00", "10.01")
    assert (last.status_code, await pool(admin), await of_member(admin, place.member_id)) == (201, "0.00", "10.00")


@pytest.mark.rule("ALLOC-4")
async def test_of_twenty_who_allocate_the_last_credits_at_once_one_does(house: TestOffice) -> None:
    place, admin = await funded(house, "10")
    await house.admin(place)
    clients = [admin, await house.signed_in("acme-deputy")]

    answers = await asyncio.gather(*(allocated(clients[n % 2], place.member_id, "10") for n in range(20)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert (await pool(admin), await of_member(admin, place.member_id)) == ("0.00", "10.00")
    await check_books(house, place)


@pytest.mark.rule("ALLOC-5")
async def test_credits_go_to_active_members_of_the_tenant_and_never_to_oneself(house: TestOffice) -> None:
    place, admin = await funded(house)
    deputy_id = f"mem_{(await house.admin(place)).member_id.hex}"
    deputy = await house.signed_in("acme-deputy")
    elsewhere = await house.tenant("Globex")
    gone, asleep = (await joined(admin, "gone")).json()["id"], (await joined(admin, "asleep")).json()["id"]
    await admin.delete(f"/api/v1/members/{gone}")
    await admin.post(f"/api/v1/members/{asleep}/disable")
    before = await rows_of_everything(house)

    refusals = {
        "of another tenant": await allocated(admin, elsewhere.member_id, "1"),
        "unknown": await allocated(admin, f"mem_{1:032x}", "1"),
        "disabled": await allocated(admin, asleep, "1"),
        "deleted": await allocated(admin, gone, "1"),
        "tenant admin oneself": await allocated(admin, place.admin_id, "1"),
        "admin oneself": await allocated(deputy, deputy_id, "1"),
        "another tenant admin": await allocated(deputy, place.admin_id, "1"),
    }

    assert {name: refused(answer) for name, answer in refusals.items()} == {
        "of another tenant": (404, "member_unknown"),
        "unknown": (404, "member_unknown"),
        "disabled": (403, "member_disabled"),
        "deleted": (409, "member_deleted"),
        "tenant admin oneself": (403, "recipient_is_actor"),
        "admin oneself": (403, "recipient_is_actor"),
        "another tenant admin": (409, "recipient_spends_pool"),
    }
    assert await rows_of_everything(house) == before
    assert (await allocated(admin, deputy_id, "1")).status_code == 201


async def names(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """Who is offered, whom the total must count."""
    answer = await see(client, "members", **query)
    found = [member["username"] for member in answer["members"]]
    assert answer["total"] == len(found)
    return found


@pytest.mark.rule("ALLOC-6")
async def test_offered_are_active_members_without_tenant_admins_and_oneself(house: TestOffice) -> None:
    place, admin = await funded(house)
    await house.admin(place)
    deputy, root = await house.signed_in("acme-deputy"), await house.super_admin()
    asleep = (await joined(admin, "asleep")).json()["id"]
    gone = (await joined(admin, "gone")).json()["id"]
    await joined(admin, "awake")

    await admin.post(f"/api/v1/members/{asleep}/disable")
    await admin.delete(f"/api/v1/members/{gone}")

    assert await names(admin, can_receive="true") == ["acme-member", "acme-deputy", "awake"]
    assert await names(deputy, can_receive="true") == ["acme-member", "awake"]
    assert await names(root, can_receive="true", tenant_id=place.tenant_id) == ["acme-member", "acme-deputy", "awake"]
    assert await names(admin, can_receive="true", search="awa") == ["awake"]
    assert await names(admin, can_receive="true", role="tenant_admin") == []
    for member in (await see(admin, "members"))["members"]:
        given = await allocated(admin, member["id"], "1")
        assert (given.status_code == 201) == (member["username"] in {"acme-member", "acme-deputy", "awake"})


@pytest.mark.rule("ALLOC-7", "RECLAIM-5")
async def test_it_is_known_beforehand_that_there_is_nothing_to_allocate_or_reclaim_and_why(house: TestOffice) -> None:
    place, admin = await funded(house, "0")

    async def openings(client: httpx.AsyncClient) -> tuple[str | None, str | None]:
        shown = await see(client, "pool")
        assert shown["can_allocate"] == (shown["cannot_allocate_because"] is None)
        assert shown["can_reclaim"] == (shown["cannot_reclaim_because"] is None)
        return shown["cannot_allocate_because"], shown["cannot_reclaim_because"]

    assert await openings(admin) == ("pool_empty", "no_balances")
    await house.granted(place, "5")
    assert await openings(admin) == (None, "no_balances")
    await allocated(admin, place.member_id, "5")
    assert await openings(admin) == ("pool_empty", None)
    await house.granted(place, "5")
    await admin.post(f"/api/v1/members/{place.member_id}/disable")
    assert await openings(admin) == ("nobody_to_receive", None)
    await house.admin(place)
    assert await openings(admin) == (None, None)
    assert await openings(await house.signed_in("acme-deputy")) == ("nobody_to_receive", None)
    await reclaimed(admin, place.member_id, "5")
    assert await openings(admin) == (None, "no_balances")
