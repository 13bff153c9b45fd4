"""docs/rules/usage.md, the logs: what a call's row says, who sees it, how rows are found."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from bursar.actions.member_deletions import delete_member
from bursar.actions.prices import NewPrice, set_price
from bursar.domain.calls import Call, CallOutcome
from bursar.domain.costs import ONE, Usage, compile_price, cost_of, credits_for
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.prices import Service
from bursar.store import call_search
from tests.support.calls.scenes import fresh_member
from tests.support.keys import made_key, refused
from tests.support.offices import TestOffice
from tests.support.prices import terms
from tests.support.usage import HUNDRED, Made, made_call, opened


async def listed(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await client.get("/api/v1/calls", params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def ids(page: dict[str, Any]) -> list[str]:
    return [call["id"] for call in page["calls"]]


def id_of(call: Call) -> str:
    return public_id("call", call.call_id)


@pytest.mark.rule("USAGE-1")
async def test_a_row_says_who_called_what_with_which_key_and_what_it_used_and_cost(house: TestOffice) -> None:
    place, admin, member = await opened(house)
    key = (await made_key(member, name="Laptop"))["key"]
    key_id = parse_public_id("api_key", key["id"], field="key")
    call = await made_call(house, place, place.member, Made(credits="0.000125", key_id=key_id, label="report"))

    (row,) = (await listed(admin))["calls"]

    assert row == {
        "id": id_of(call),
        "started_at": call.started_at.isoformat().replace("+00:00", "Z"),
        "ended_at": call.ended_at.isoformat().replace("+00:00", "Z"),
        "member": {"id": place.member_id, "name": "Acme Member", "status": "active"},
        "group": {"id": place.group_id, "name": "Default"},
        "key": {"id": key["id"], "name": "Laptop", "prefix": key["prefix"], "status": "active"},
        "model": "gpt-test", "provider": "openai", "provider_model": "gpt-test-2026", "endpoint": "chat.completions",
        "is_streamed": False, "is_estimated": False, "is_simulated": False, "outcome": "delivered", "status": 200,
        "fault": None,
        "tokens": {"input": 1000, "cached_read": 200, "cached_write": 0, "output": 50, "reasoning": 0},
        "dollars": "0.00000125", "credits": "0.000125", "held": "0.000125", "first_byte_ms": 200, "total_ms": 1000,
        "request_id": "req-of-a-test", "label": "report",
    }  # fmt: skip


@pytest.mark.rule("USAGE-1")
async def test_who_and_what_was_deleted_goes_on_being_named(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    leaver = await fresh_member(house, place)
    await admin.post("/api/v1/allocations", json={"member_id": public_id("member", leaver.member_id), "amount": "5"})
    client = await house.signed_in(leaver.username)
    key = (await made_key(client, name="Old laptop"))["key"]
    await made_call(house, place, leaver, Made(key_id=parse_public_id("api_key", key["id"], field="key")))

    await delete_member(house.desk, await house.operator(), place.tenant.tenant_id, leaver.member_id)
    (row,) = (await listed(admin))["calls"]

    assert (row["member"]["name"], row["member"]["status"]) == (f"Deleted member #{leaver.number}", "deleted")
    assert (row["key"]["name"], row["key"]["status"]) == ("Old laptop", "deleted")
    assert leaver.display_name not in str(row)


@pytest.mark.rule("USAGE-2")
async def test_admins_see_everybodys_calls_and_a_member_the_own_ones(house: TestOffice) -> None:
    place, admin, member = await opened(house)
    await house.admin(place)
    elsewhere = await house.tenant("Globex")
    await house.granted(elsewhere, "10")
    own = await made_call(house, place, place.member)
    boss = await made_call(house, place, place.admin)
    foreign = await made_call(house, elsewhere, elsewhere.admin)
    root = await house.super_admin()

    for sees_all in (admin, await house.signed_in("acme-deputy")):
        assert ids(await listed(sees_all)) == [id_of(boss), id_of(own)]
        assert ids(await listed(sees_all, member_id=place.member_id)) == [id_of(own)]
    assert ids(await listed(member)) == ids(await listed(member, member_id=place.member_id)) == [id_of(own)]
    assert ids(await listed(root, tenant_id=elsewhere.tenant_id)) == [id_of(foreign)]
    others = await member.get("/api/v1/calls", params={"member_id": place.admin_id})
    assert refused(others) == (403, "not_permitted")
    for client, call in ((member, boss), (admin, foreign)):
        for_nobody = await client.get(f"/api/v1/calls/{id_of(call)}")
        assert refused(for_nobody) == (404, "call_unknown")
    assert (await member.get(f"/api/v1/calls/{id_of(own)}")).status_code == 200


@pytest.mark.rule("USAGE-2")
async def test_the_past_stays_readable_when_nothing_is_left(house: TestOffice) -> None:
    place, _, member = await opened(house)
    await made_call(house, place, place.member, Made(credits="100"))

    credits_left = (await member.get("/api/v1/own-credits")).json()["spendable"]

    assert credits_left == "0.00"
    assert (await listed(member))["total"] == 1


@pytest.mark.rule("USAGE-3")
async def test_calls_are_narrowed_by_all_that_is_asked(house: TestOffice) -> None:
    place, admin, member = await opened(house)
    key = (await made_key(member))["key"]
    key_id = parse_public_id("api_key", key["id"], field="key")
    plain = await made_call(house, place, place.member, Made(credits="0.25", ago=timedelta(hours=3)))
    keyed = await made_call(
        house, place, place.member, Made(credits="0.5", key_id=key_id, model="claude-test", provider="anthropic")
    )
    failed = await made_call(house, place, place.admin, Made(outcome=CallOutcome.FAILED, endpoint="embeddings"))
    streamed = await made_call(house, place, place.admin, Made(credits="2", is_streamed=True, provider=None))

    hour_ago = (house.clock.now() - timedelta(hours=1)).isoformat()
    cases: list[tuple[dict[str, Any], list[Call]]] = [
        ({}, [streamed, failed, keyed, plain]),
        ({"since": hour_ago}, [streamed, failed, keyed]),
        ({"until": hour_ago}, [plain]),
        ({"since": plain.started_at.isoformat(), "until": hour_ago}, [plain]),
        ({"until": plain.started_at.isoformat()}, []),
        ({"member_id": place.member_id}, [keyed, plain]),
        ({"key_id": key["id"]}, [keyed]),
        ({"key_id": key["id"], "member_id": place.admin_id}, []),
        ({"group_id": place.group_id}, [streamed, failed, keyed, plain]),
        ({"group_id": public_id("group", UUID(int=7))}, []),
        ({"model": "claude-test"}, [keyed]),
        ({"provider": "openai"}, [failed, plain]),
        ({"endpoint": "embeddings"}, [failed]),
        ({"outcome": "failed"}, [failed]),
        ({"is_streamed": "true"}, [streamed]),
        ({"is_streamed": "false", "outcome": "delivered"}, [keyed, plain]),
        ({"credits_min": "0.5"}, [streamed, keyed]),
        ({"credits_max": "0.25"}, [failed, plain]),
        ({"model": "gpt-test", "credits_min": "0.1", "member_id": place.member_id}, [plain]),
    ]
    for query, expected in cases:
        page = await listed(admin, **query)
        assert (ids(page), page["total"]) == ([id_of(call) for call in expected], len(expected)), query
        assert not page["total_is_at_least"]


@pytest.mark.rule("USAGE-3")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"member_id": "key_1"}, "member_id"),
        ({"outcome": "lost"}, "outcome"),
        ({"credits_min": "1.0000001"}, "credits_min"),
        ({"credits_max": "-1"}, "credits_max"),
        ({"model": "a\0b"}, "model"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
async def test_what_cannot_be_asked_is_refused_and_named(house: TestOffice, query: dict[str, str], field: str) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    response = await admin.get("/api/v1/calls", params=query)

    assert (response.status_code, response.json()["fields"][0]["field"]) == (422, field)


@pytest.mark.rule("USAGE-3")
async def test_pages_follow_each_other_without_a_gap_though_calls_begin_in_one_moment(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    calls = [
        await made_call(house, place, place.admin, Made(ago=timedelta(minutes=minute // 2))) for minute in range(9)
    ]
    by_time = sorted(calls, key=lambda call: (call.started_at, call.call_id), reverse=True)

    seen, cursor = [], None
    for _ in range(5):
        page = await listed(admin, limit=2, **({} if cursor is None else {"cursor": cursor}))
        seen += ids(page)
        cursor = page["next_cursor"]

    assert seen == [id_of(call) for call in by_time]
    assert cursor is None


@pytest.mark.rule("USAGE-3")
async def test_a_page_looks_at_a_bounded_number_of_calls_and_says_where_to_go_on(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_search, "LOOKED_AT_MAX", 4)
    place, admin, _ = await opened(house)
    rare = [await made_call(house, place, place.admin, Made(model="rare", ago=timedelta(hours=9)))]
    for hour in range(8, 0, -1):
        await made_call(house, place, place.admin, Made(ago=timedelta(hours=hour)))

    first = await listed(admin, model="rare")
    second = await listed(admin, model="rare", cursor=first["next_cursor"])
    third = await listed(admin, model="rare", cursor=second["next_cursor"])

    assert (ids(first), ids(second), ids(third)) == ([], [], [id_of(rare[0])])
    assert (first["total"], first["total_is_at_least"]) == (0, True)
    assert third["next_cursor"] is None


@pytest.mark.rule("USAGE-4")
async def test_a_call_tells_how_its_charge_came_about(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    new = NewPrice("openai", "gpt-test", terms(input="2.50", cached_read="0.25", output="10"), None, None)
    price = (await set_price(house.desk, await house.operator(), new)).answer
    usage = Usage(input_tokens=1_000, cached_read_tokens=200, output_tokens=50)
    cost = cost_of(compile_price(price), usage, Service.STANDARD)
    charged = credits_for(cost, credit_factor=HUNDRED, price_factor=ONE)
    made = Made(credits=str(charged), price_id=price.price_id, usage=usage, pico_dollars=cost.pico_dollars)
    call = await made_call(house, place, place.admin, made)

    detail = (await admin.get(f"/api/v1/calls/{id_of(call)}")).json()

    assert detail["formula"]["lines"] == [
        {"bucket": "input", "count": 800, "rate": "2.50", "published_for": "1 000 000 tokens", "dollars": "0.002"},
        {"bucket": "cached_read", "count": 200, "rate": "0.25", "published_for": "1 000 000 tokens",
         "dollars": "0.00005"},
        {"bucket": "output", "count": 50, "rate": "10.00", "published_for": "1 000 000 tokens", "dollars": "0.0005"},
    ]  # fmt: skip
    assert (detail["formula"]["dollars"], detail["formula"]["credits"]) == ("0.00255", "0.255")
    assert (detail["call"]["dollars"], detail["call"]["credits"]) == ("0.00255", "0.255")
    assert detail["formula"]["text"].endswith("0.00255 USD x 100.00 x 1.00 = 0.255")
    assert (detail["credit_factor"], detail["price_factor"]) == ("100.00", "1.00")
    assert detail["price"]["id"] == public_id("price", price.price_id)
    assert detail["used"] == {"input_tokens": 1_000, "cached_read_tokens": 200, "output_tokens": 50}
    assert detail["reported"] == '{"prompt_tokens": 1000, "completion_tokens": 50}'
    assert detail["hold_id"] == public_id("hold", call.call_id)
    assert detail["metadata"] == {"team": "lab"}


@pytest.mark.rule("USAGE-4")
async def test_what_has_no_price_has_no_formula(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    call = await made_call(house, place, place.admin)

    detail = (await admin.get(f"/api/v1/calls/{id_of(call)}")).json()

    assert (detail["price"], detail["formula"]) == (None, None)


@pytest.mark.rule("USAGE-10")
async def test_a_file_says_what_the_pages_say_and_runs_nothing(house: TestOffice) -> None:
    place, admin, member = await opened(house)
    for number in range(3):
        await made_call(house, place, place.member, Made(credits=f"0.{number + 1}", label="=1+1"))
    await made_call(house, place, place.admin)

    response = await admin.get("/api/v1/calls.csv", params={"member_id": place.member_id})
    own = await member.get("/api/v1/calls.csv")
    rows = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))

    assert [row["id"] for row in rows] == ids(await listed(admin, member_id=place.member_id))
    assert [(row["credits"], row["dollars"], row["member"], row["label"]) for row in rows] == [
        ("0.30", "0.003", "Acme Member", "'=1+1"),
        ("0.20", "0.002", "Acme Member", "'=1+1"),
        ("0.10", "0.001", "Acme Member", "'=1+1"),
    ]
    assert own.text == response.text
    assert refused(await member.get("/api/v1/calls.csv", params={"member_id": place.admin_id})) == (
        403,
        "not_permitted",
    )


@pytest.mark.rule("USAGE-10")
async def test_a_file_goes_on_through_pages_that_are_short(house: TestOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_search, "LOOKED_AT_MAX", 2)
    place, admin, _ = await opened(house)
    for hour in range(5):
        await made_call(
            house, place, place.admin, Made(model="rare" if hour == 4 else "often", ago=timedelta(hours=hour))
        )

    response = await admin.get("/api/v1/calls.csv", params={"model": "rare"})

    assert response.text.count("\r\n") == 2
