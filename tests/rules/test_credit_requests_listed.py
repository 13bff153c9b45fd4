"""docs/rules/credit_requests.md, example by example: who sees which requests, and how."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.credit_requests import (
    OWN,
    REQUESTS,
    approved,
    asked_for,
    budgeted,
    colleague,
    denied,
    seen,
    waiting,
)
from tests.support.offices import TestOffice


@pytest.mark.rule("REQUEST-9")
async def test_the_list_shows_matching_requests_newest_first_and_counts_each_status(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await budgeted(house, place, monthly="1000", reserve="5")
    research = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]
    jose = await colleague(admin, "jose", display_name="José Núñez", group_id=research)
    other = await house.signed_in("jose")
    auto = (await asked_for(member, "5")).json()["id"]
    yes, no, open_one = [await waiting(member, amount) for amount in ("10", "20", "30")]
    theirs = await waiting(other, "40")
    await approved(admin, yes, "8")
    await denied(admin, no)

    async def ids(**query: Any) -> list[str]:
        return [row["id"] for row in (await seen(admin, **query))["credit_requests"]]

    assert await ids() == [theirs, open_one, no, yes, auto]
    assert await ids(status="pending") == [theirs, open_one]
    assert await ids(status="approved") == [yes]
    assert await ids(status="denied") == [no]
    assert await ids(status="auto_approved") == [auto]
    assert await ids(member_id=jose["id"]) == await ids(group_id=research) == [theirs]
    assert await ids(search="nunez") == await ids(search="JOSE example.com") == [theirs]
    assert await ids(search="acme-member", status="pending") == [open_one]
    assert await ids(search="nobody") == await ids(search="100%") == []
    page = await seen(admin, status="pending", search="member")
    assert page["total"] == 1
    assert [(total["status"], total["label"], total["count"]) for total in page["totals"]] == [
        (None, "All Statuses", 4), ("pending", "Pending", 1), ("approved", "Approved", 1), ("denied", "Denied", 1),
        ("auto_approved", "Auto-Approved", 1),
    ]  # fmt: skip
    assert (await seen(admin))["total"] == 5


@pytest.mark.rule("REQUEST-9")
async def test_pages_lead_from_one_to_the_next_whatever_comes_in_between(house: TestOffice) -> None:
    await house.tenant()
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    ids = [await waiting(member) for _ in range(5)]
    shown: list[str] = []
    cursor = None
    while cursor is not None or not shown:
        page = await seen(admin, limit=2, **({} if cursor is None else {"cursor": cursor}))
        shown += [row["id"] for row in page["credit_requests"]]
        cursor = page["next_cursor"]
        if len(shown) == 2:
            await waiting(member)

    assert shown == ids[::-1]
    own = await seen(member, OWN, limit=4)
    assert (len(own["credit_requests"]), own["total"], own["next_cursor"] is not None) == (4, 6, True)
    malformed = await admin.get(REQUESTS, params={"cursor": "x"})
    assert (malformed.status_code, malformed.json()["fields"][0]["field"]) == (422, "cursor")


@pytest.mark.rule("REQUEST-9")
async def test_a_member_sees_their_own_and_nobody_elses(house: TestOffice) -> None:
    place = await house.tenant()
    await house.tenant("Globex")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await colleague(admin, "b")
    other, stranger = await house.signed_in("b"), await house.signed_in("globex-admin")
    mine, theirs = await waiting(member), await waiting(other)
    await denied(admin, mine)

    own = await seen(member, OWN)
    answers = [
        await member.get(REQUESTS),
        await member.get(f"{REQUESTS}/{mine}"),
        await approved(member, theirs, "5"),
        await denied(member, theirs),
    ]
    elsewhere = [
        await stranger.get(f"{REQUESTS}/{mine}"),
        await approved(stranger, theirs, "5"),
        await denied(stranger, theirs),
        await stranger.get(REQUESTS, params={"tenant_id": place.tenant_id}),
    ]

    assert [(row["id"], row["status"], row["note"]) for row in own["credit_requests"]] == [(mine, "denied", "Not now")]
    assert (await seen(member, OWN, status="pending"))["credit_requests"] == []
    assert "means" not in own["credit_requests"][0]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "not_permitted")}
    assert [(answer.status_code, answer.json()["code"]) for answer in elsewhere] == [
        (404, "credit_request_unknown"), (404, "credit_request_unknown"), (404, "credit_request_unknown"),
        (404, "tenant_unknown"),
    ]  # fmt: skip
    assert (await seen(stranger))["credit_requests"] == []


@pytest.mark.rule("REQUEST-10")
async def test_each_status_has_its_word_and_its_colour(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await budgeted(house, place, monthly="100", reserve="1")
    await asked_for(member, "1")
    yes, no = await waiting(member, "10"), await waiting(member, "10")
    await approved(admin, yes, "10")
    await denied(admin, no)
    await waiting(member)

    rows = (await seen(admin))["credit_requests"]

    assert [(row["status_label"], row["tag"]) for row in rows] == [
        ("Pending", "grey"), ("Denied", "red"), ("Approved", "green"), ("Auto-Approved", "green"),
    ]  # fmt: skip
