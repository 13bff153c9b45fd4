"""docs/rules/figures.md while credits move: every single answer adds up, and at rest all answers agree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id
from bursar.ledger import SetGroupMonthly, SetMemberMonthly, ShareGroup
from bursar.outside.identity import new_uuid
from tests.support.figures import (
    Json,
    check_cards,
    check_line,
    check_member,
    check_overview,
    check_own,
    dec,
    in_books,
    seen,
    seen_all,
    total,
)
from tests.support.offices import PASSWORD, Place, TestOffice

CREDIT = 1_000_000
MEMBERS = 6
CALLS = 12
"""Calls of each caller: enough for holds of every account, calls above their hold and refusals to occur."""
HANDINGS = 25
RESETS = 4


async def busy_tenant(house: TestOffice) -> tuple[Place, list[str]]:
    """A tenant with two groups, one of them sharing its budget, and members with allowances; their ids."""
    place = await house.tenant(per_cycle="1000", cadence="1_hour")
    await house.granted(place, "5000")
    admin = await house.signed_in("acme-admin")
    research = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]
    ids = [place.member_id]
    for number in range(1, MEMBERS):
        body = {"username": f"acme-{number}", "password": PASSWORD, **({"group_id": research} if number % 2 else {})}
        ids.append((await admin.post("/api/v1/members", json=body)).json()["id"])
    actor_id = place.admin.member_id
    group_ids = [place.member.group_id, parse_public_id("group", research, field="x")]
    await in_books(
        house,
        place,
        *(
            SetGroupMonthly(actor_id=actor_id, transfer_id=new_uuid(), group_id=group_id, monthly=Credits(300 * CREDIT))
            for group_id in group_ids
        ),
        *(
            SetMemberMonthly(
                actor_id=actor_id,
                transfer_id=new_uuid(),
                member_id=parse_public_id("member", member_id, field="x"),
                monthly=Credits(20 * CREDIT),
            )
            for member_id in ids[:4]
        ),
        ShareGroup(actor_id=actor_id, group_id=group_ids[1], is_shared=True),
    )
    return place, ids


async def sent(client: httpx.AsyncClient, path: str, **body: object) -> Json | None:
    """What was answered, or None if it was refused for want of credits, or because a cycle had ended meanwhile."""
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code in (200, 201, 402, 409), answer.text
    return answer.json() if answer.status_code < 300 else None


async def calls(client: httpx.AsyncClient, chance: random.Random, member_ids: list[str]) -> None:
    """Calls that are settled below their hold, at it and above it, or voided."""
    for _ in range(CALLS):
        amount = chance.randrange(1, 30_000_000)
        member_id = chance.choice(member_ids)
        hold = await sent(client, "holds", member_id=member_id, amount=str(Credits(amount)))
        if hold is None:
            continue
        if chance.random() < 0.2:
            await sent(client, f"holds/{hold['id']}/void")
        else:
            cost = Credits(int(amount * chance.choice((0.3, 1, 1.4))))
            assert await sent(client, f"holds/{hold['id']}/settle", cost=str(cost)) is not None


async def handings(client: httpx.AsyncClient, chance: random.Random, member_ids: list[str]) -> None:
    """Credits handed out and taken back."""
    for _ in range(HANDINGS):
        path = chance.choice(("allocations", "allocations", "reclaims"))
        amount = str(Credits(chance.randrange(1, 3_000) * 10_000))
        await sent(client, path, member_id=chance.choice(member_ids), amount=amount)


async def resets(client: httpx.AsyncClient) -> None:
    """Cycles ended one after another, apart by as long as some answers take."""
    for _ in range(RESETS):
        for _ in range(3):
            await seen(client, "pool")
        await sent(client, "cycle/reset", epoch=(await seen(client, "cycle"))["epoch"])


async def look(client: httpx.AsyncClient, path: str, check: Callable[[Json], None], over: asyncio.Event) -> int:
    """Asks for one answer over and over, and checks every one; how many there were."""
    count = 0
    while not over.is_set():
        check(await seen(client, path))
        count += 1
    return count


def check_lines(page: Json) -> None:
    for line in page["members"]:
        check_line(line)


def check_members(page: Json) -> None:
    for member in page["members"]:
        check_member(member)


@pytest.mark.rule("FIGURE-1", "FIGURE-5", "FIGURE-8", "FIGURE-9")
@pytest.mark.timeout(240)
async def test_every_answer_adds_up_while_calls_allocations_and_resets_run(house: TestOffice) -> None:
    place, member_ids = await busy_tenant(house)
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    over = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        lookers = [
            group.create_task(look(client, path, check, over))
            for client, path, check in (
                (admin, "reports/cards", check_cards),
                (admin, "reports/overview", check_overview),
                (admin, "reports/credits", check_lines),
                (admin, "members", check_members),
                (admin, "own-credits", check_own),
                (member, "own-credits", check_own),
            )
        ]
        async with asyncio.TaskGroup() as traffic:
            for seed in range(3):
                traffic.create_task(calls(admin, random.Random(seed), [*member_ids, place.admin_id]))
            traffic.create_task(handings(admin, random.Random(7), member_ids))
            traffic.create_task(resets(admin))
        over.set()

    assert all(looker.result() > 0 for looker in lookers)
    assert dec(await seen(admin, "reports/cards"), "total_utilized") > 0
    await check_agreement(admin)
    # Nobody's row has been touched since the cycle ended: all of them are read as rolled over.
    house.clock.turn(timedelta(hours=1))
    await check_agreement(admin)
    assert (await seen(admin, "cycle"))["used"] == "0.00"


async def check_agreement(client: httpx.AsyncClient) -> None:
    """Cards, groups, members and the table of a tenant where nothing is under way and nobody was deleted."""
    cards = await seen(client, "reports/cards")
    groups = await seen_all(client, "groups", "groups")
    members = await seen_all(client, "members", "members")
    in_table = await seen_all(client, "reports/credits", "members")
    others = await seen_all(client, "reports/credits", "members", assigned="false")
    admins = [member for member in members if member["remaining"] is None]
    own = [member for member in members if member["remaining"] is not None]

    assert dec(cards, "held") == total(members, "held") == 0
    assert total(own, "remaining") == total(in_table + others, "remaining") == dec(cards, "spendable")
    assert total(members, "consumed") == dec(cards, "total_utilized")
    assert total(in_table + others, "assigned") == dec(cards, "assigned")
    assert total(admins, "consumed") == dec(cards, "pool_used")
    assert (len(in_table), len(members)) == (cards["users_with_credits"], cards["users"])
    assert {line["id"] for line in in_table + others} == {member["id"] for member in own}
    assert total(members, "used") == total(groups, "used") == dec(await seen(client, "cycle"), "used")
    for group in groups:
        inside = [member for member in members if member["group_id"] == group["id"]]
        paid = [member for member in inside if member["remaining"] is not None]
        assert len(inside) == group["member_count"]
        assert total(inside, "used") == dec(group, "used")
        assert total(paid, "monthly") + total(paid, "extra") == dec(group, "distributed")
        assert dec(group, "extra") == dec(group, "available") + dec(group, "distributed") - dec(group, "monthly")
    pool, cycle = await seen(client, "pool"), await seen(client, "cycle")
    unassigned = dec(pool, "balance") + dec(cycle, "undistributed") + total(groups, "available")
    assert unassigned == dec(cards, "credits_unassigned") != Decimal(0)
