"""docs/rules/usage.md, the reports: what calls come to, of which days, broken down by what, for whom."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bursar.domain.calls import CallOutcome
from bursar.domain.costs import Usage
from bursar.domain.ids import parse_public_id, public_id
from bursar.store import call_days
from bursar.worker.usage import add_up_usage
from tests.support.callers import check_books
from tests.support.calls.scenes import fresh_member
from tests.support.keys import field_at_fault, made_key, refused
from tests.support.offices import Place, TestOffice
from tests.support.usage import Made, made_call, opened

ZERO = {
    "calls": 0, "failed": 0, "estimated": 0, "unpriced": 0, "input_tokens": 0, "cached_read_tokens": 0,
    "cached_write_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0, "dollars": "0.00", "credits": "0.00",
}  # fmt: skip


async def report(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await client.get("/api/v1/reports/usage", params=query)
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def lines(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Each row as its names, its calls and its credits."""
    return [
        (*(key["name"] for key in row["keys"]), row["figures"]["calls"], row["figures"]["credits"])
        for row in told["rows"]
    ]


@pytest.mark.rule("USAGE-6", "USAGE-8")
async def test_totals_say_what_was_used_what_it_cost_and_what_is_not_known(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    priced = await made_call(house, place, place.admin, Made(credits="0.255"))
    usage = Usage(input_tokens=10, cached_read_tokens=4, cached_write_tokens=3, output_tokens=9, reasoning_tokens=5)
    await made_call(house, place, place.admin, Made(credits="1", pico_dollars=0, usage=usage, is_estimated=True))
    await made_call(house, place, place.member, Made(outcome=CallOutcome.FAILED, usage=Usage(calls=0)))

    told = await report(admin)

    today = priced.day.isoformat()
    assert told["period"] == {"first": today, "last": today, "days": 1, "time_zone": "UTC"}
    assert told["totals"] == {
        "calls": 3, "failed": 1, "estimated": 1, "unpriced": 1, "input_tokens": 1010, "cached_read_tokens": 204,
        "cached_write_tokens": 3, "output_tokens": 59, "reasoning_tokens": 5, "dollars": "0.00255", "credits": "1.255",
    }  # fmt: skip
    assert [row["figures"] for row in told["rows"]] == [told["totals"]]


@pytest.mark.rule("USAGE-6")
async def test_a_call_is_in_the_report_as_soon_as_it_is_charged_and_stays_there_when_it_is_added_up(
    house: TestOffice,
) -> None:
    place, admin, _ = await opened(house)
    seen = []
    for _ in range(3):
        await made_call(house, place, place.admin)
        before = await report(admin)
        added = await add_up_usage(house.desk)
        seen.append((before["totals"]["calls"], before == await report(admin), added > 0))

    assert seen == [(1, True, True), (2, True, True), (3, True, True)]
    assert await add_up_usage(house.desk) == 0


@pytest.mark.rule("USAGE-6")
async def test_calls_without_a_key_are_of_no_key_that_could_be_named(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    await made_call(house, place, place.member)
    nobodys = public_id("api_key", call_days.NO_KEY)

    before = await report(admin, key_id=nobodys)
    await add_up_usage(house.desk)
    after = await report(admin, key_id=nobodys)

    assert (before["totals"], after["totals"]) == (ZERO, ZERO)


@pytest.mark.rule("USAGE-7")
async def test_a_call_belongs_to_the_day_it_began_on_where_the_tenant_is(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    there = {"cadence": "1_day", "time_zone": "Pacific/Auckland", "epoch": 1}
    moved = await admin.put("/api/v1/cycle/cadence", json=there)
    assert moved.status_code == 200, moved.text
    late = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    await made_call(house, place, place.admin, Made(at=late, time_zone="Pacific/Auckland"))

    next_day = await report(admin, **{"from": "2026-03-02", "to": "2026-03-02"})
    day_before = await report(admin, **{"from": "2026-03-01", "to": "2026-03-01"})

    assert (next_day["totals"]["calls"], next_day["rows"][0]["keys"][0]["id"]) == (1, "2026-03-02")
    assert (day_before["totals"], day_before["rows"]) == (ZERO, [])
    assert next_day["period"]["time_zone"] == "Pacific/Auckland"


@pytest.mark.rule("USAGE-7")
async def test_without_days_a_report_is_of_the_running_cycle(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    await made_call(house, place, place.admin, Made(ago=timedelta(days=3)))
    house.clock.turn(timedelta(days=2))
    admin = await house.signed_in("acme-admin")
    await made_call(house, place, place.admin)

    told = await report(admin)

    today = house.clock.now().date()
    assert told["totals"]["calls"] == 1
    assert told["period"]["last"] == today.isoformat()
    assert told["period"]["first"] in {today.isoformat(), (today - timedelta(days=1)).isoformat()}


@pytest.mark.rule("USAGE-7", "USAGE-8")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "to"),
        ({"from": "2026-01-01", "to": "2027-01-02"}, "to"),
        ({"from": "2026-02-30"}, "from"),
        ({"to": "1772323200"}, "to"),
        ({"by": "hour"}, "by"),
        ({"by": "day,day"}, "by"),
        ({"by": "day,model,member"}, "by"),
        ({"by": ""}, "by"),
        ({"key_id": "mem_1"}, "key_id"),
    ],
)
async def test_what_cannot_be_reported_is_refused_and_named(
    house: TestOffice, query: dict[str, str], field: str
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    assert field_at_fault(await admin.get("/api/v1/reports/usage", params=query)) == (422, field)


@pytest.mark.rule("USAGE-8")
@pytest.mark.parametrize("added_up", [False, True])
async def test_usage_is_broken_down_by_one_or_two_dimensions(house: TestOffice, added_up: bool) -> None:
    place, admin, member = await opened(house)
    key = (await made_key(member, name="Laptop"))["key"]
    key_id = parse_public_id("api_key", key["id"], field="key")
    await made_call(house, place, place.member, Made(credits="1", model="small", provider="anthropic", key_id=key_id))
    await made_call(house, place, place.member, Made(credits="2", model="large", ago=timedelta(days=1)))
    await made_call(house, place, place.admin, Made(credits="4", model="small"))
    if added_up:
        await add_up_usage(house.desk)
    today = house.clock.now().date()
    yesterday = today - timedelta(days=1)
    days: dict[str, Any] = {"from": yesterday.isoformat(), "to": today.isoformat()}

    async def broken_down(by: str, **more: str) -> list[tuple[Any, ...]]:
        return lines(await report(admin, by=by, **days, **more))

    first, second = yesterday.isoformat(), today.isoformat()
    assert await broken_down("day") == [(first, 1, "2.00"), (second, 2, "5.00")]
    assert await broken_down("model") == [("small", 2, "5.00"), ("large", 1, "2.00")]
    assert await broken_down("member") == [("Acme Admin", 1, "4.00"), ("Acme Member", 2, "3.00")]
    assert await broken_down("group") == [("Default", 3, "7.00")]
    assert await broken_down("key") == [("No key", 2, "6.00"), ("Laptop", 1, "1.00")]
    assert await broken_down("provider") == [("openai", 2, "6.00"), ("anthropic", 1, "1.00")]
    assert await broken_down("day,model") == [(first, "large", 1, "2.00"), (second, "small", 2, "5.00")]
    assert await broken_down("member,model") == [
        ("Acme Admin", "small", 1, "4.00"), ("Acme Member", "small", 1, "1.00"), ("Acme Member", "large", 1, "2.00"),
    ]  # fmt: skip
    assert await broken_down("model", member_id=place.member_id) == [("large", 1, "2.00"), ("small", 1, "1.00")]
    assert await broken_down("model", key_id=key["id"]) == [("small", 1, "1.00")]
    assert await broken_down("day", model="small", provider="openai") == [(second, 1, "4.00")]
    assert await broken_down("day", group_id=place.group_id, model="none") == []


@pytest.mark.rule("USAGE-8")
async def test_the_largest_stand_by_themselves_and_the_rest_is_one_row_with_their_number(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_days, "SERIES_MAX", 2)
    place, admin, _ = await opened(house)
    for model, price in (("a", "1"), ("b", "4"), ("c", "2"), ("d", "1")):
        await made_call(house, place, place.admin, Made(credits=price, model=model))
    await made_call(house, place, place.member, Made(credits="0.5", model="a", ago=timedelta(days=1)))

    by_model = await report(admin, by="model", **{"from": _days_ago(house, 1)})
    by_day = await report(admin, by="day,model", **{"from": _days_ago(house, 1)})

    assert lines(by_model) == [("b", 1, "4.00"), ("c", 1, "2.00"), ("Others", 3, "2.50")]
    assert by_model["rows"][2]["keys"] == [{"by": "model", "id": None, "name": "Others", "others": 2}]
    assert lines(by_day) == [
        (_days_ago(house, 1), "Others", 1, "0.50"),
        (_days_ago(house, 0), "b", 1, "4.00"),
        (_days_ago(house, 0), "c", 1, "2.00"),
        (_days_ago(house, 0), "Others", 2, "2.00"),
    ]
    assert by_model["totals"] == by_day["totals"]
    assert by_model["totals"]["credits"] == "8.50"


@pytest.mark.rule("USAGE-2")
async def test_a_member_sees_what_the_own_calls_come_to_and_nobody_elses(house: TestOffice) -> None:
    place, admin, member = await opened(house)
    await made_call(house, place, place.member, Made(credits="1"))
    await made_call(house, place, place.admin, Made(credits="4"))
    elsewhere = await house.tenant("Globex")
    await house.granted(elsewhere, "10")
    await made_call(house, elsewhere, elsewhere.admin)

    assert lines(await report(member, by="member")) == [("Acme Member", 1, "1.00")]
    assert (await report(admin))["totals"]["credits"] == "5.00"
    of_another = await member.get("/api/v1/reports/usage", params={"member_id": place.admin_id})
    assert refused(of_another) == (403, "not_permitted")
    assert (await report(admin, member_id=elsewhere.admin_id))["totals"] == ZERO


@pytest.mark.rule("USAGE-10")
async def test_a_report_is_a_file_with_its_rows(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    await made_call(house, place, place.member, Made(credits="1", model="=small"))
    await made_call(house, place, place.admin, Made(credits="4"))

    response = await admin.get("/api/v1/reports/usage.csv", params={"by": "model,member"})
    rows = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))

    shown = [
        (row["model"], row["member"], row["member_id"], row["calls"], row["credits"], row["dollars"]) for row in rows
    ]
    assert shown == [
        ("gpt-test", "Acme Admin", place.admin_id, "1", "4.00", "0.04"),
        ("'=small", "Acme Member", place.member_id, "1", "1.00", "0.01"),
    ]
    assert 'filename="usage-acme-robotics-' in response.headers["content-disposition"]


@pytest.mark.rule("USAGE-9")
async def test_a_dashboard_shows_what_one_has_and_did_and_nothing_of_others(house: TestOffice) -> None:
    place, _, member = await opened(house)
    for ago in (timedelta(days=40), timedelta(days=2), *[timedelta(0)] * 11):
        await made_call(house, place, place.member, Made(credits="1", ago=ago))
    await made_call(house, place, place.admin, Made(credits="4"))

    seen = (await member.get("/api/v1/own-usage")).json()

    used = [(day["day"], day["figures"]["credits"]) for day in seen["days"] if day["figures"]["calls"]]
    assert seen["credits"]["spendable"] == "87.00"
    assert seen["credits"] == (await member.get("/api/v1/own-credits")).json()
    assert (len(seen["days"]), seen["period"]["first"], seen["period"]["last"]) == (
        30, _days_ago(house, 29), _days_ago(house, 0),
    )  # fmt: skip
    assert used == [(_days_ago(house, 2), "1.00"), (_days_ago(house, 0), "11.00")]
    assert seen["days"][5]["figures"] == ZERO
    assert (seen["totals"]["calls"], seen["totals"]["credits"]) == (12, "12.00")
    assert len(seen["calls"]) == 10
    assert {call["member"]["id"] for call in seen["calls"]} == {place.member_id}


@pytest.mark.rule("USAGE-11")
async def test_what_the_calls_of_a_cycle_cost_is_what_the_books_say_was_used_in_it(house: TestOffice) -> None:
    place, admin, _ = await opened(house)
    other = await _funded(house, place, admin)
    await made_call(house, place, place.member, Made(credits="3.25"))
    house.clock.turn(timedelta(days=1, hours=1))
    admin = await house.signed_in("acme-admin")
    began = datetime.fromisoformat((await admin.get("/api/v1/cycle")).json()["started_at"])
    for member, price in ((place.member, "1.000001"), (other, "2.5"), (place.admin, "0.75"), (place.member, "4")):
        await made_call(house, place, member, Made(credits=price))
    await made_call(house, place, place.member, Made(outcome=CallOutcome.FAILED))

    page = (await admin.get("/api/v1/calls", params={"since": began.isoformat()})).json()
    overview = (await admin.get("/api/v1/reports/overview")).json()
    members = (await admin.get("/api/v1/members")).json()["members"]

    by_member = await report(admin, by="member", **{"from": began.date().isoformat()})
    of_rows = sum(int(call["credits"].replace(".", "").ljust(7, "0")) for call in page["calls"])
    assert page["total"] == 5
    assert overview["cycle"]["used"] == "8.250001"
    assert of_rows == 8_250_001
    assert {line[0]: line[2] for line in lines(by_member)}["Acme Member"] == next(
        member["used"] for member in members if member["id"] == place.member_id
    )
    assert (await report(admin, **{"from": _days_ago(house, 5)}))["totals"]["credits"] == "11.500001"
    await check_books(house, place.tenant_id)


async def _funded(house: TestOffice, place: Place, admin: httpx.AsyncClient) -> Any:
    member = await fresh_member(house, place)
    body = {"member_id": f"mem_{member.member_id.hex}", "amount": "50"}
    assert (await admin.post("/api/v1/allocations", json=body)).status_code == 201
    return member


def _days_ago(house: TestOffice, days: int) -> str:
    return (house.clock.now().date() - timedelta(days=days)).isoformat()
