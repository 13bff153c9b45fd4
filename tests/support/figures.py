"""Asking for figures over HTTP, and whether what is answered adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx

from bursar.db.transaction import writing
from bursar.domain.credits import parse_level
from bursar.ledger import Answer, Command, SetGroupMonthly, SetMemberMonthly, post
from bursar.outside.identity import new_uuid
from tests.support.offices import PASSWORD, Place, TestOffice

Json = dict[str, Any]

PAGE = 200


async def seen(client: httpx.AsyncClient, path: str, **query: str) -> Json:
    """What the API answers at a path, which must be an answer."""
    answer = await client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def seen_all(client: httpx.AsyncClient, path: str, rows: str, **query: str) -> list[Json]:
    """The rows of all pages."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = await seen(client, path, limit=str(PAGE), **query, **cursor)
        found += page[rows]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def posted(client: httpx.AsyncClient, path: str, **body: str) -> Json:
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
    done: Json = answer.json()
    return done


async def call(client: httpx.AsyncClient, member_id: str, hold: str, cost: str) -> None:
    """One call of a member, metered by whoever asks: so much set aside, so much charged."""
    opened = await posted(client, "holds", member_id=member_id, amount=hold)
    await posted(client, f"holds/{opened['id']}/settle", cost=cost)


async def added(client: httpx.AsyncClient, username: str, **fields: str) -> str:
    member: Json = await posted(client, "members", username=username, password=PASSWORD, **fields)
    return str(member["id"])


async def budgets(house: TestOffice, place: Place, *, group: str, member: str) -> None:
    """Monthly amounts for the group Default and for the member in it."""
    actor_id, group_id = place.admin.member_id, place.member.group_id
    of_group, of_member = parse_level(group, field="x"), parse_level(member, field="x")
    await in_books(
        house,
        place,
        SetGroupMonthly(actor_id=actor_id, transfer_id=new_uuid(), group_id=group_id, monthly=of_group),
        SetMemberMonthly(
            actor_id=actor_id, transfer_id=new_uuid(), member_id=place.member.member_id, monthly=of_member
        ),
    )


async def in_books(house: TestOffice, place: Place, *commands: Command) -> list[Answer]:
    """Posts commands to the tenant's books in one batch, none of them refused."""
    tenant_id = place.tenant.tenant_id
    async with writing(house.desk.tenants, tenant_id) as transaction:
        outcomes = await post(transaction, tenant_id, list(commands), house.clock.of_ledger)
    return [outcome.unwrap() for outcome in outcomes]


def dec(row: Json, name: str) -> Decimal:
    """One amount of an answer."""
    return Decimal(row[name])


def total(rows: list[Json], name: str) -> Decimal:
    """One amount of all rows together."""
    return sum((dec(row, name) for row in rows), Decimal(0))


def check_cards(cards: Json) -> None:
    """What always holds among the cards."""
    purchased, utilized = dec(cards, "total_purchased"), dec(cards, "total_utilized")
    available, unassigned = dec(cards, "total_available"), dec(cards, "credits_unassigned")
    assert available == purchased - utilized, cards
    assert unassigned == purchased - dec(cards, "assigned") - dec(cards, "pool_used"), cards
    assert unassigned + dec(cards, "spendable") + dec(cards, "held") == available, cards
    assert 0 <= cards["users_with_credits"] <= cards["users"], cards
    if purchased > 0:
        assert dec(cards, "utilized_percent") + dec(cards, "available_percent") == 100, cards
        assert abs(dec(cards, "utilized_percent") - 100 * utilized / purchased) <= Decimal("0.05"), cards


def check_overview(overview: Json) -> None:
    """What always holds within the overview of a tenant whose groups fit on its page."""
    check_cards(overview["cards"])
    cycle = overview["cycle"]
    assert overview["groups_next_cursor"] is None
    if (per_cycle := dec(cycle, "credits_per_cycle")) == 0:
        assert cycle["used_percent"] is None
    else:
        assert abs(dec(cycle, "used_percent") - 100 * dec(cycle, "used") / per_cycle) <= Decimal("0.05"), cycle
    # Nobody was deleted, so whoever used something is in a group still.
    assert total(overview["groups"], "used") == dec(cycle, "used"), overview
    assert sum(group["member_count"] for group in overview["groups"]) == overview["cards"]["users"]
    for group in overview["groups"]:
        held = dec(group, "extra") + dec(group, "monthly") - dec(group, "available") - dec(group, "distributed")
        # What remains of the identity of the columns is what calls under way hold of the group's own.
        assert 0 <= held <= dec(overview["cards"], "held"), group


def check_line(line: Json) -> None:
    """What always holds of one line of the AI Credits table."""
    assigned, consumed = dec(line, "assigned"), dec(line, "consumed")
    assert assigned == consumed + dec(line, "remaining") + dec(line, "held"), line
    if assigned > 0:
        assert abs(dec(line, "usage_percent") - 100 * consumed / assigned) <= Decimal("0.05"), line
    else:
        assert line["usage_percent"] == "0.0", line


def check_member(member: Json) -> None:
    """What always holds of one row of the list of members."""
    if member["remaining"] is not None:
        had = dec(member, "remaining") + dec(member, "held") + dec(member, "used")
        assert dec(member, "extra") == had - dec(member, "monthly"), member
        assert dec(member, "remaining") == dec(member, "allowance") + dec(member, "balance") - dec(member, "held")


def check_own(own: Json) -> None:
    """What always holds of what somebody has."""
    if own["pool"] is not None:
        pool = own["pool"]
        assert dec(pool, "available") == dec(pool, "total") - dec(pool, "allocated") - dec(pool, "pool_used"), own
    else:
        mine = own["own"]
        assert dec(mine, "total") == dec(own, "consumed") + dec(mine, "remaining") + dec(mine, "held"), own
        assert dec(own, "spendable") == dec(mine, "remaining") + dec(mine, "shared"), own
        assert dec(mine, "remaining") == dec(mine, "allowance") + dec(mine, "balance") - dec(mine, "held"), own
