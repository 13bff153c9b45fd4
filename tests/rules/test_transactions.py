"""docs/rules/transactions.md: what the pool's list and a member's list show."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from itertools import pairwise

import asyncpg
import pytest

from bursar.db.transaction import reading, writing
from bursar.domain.credits import Credits, parse_metered
from bursar.domain.transfers import KINDS
from bursar.ledger import SetGroupMonthly, SetMemberMonthly
from bursar.outside.identity import new_uuid
from tests.support.offices import TestOffice
from tests.support.transactions import API, Seen, all_pages, lists

TEN = Credits(10_000_000)


def micro(text: str) -> int:
    """An amount of an answer, which may be negative, in micro-credits."""
    sign = -1 if text.startswith("-") else 1
    return sign * parse_metered(text.removeprefix("-"), field="x").micro


def check_chain(rows: list[Seen]) -> None:
    """Each row ends as far from where it began as its amount says, and begins where the row below it ended."""
    for row in rows:
        assert micro(row["after"]) == micro(row["before"]) + micro(row["amount"]), row
    for newer, older in pairwise(rows):
        assert newer["before"] == older["after"], (older, newer)


@pytest.mark.rule("TRANSACTION-1", "TRANSACTION-4")
async def test_an_allocation_has_a_row_with_all_that_there_is_to_say_of_it(house: TestOffice) -> None:
    tenant = await lists(house)

    transfer_id = await tenant.moved("allocations", "10", "For the pilot")

    row = (await tenant.of_pool())[0]
    posted_at = row.pop("posted_at")
    assert row == {
        "id": transfer_id,
        "kind": "allocation",
        "label": "Allocation",
        "tag": "blue",
        "amount": "-10.00",
        "before": "500.00",
        "after": "490.00",
        "related": {
            "kind": "member", "id": tenant.place.member_id, "name": "Acme Member", "email": "acme-member@example.com",
            "status": "active",
        },
        "operator": {"id": tenant.place.admin_id, "name": "Acme Admin"},
        "note": "For the pilot",
        "epoch": 1,
        "reverses_id": None,
        "reversed_by_id": None,
        "hold_id": None,
    }  # fmt: skip
    assert posted_at.endswith("Z")


@pytest.mark.rule("TRANSACTION-1", "TRANSACTION-4")
async def test_a_reclaim_has_an_orange_row_that_fills_the_pool(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10")

    await tenant.moved("reclaims", "4.50", "Left over")

    row = (await tenant.of_pool())[0]
    assert (row["label"], row["tag"], row["amount"], row["note"]) == ("Reclaim", "orange", "4.50", "Left over")
    assert (row["before"], row["after"]) == ("490.00", "494.50")
    assert row["related"]["email"] == "acme-member@example.com"


@pytest.mark.rule("TRANSACTION-1", "TRANSACTION-3")
async def test_a_row_names_a_group_or_nobody_and_the_platform_where_it_acted(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "7", group_id=tenant.place.group_id)

    given, granted = await tenant.of_pool()

    assert given["related"] == {
        "kind": "group", "id": tenant.place.group_id, "name": "Default", "email": None, "status": "active",
    }  # fmt: skip
    assert (granted["kind"], granted["related"], granted["operator"]["name"]) == ("grant", None, "Super admin")


@pytest.mark.rule("TRANSACTION-1")
async def test_a_tenant_admins_calls_are_rows_of_the_pool_with_their_hold(house: TestOffice) -> None:
    tenant = await lists(house)

    hold_id = await tenant.spent(tenant.admin, "1.234567")

    row = (await tenant.of_pool())[0]
    assert (row["kind"], row["amount"], row["hold_id"]) == ("usage", "-1.234567", hold_id)
    assert row["related"]["id"] == tenant.place.admin_id


@pytest.mark.rule("TRANSACTION-1", "TRANSACTION-2", "TRANSACTION-8")
async def test_an_allocation_and_its_reversal_lead_to_each_other_and_both_stay(house: TestOffice) -> None:
    tenant = await lists(house)
    kept, taken_back = await tenant.moved("allocations", "10"), await tenant.moved("allocations", "3")

    reversal = await tenant.reversed(taken_back)

    for rows in (await tenant.of_pool(limit=2), await tenant.of_member(limit=2)):
        links = {row["id"]: (row["reverses_id"], row["reversed_by_id"]) for row in rows}
        assert links[reversal] == (taken_back, None)
        assert links[taken_back] == (None, reversal)
        assert links[kept] == (None, None)


@pytest.mark.rule("TRANSACTION-2")
async def test_a_member_sees_the_other_side_of_an_allocation(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10", "For the pilot")
    await tenant.moved("reclaims", "4")

    back, given = await tenant.of_member()

    assert (given["label"], given["tag"], given["account"]) == ("Allocation", "blue", "member_balance")
    assert (given["amount"], given["before"], given["after"]) == ("10.00", "0.00", "10.00")
    assert (given["note"], given["operator"]["name"]) == ("For the pilot", "Acme Admin")
    assert (back["label"], back["amount"], back["before"], back["after"]) == ("Reclaim", "-4.00", "10.00", "6.00")


@pytest.mark.rule("TRANSACTION-2")
async def test_a_call_paid_for_out_of_two_accounts_has_a_row_for_each_with_the_same_hold(house: TestOffice) -> None:
    tenant = await lists(house, per_cycle="1000")
    actor_id, member = tenant.place.admin.member_id, tenant.place.member
    of_group = SetGroupMonthly(actor_id=actor_id, transfer_id=new_uuid(), group_id=member.group_id, monthly=TEN)
    of_member = SetMemberMonthly(actor_id=actor_id, transfer_id=new_uuid(), member_id=member.member_id, monthly=TEN)
    await tenant.posted([of_group, of_member])
    await tenant.moved("allocations", "5")

    hold_id = await tenant.spent(tenant.member, "12")

    of_call = [row for row in await tenant.of_member() if row["hold_id"] == hold_id]
    assert [(row["account"], row["target"], row["amount"], row["after"]) for row in of_call] == [
        ("member_balance", "consumed", "-2.00", "3.00"), ("member_allowance", "consumed", "-10.00", "0.00"),
    ]  # fmt: skip
    by_account = defaultdict(list)
    for row in await tenant.of_member():
        by_account[row["account"]].append(row)
    assert set(by_account) == {"member_balance", "member_allowance"}
    for rows in by_account.values():
        check_chain(rows)
        assert rows[-1]["before"] == "0.00"


@pytest.mark.rule("TRANSACTION-2")
async def test_a_tenant_admins_own_list_is_the_own_use_of_the_pool(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "5")
    await tenant.spent(tenant.admin, "2")
    await tenant.spent(tenant.admin, "0.5")

    rows = await all_pages(tenant.admin, "own-transactions")

    assert [(row["account"], row["source"], row["amount"], row["after"]) for row in rows] == [
        ("consumed", "pool", "0.50", "2.50"), ("consumed", "pool", "2.00", "2.00"),
    ]  # fmt: skip
    check_chain(rows)


@pytest.mark.rule("TRANSACTION-2")
async def test_an_admin_sees_of_any_member_what_the_member_sees_and_the_member_nobody_else(house: TestOffice) -> None:
    tenant = await lists(house)
    eve = {"username": "eve", "display_name": "Eve Adams", "email": "eve@example.com", "password": "long enough"}
    eve_id = (await tenant.admin.post(f"{API}/members", json=eve)).json()["id"]
    await tenant.moved("allocations", "9", "For Eve", member_id=eve_id)
    await tenant.moved("allocations", "10")
    await tenant.spent(tenant.member, "1")

    seen_by_admin = await all_pages(tenant.admin, f"members/{tenant.place.member_id}/transactions")

    assert seen_by_admin == await tenant.of_member()
    assert [row["amount"] for row in seen_by_admin] == ["-1.00", "10.00"]
    told = (await tenant.member.get(f"{API}/own-transactions")).text
    assert "Eve" not in told
    assert "@" not in told
    refused = await tenant.member.get(f"{API}/members/{eve_id}/transactions")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    unknown = await tenant.admin.get(f"{API}/members/mem_{'0' * 32}/transactions")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "member_unknown")


@pytest.mark.rule("TRANSACTION-2", "TRANSACTION-3")
async def test_a_deleted_member_is_a_number_and_the_list_goes_on(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10")

    await tenant.admin.delete(f"{API}/members/{tenant.place.member_id}")

    returned, given = (await tenant.of_pool())[:2]
    assert (returned["kind"], returned["amount"]) == ("member_return", "10.00")
    assert given["related"] == {
        "kind": "member", "id": tenant.place.member_id, "name": "Deleted member #2", "email": None, "status": "deleted",
    }  # fmt: skip
    own = await all_pages(tenant.admin, f"members/{tenant.place.member_id}/transactions")
    assert [row["amount"] for row in own] == ["-10.00", "10.00"]


@pytest.mark.rule("TRANSACTION-3")
async def test_a_row_follows_who_is_renamed_or_disabled(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10")

    await tenant.admin.patch(f"{API}/members/{tenant.place.member_id}", json={"display_name": "Mira"})
    await tenant.admin.post(f"{API}/members/{tenant.place.member_id}/disable")

    related = (await tenant.of_pool())[0]["related"]
    assert (related["name"], related["status"]) == ("Mira", "disabled")


@pytest.mark.rule("TRANSACTION-4")
async def test_the_kinds_of_a_list_are_those_of_the_catalogue_that_may_stand_in_it(house: TestOffice) -> None:
    tenant = await lists(house)

    of_pool = (await tenant.admin.get(f"{API}/transactions/kinds")).json()["kinds"]
    of_member = (await tenant.member.get(f"{API}/own-transactions/kinds")).json()["kinds"]

    for kinds, accounts in (
        (of_pool, {"pool"}),
        (of_member, {"member_balance", "member_allowance", "consumed"}),
    ):
        assert kinds == [
            {"code": kind.code, "label": kind.label, "tag": str(kind.tag), "meaning": kind.meaning}
            for kind in KINDS.values()
            if accounts & {*kind.sources, *kind.targets}
        ]
    tags = {kind["code"]: kind["tag"] for kind in of_pool}
    assert (tags["allocation"], tags["reclaim"], "cycle_issue" in tags) == ("blue", "orange", False)


@pytest.mark.rule("TRANSACTION-7")
async def test_over_a_batch_the_pool_falls_by_the_total_with_a_row_for_each_member(house: TestOffice) -> None:
    tenant = await lists(house)

    await tenant.allocated_often(3)

    rows = (await tenant.of_pool())[:3]
    assert [row["note"] for row in rows] == ["Number 2", "Number 1", "Number 0"]
    assert {row["amount"] for row in rows} == {"-1.00"}
    assert (rows[-1]["before"], rows[0]["after"]) == ("500.00", "497.00")
    check_chain(rows)


@pytest.mark.rule("TRANSACTION-7")
async def test_pages_have_no_gaps_while_transfers_go_on(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.allocated_often(40)
    was_newest = (await tenant.of_pool())[0]["id"]

    async def go_on() -> None:
        for _ in range(25):
            await tenant.moved("allocations", "0.01")

    posting = asyncio.create_task(go_on())
    walks = []
    while not posting.done():
        walks.append(await tenant.of_pool(limit=7))
    await posting

    assert len(walks) > 1
    for rows in walks:
        check_chain(rows)
        ids = [row["id"] for row in rows]
        assert len(set(ids)) == len(ids)
        assert len(ids) - ids.index(was_newest) == 41
        assert rows[-1]["before"] == "0.00"
    assert len({rows[0]["id"] for rows in walks}) > 1


@pytest.mark.rule("TRANSACTION-8")
async def test_there_is_no_way_to_ask_for_a_change_or_a_removal(house: TestOffice) -> None:
    tenant = await lists(house)
    transfer_id = await tenant.moved("allocations", "10")
    before = await tenant.of_pool()

    for method in ("PUT", "PATCH", "DELETE"):
        for path in ("transactions", f"transactions/{transfer_id}", "own-transactions"):
            response = await tenant.admin.request(method, f"{API}/{path}", json={"amount": "1"})
            assert response.status_code in (404, 405), (method, path)

    assert await tenant.of_pool() == before


@pytest.mark.rule("TRANSACTION-8")
@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_journal set amount_micro = 1",
        "update ledger_journal set note = null",
        "delete from ledger_journal",
        "truncate ledger_journal",
        "update ledger_journal_other set note = null",
        "update ledger_batches set hash = ''",
        "delete from ledger_batches",
    ],
)
async def test_the_applications_role_may_not_touch_what_is_written(house: TestOffice, statement: str) -> None:
    tenant = await lists(house)
    async with reading(house.desk.tenants, tenant.tenant_id) as transaction:
        before = await transaction.fetch("select * from ledger_journal order by batch_number, line")
    assert before

    for database in (house.desk.tenants, house.desk.platform):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with writing(database, tenant.tenant_id) as transaction:
                await transaction.execute(statement)

    async with reading(house.desk.tenants, tenant.tenant_id) as transaction:
        assert await transaction.fetch("select * from ledger_journal order by batch_number, line") == before
