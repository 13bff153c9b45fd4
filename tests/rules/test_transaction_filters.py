"""docs/rules/transactions.md: how lists are narrowed, and what their files say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bursar.api.csv_answers import BYTE_ORDER_MARK
from bursar.ledger import journal_search
from bursar.reports.transactions import TransactionList
from tests.support.offices import TestOffice
from tests.support.transactions import API, Lists, Seen, all_pages, file_rows, lists


@dataclass
class Month:
    """A tenant in which five different things happened, an hour apart, and their ids by what they are called."""

    tenant: Lists
    ids: dict[str, str]
    began_at: dict[str, datetime]
    admin_id: str
    eve_id: str

    async def found(self, **asked: Any) -> set[str]:
        """What of the pool's list is there, by what it is called."""
        called = {identity: name for name, identity in self.ids.items()}
        return {called[row["id"]] for row in await self.tenant.of_pool(**asked)}


async def a_month(house: TestOffice) -> Month:
    """Grant, two allocations, a group's, a reclaim, and a call of the tenant admin's; one of them by another admin."""
    tenant = await lists(house)
    deputy = await house.admin(tenant.place)
    eve = {"username": "eve", "display_name": "Ève Adams", "email": "eve@example.org", "password": "long enough"}
    eve_id = (await tenant.admin.post(f"{API}/members", json=eve)).json()["id"]
    month = Month(tenant, {}, {}, tenant.place.admin_id, eve_id)
    month.ids["grant"] = (await tenant.of_pool())[0]["id"]

    async def noted(name: str, work: Any) -> None:
        house.clock.turn(timedelta(hours=1))
        month.began_at[name] = house.clock.now()
        month.ids[name] = await work
        assert name != "call" or month.ids[name].startswith("hld_")

    await noted("to member", tenant.moved("allocations", "10", "Kickoff in 100%_May"))
    await noted("to eve", tenant.moved("allocations", "2.50", "kickoff", member_id=eve_id))
    await noted("to group", tenant.moved("allocations", "100", group_id=tenant.place.group_id))
    house.clock.turn(timedelta(hours=1))
    month.began_at["back"] = house.clock.now()
    by_deputy = await house.signed_in(deputy.username)
    response = await by_deputy.post(f"{API}/reclaims", json={"member_id": eve_id, "amount": "0.5"})
    month.ids["back"] = response.json()["id"]
    await noted("call", tenant.spent(tenant.admin, "1.25"))
    month.ids["call"] = next(row["id"] for row in await tenant.of_pool() if row["kind"] == "usage")
    return month


@pytest.mark.rule("TRANSACTION-5")
async def test_the_pools_list_is_narrowed_by_each_thing_and_by_several_at_once(house: TestOffice) -> None:
    month = await a_month(house)
    deputy_id = next(row["operator"]["id"] for row in await month.tenant.of_pool() if row["kind"] == "reclaim")
    everything = {"grant", "to member", "to eve", "to group", "back", "call"}
    allocations = {"to member", "to eve"}
    at = {name: moment.isoformat() for name, moment in month.began_at.items()}

    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({}, everything),
        ({"kind": "allocation"}, allocations),
        ({"kind": ["allocation", "usage", "purchase"]}, allocations | {"call"}),
        ({"kind": "usage"}, {"call"}),
        ({"kind": "purchase"}, set()),
        ({"member_id": month.eve_id}, {"to eve", "back"}),
        ({"member_id": month.admin_id}, {"call"}),
        ({"member_id": month.admin_id, "kind": "allocation"}, set()),
        ({"member_id": month.eve_id, "kind": ["reclaim", "usage"]}, {"back"}),
        ({"actor_id": deputy_id}, {"back"}),
        ({"actor_id": month.admin_id}, allocations | {"to group", "call"}),
        ({"actor_id": month.admin_id, "kind": "usage"}, {"call"}),
        ({"actor_id": month.admin_id, "member_id": month.eve_id}, {"to eve"}),
        ({"since": at["to group"]}, {"to group", "back", "call"}),
        ({"until": at["to eve"]}, {"grant", "to member"}),
        ({"since": at["to eve"], "until": at["back"], "kind": "allocation"}, {"to eve"}),
        ({"since": at["back"], "until": at["to eve"]}, set()),
        ({"since": "2001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, everything),
        ({"since": "9999-12-31T23:59:59Z"}, set()),
        ({"amount_min": "10"}, {"grant", "to member", "to group"}),
        ({"amount_max": "2.5"}, {"to eve", "back", "call"}),
        ({"amount_min": "1.25", "amount_max": "1.25"}, {"call"}),
        ({"amount_min": "1.250001", "amount_max": "2.499999"}, set()),
        ({"search": "KICKOFF"}, allocations),
        ({"search": "100%_may"}, {"to member"}),
        ({"search": "%"}, {"to member"}),
        ({"search": "eve adams"}, {"to eve", "back"}),
        ({"search": "@example.org"}, {"to eve", "back"}),
        ({"search": "deputy"}, {"back"}),
        ({"search": "default"}, {"to group"}),
        ({"search": "kickoff", "member_id": month.eve_id, "amount_min": "2"}, {"to eve"}),
        ({"search": "  "}, everything),
        ({"search": "nobody and nothing"}, set()),
    ]
    for asked, expected in cases:
        assert (asked, await month.found(**asked)) == (asked, expected)
        assert (asked, await month.found(**asked, limit=1)) == (asked, expected)


@pytest.mark.rule("TRANSACTION-5")
async def test_a_time_is_from_its_beginning_on_and_before_its_end(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "1")
    house.clock.turn(timedelta(hours=1))
    await tenant.moved("allocations", "2")
    newer, older, grant = await tenant.of_pool()

    assert await tenant.of_pool(since=older["posted_at"]) == [newer, older]
    assert await tenant.of_pool(until=newer["posted_at"]) == [older, grant]
    assert await tenant.of_pool(since=older["posted_at"], until=newer["posted_at"]) == [older]


@pytest.mark.rule("TRANSACTION-5")
async def test_a_span_of_time_is_found_among_many_batches(house: TestOffice) -> None:
    tenant = await lists(house)
    for _ in range(20):
        house.clock.turn(timedelta(minutes=1))
        await tenant.allocated_often(1)
    rows = await tenant.of_pool()

    for row in rows:
        assert await tenant.of_pool(since=row["posted_at"]) == rows[: rows.index(row) + 1]
        assert await tenant.of_pool(until=row["posted_at"]) == rows[rows.index(row) + 1 :]


@pytest.mark.rule("TRANSACTION-5")
async def test_a_members_list_is_narrowed_alike_and_searched_in_notes_only(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10", "Kickoff")
    house.clock.turn(timedelta(hours=1))
    noon = house.clock.now().isoformat()
    await tenant.moved("reclaims", "3")
    await tenant.spent(tenant.member, "1")

    async def found(**asked: Any) -> list[str]:
        rows = await tenant.of_member(**asked)
        assert rows == await all_pages(tenant.admin, f"members/{tenant.place.member_id}/transactions", **asked)
        return [row["kind"] for row in rows]

    assert await found() == ["usage", "reclaim", "allocation"]
    assert await found(kind="usage") == ["usage"]
    assert await found(kind=["reclaim", "allocation"]) == ["reclaim", "allocation"]
    assert await found(kind=["reclaim", "usage"]) == ["usage", "reclaim"]
    assert await found(since=noon) == ["usage", "reclaim"]
    assert await found(until=noon) == ["allocation"]
    assert await found(amount_min="3") == ["reclaim", "allocation"]
    assert await found(amount_max="1") == ["usage"]
    assert await found(search="kick") == ["allocation"]
    assert await found(search="kick", kind=["usage", "allocation"]) == ["allocation"]
    assert await found(search="kick", kind="usage") == []
    assert await found(search="acme-admin") == []


@pytest.mark.rule("TRANSACTION-5")
@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"kind": "gift"}, "kind_unknown", "kind"),
        ({"kind": ["allocation"] * 101}, "invalid_input", "kind"),
        ({"amount_min": "1e3"}, "amount_not_decimal", "amount_min"),
        ({"amount_max": "-1"}, "amount_too_small", "amount_max"),
        ({"amount_max": "0.0000001"}, "amount_too_fine", "amount_max"),
        ({"amount_min": "1000000001"}, "amount_too_large", "amount_min"),
        ({"since": "2026-02-30T00:00:00Z"}, "invalid_input", "since"),
        ({"until": "yesterday"}, "invalid_input", "until"),
        ({"search": "x" * 101}, "invalid_input", "search"),
        ({"search": "a\x00b"}, "invalid_input", "search"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name_in_every_list(
    house: TestOffice, asked: dict[str, Any], code: str, field: str
) -> None:
    tenant = await lists(house)

    for path in ("transactions", f"members/{tenant.place.member_id}/transactions", "own-transactions"):
        for form in (path, f"{path}.csv"):
            response = await tenant.admin.get(f"{API}/{form}", params=asked)
            assert (form, response.status_code, response.json()["code"]) == (form, 422, code)
            assert [entry["field"] for entry in response.json()["fields"]] == [field]


@pytest.mark.rule("TRANSACTION-5")
async def test_what_takes_too_long_to_find_is_refused_with_what_to_do_in_every_list(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10")
    slow = journal_search._newest_of
    monkeypatch.setattr(
        journal_search, "_PLANNED_ANEW", f"{journal_search._PLANNED_ANEW}; set local statement_timeout = 50"
    )
    monkeypatch.setattr(journal_search, "_newest_of", lambda arms: f"select * from ({slow(arms)}) x, pg_sleep(10)")

    for path in ("transactions", f"members/{tenant.place.member_id}/transactions", "own-transactions"):
        for form in (path, f"{path}.csv"):
            response = await tenant.admin.get(f"{API}/{form}", params={"amount_min": "1"})
            assert (form, response.status_code, response.json()["code"]) == (form, 422, "search_too_broad")
            assert "a shorter time" in response.json()["detail"]


def pool_line(row: Seen) -> dict[str, str]:
    """What the file has to say where a page says this."""
    related = row["related"] or dict.fromkeys(("kind", "name", "email", "id", "status"))
    told = {
        "id": row["id"], "time": row["posted_at"], "kind": row["kind"], "type": row["label"], "amount": row["amount"],
        "before": row["before"], "after": row["after"], **{f"related_{key}": related[key] for key in related},
        "related": related["name"], "operator": row["operator"]["name"], "operator_id": row["operator"]["id"],
        "note": row["note"], "cycle": str(row["epoch"]), "reverses_id": row["reverses_id"],
        "reversed_by_id": row["reversed_by_id"], "hold_id": row["hold_id"],
    }  # fmt: skip
    del told["related_name"]
    return {name: text or "" for name, text in told.items()}


@pytest.mark.rule("TRANSACTION-6")
async def test_a_file_says_what_the_pages_say_however_they_are_narrowed(house: TestOffice) -> None:
    month = await a_month(house)
    admin = month.tenant.admin

    for asked in ({}, {"kind": "allocation"}, {"search": "eve"}, {"amount_max": "2.5"}, {"kind": "purchase"}):
        pages = await month.tenant.of_pool(**asked)
        assert await file_rows(admin, "transactions.csv", **asked) == [pool_line(row) for row in pages]

    own = f"members/{month.eve_id}/transactions"
    pages, rows = await all_pages(admin, own), await file_rows(admin, f"{own}.csv")
    names = ("id", "kind", "account", "source", "target", "amount", "before", "after", "note")
    assert [[row[name] for name in names] for row in rows] == [[row[name] or "" for name in names] for row in pages]
    assert [row["time"] for row in rows] == [row["posted_at"] for row in pages]
    assert len(rows) == 2
    mine = await file_rows(month.tenant.member, "own-transactions.csv")
    assert [(row["amount"], row["type"], row["operator"]) for row in mine] == [("10.00", "Allocation", "Acme Admin")]


@pytest.mark.rule("TRANSACTION-6")
async def test_a_file_is_named_after_whose_it_is_and_runs_nothing(house: TestOffice) -> None:
    tenant = await lists(house)
    await tenant.moved("allocations", "10", '=HYPERLINK("https://example.com")')

    response = await tenant.admin.get(f"{API}/transactions.csv")
    own = await tenant.member.get(f"{API}/own-transactions.csv")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    today = house.clock.now().date().isoformat()
    assert [answer.headers["content-disposition"] for answer in (response, own)] == [
        f'attachment; filename="transactions-acme-{name}-{today}.csv"' for name in ("robotics", "member")
    ]
    assert response.text.startswith(BYTE_ORDER_MARK)
    assert '"\'=HYPERLINK(""https://example.com"")"' in response.text
    assert ",-10.00,500.00,490.00," in response.text


@pytest.mark.rule("TRANSACTION-6", "TRANSACTION-7")
async def test_a_long_file_is_sent_in_parts_and_what_is_posted_meanwhile_is_not_in_it(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await lists(house, pool="10000")
    for _ in range(5):
        await tenant.allocated_often(1_000)
    expected = [pool_line(row) for row in await tenant.of_pool(limit=200)]
    sizes: list[int] = []
    read = TransactionList.page

    async def page_and_another_transfer(found: Any, **asked: Any) -> Any:
        """While the file is being sent, somebody allocates."""
        page = await read(found, **asked)
        sizes.append(len(page.transactions))
        await asyncio.create_task(tenant.allocated_often(1))
        return page

    monkeypatch.setattr(TransactionList, "page", page_and_another_transfer)
    rows = await file_rows(tenant.admin, "transactions.csv")
    monkeypatch.undo()

    assert rows == expected
    assert sizes == [1_000] * 5 + [1]
    for newer, older in pairwise(rows):
        assert newer["before"] == older["after"]
    assert datetime.fromisoformat(rows[0]["time"]).tzinfo == UTC
