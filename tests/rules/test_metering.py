"""docs/rules/metering.md, over HTTP: what applications meter that is no call of a model."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bursar.worker.holds import expire_holds
from tests.support.callers import check_books
from tests.support.keys import field_at_fault, made_key, model_client, refused
from tests.support.metering import Meter, metering
from tests.support.offices import TestOffice


@pytest.fixture
async def meter(house: TestOffice) -> Meter:
    return await metering(house)


@pytest.mark.rule("METER-1")
@pytest.mark.parametrize("path", ["/holds", "/charges"])
async def test_exactly_one_of_credits_and_dollars_is_given_in_at_most_six_decimals(meter: Meter, path: str) -> None:
    for body, fault in (
        ({}, (422, "amount")),
        ({"amount": "1", "amount_usd": "1"}, (422, "amount")),
        ({"amount": "0.0000001"}, (422, "amount")),
        ({"amount_usd": "0.0000001"}, (422, "amount_usd")),
        ({"amount_usd": "-1"}, (422, "amount_usd")),
        ({"amount_usd": 1.5}, (422, "amount_usd")),
        ({"amount_usd": "1000000.01"}, (422, "amount_usd")),
    ):
        assert field_at_fault(await meter.post(path, **body)) == fault, body
    assert (await meter.post(path, amount="0.000001")).status_code == 201
    assert (await meter.post(path, amount_usd="0.000001")).status_code == 201


@pytest.mark.rule("METER-2", "METER-7")
async def test_dollars_are_charged_at_the_tenants_factor_rounded_up_once(meter: Meter) -> None:
    await meter.factor("33.33")

    charged = await meter.post("/charges", amount_usd="0.000001")
    assert charged.json()["charged"] == "0.000034"  # 33.33 micro-credits, rounded up
    hold = await meter.post("/holds", amount_usd="0.03")
    assert (hold.json()["amount"], hold.json()["amount_usd"]) == ("0.9999", "0.03")
    settled = await meter.settle(hold, cost_usd="0.02")

    assert (settled.json()["charged"], settled.json()["charged_usd"]) == ("0.6666", "0.02")
    assert await meter.left() == "9.333366"
    assert [(row["credits_micro"], row["cost_pico"], row["held_micro"]) for row in await meter.usage()] == [
        (34, 1_000_000, 34),
        (666_600, 20_000_000_000, 999_900),
    ]
    await check_books(meter.house, meter.place.tenant_id)


@pytest.mark.rule("METER-2")
async def test_a_hold_keeps_the_factor_it_was_opened_at(meter: Meter) -> None:
    hold = await meter.post("/holds", amount="5")
    await meter.factor("200")

    settled = await meter.settle(hold, cost_usd="0.02")

    assert (settled.json()["charged"], settled.json()["overrun"]) == ("2.00", "0.00")
    assert field_at_fault(await meter.post("/charges", amount_usd="999999")) == (402, "amount")


@pytest.mark.rule("METER-2")
async def test_dollars_that_come_to_more_credits_than_can_be_moved_are_refused(meter: Meter) -> None:
    await meter.factor("1000000")

    assert field_at_fault(await meter.post("/charges", amount_usd="1000.01")) == (422, "amount_usd")
    assert refused(await meter.post("/charges", amount_usd="1000")) == (402, "insufficient_quota")


@pytest.mark.rule("METER-3", "HOLD-13")
async def test_without_a_factor_dollars_are_free_for_who_has_nothing_and_credits_count_regardless(
    house: TestOffice,
) -> None:
    meter = await metering(house, "1")
    await meter.factor("0")
    assert (await meter.post("/charges", amount="1")).json()["is_free"] is False
    assert refused(await meter.post("/charges", amount="0.5")) == (402, "insufficient_quota")

    charged = await meter.post("/charges", amount_usd="0.50")
    assert (charged.json()["charged"], charged.json()["charged_usd"]) == ("0.00", "0.50")
    assert charged.json()["is_free"] is True
    hold = await meter.post("/holds", amount_usd="0.50")
    assert (hold.json()["amount"], hold.json()["is_free"]) == ("0.00", True)
    assert field_at_fault(await meter.settle(hold, cost="1")) == (422, "cost")
    settled = await meter.settle(hold, cost_usd="0.70")

    assert (settled.json()["charged"], settled.json()["charged_usd"]) == ("0.00", "0.70")
    assert [(row["credits_micro"], row["cost_pico"]) for row in await meter.usage()] == [
        (1_000_000, 0),
        (0, 500_000_000_000),
        (0, 700_000_000_000),
    ]
    await check_books(house, meter.place.tenant_id)


@pytest.mark.rule("METER-3", "HOLD-13")
async def test_nothing_is_free_for_who_is_disabled(meter: Meter) -> None:
    await meter.factor("0")
    assert (await meter.admin.post(f"/api/v1/members/{meter.place.member_id}/disable", json={})).is_success

    for path in ("/holds", "/charges"):
        assert refused(await meter.post(path, amount_usd="1")) == (403, "member_disabled")
        assert refused(await meter.post(path, amount="1")) == (403, "member_disabled")


@pytest.mark.rule("METER-4")
async def test_a_key_meters_for_others_only_with_its_scope_and_only_in_its_tenant(meter: Meter) -> None:
    globex = await meter.house.tenant("Globex")
    reads = await made_key(meter.admin, "management", name="Reads", scopes=["credits:read"])
    member = await meter.house.signed_in("acme-member")

    assert refused(await meter.post("/charges", amount="1", member_id=globex.member_id)) == (404, "member_unknown")
    without = await model_client(meter.house, reads["secret"]).post("/api/v1/charges", json={"amount": "1"})
    assert refused(without) == (403, "not_permitted")
    for_another = await member.post("/api/v1/charges", json={"member_id": meter.place.admin_id, "amount": "1"})
    assert refused(for_another) == (403, "not_permitted")
    assert (await member.post("/api/v1/charges", json={"amount": "1"})).json()["charged"] == "1.00"
    assert (await meter.post("/charges", amount="1")).json()["member_id"] == meter.place.member_id
    assert await meter.left() == "8.00"


@pytest.mark.rule("METER-4")
async def test_a_tenant_admin_is_charged_from_the_pool(meter: Meter) -> None:
    charged = await meter.application.post("/api/v1/charges", json={"amount": "2.5"})

    assert charged.json()["member_id"] == meter.place.admin_id
    seen = (await meter.application.get("/api/v1/spendable")).json()
    assert (seen["spendable"], seen["resets_at"]) == ("987.50", None)


@pytest.mark.rule("METER-5", "METER-7")
async def test_what_something_is_for_stands_with_its_hold_and_in_its_usage(meter: Meter) -> None:
    words = {"invoice": "2026-118", "customer": "Zoë"}
    hold = await meter.post("/holds", amount="2", label=" Report ", metadata=words)
    hold_id = hold.json()["id"]

    assert (hold.json()["label"], hold.json()["metadata"]) == ("Report", words)
    open_hold = (await meter.application.get(f"/api/v1/holds/{hold_id}")).json()
    assert (open_hold["label"], open_hold["metadata"], open_hold["state"]) == ("Report", words, "open")
    await meter.settle(hold, cost="1.5")
    charge = (await meter.post("/charges", amount="1")).json()
    assert (charge["label"], charge["metadata"]) == (None, {})

    first, second = await meter.usage()
    assert (first["model"], first["label"], first["endpoint"]) == ("Report", "Report", "metering")
    assert (first["credits_micro"], first["held_micro"], first["outcome"]) == (1_500_000, 2_000_000, "delivered")
    assert first["metadata"] is not None
    assert first["key_id"] is not None
    assert (second["model"], second["label"], second["metadata"]) == ("metered", None, None)
    assert (await meter.application.get(f"/api/v1/holds/{charge['id']}")).json()["charged"] == "1.00"


@pytest.mark.rule("METER-5")
async def test_labels_and_words_are_bounded_and_named_when_they_are_wrong(meter: Meter) -> None:
    for body, field in (
        ({"label": "x" * 121}, "label"),
        ({"label": "two\nlines"}, "label"),
        ({"metadata": {f"word{number}": "" for number in range(17)}}, "metadata"),
        ({"metadata": {"x" * 41: ""}}, "metadata"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"metadata": {"x": "y" * 201}}, "metadata"),
        ({"metadata": {"x": 1}}, "metadata"),
    ):
        status, at_fault = field_at_fault(await meter.post("/charges", amount="1", **body))
        assert (status, at_fault.split(".")[0]) == (422, field), body
    longest: dict[str, Any] = {
        "label": "x" * 120, "metadata": {f"{number:040d}": "y" * 200 for number in range(16)},
    }  # fmt: skip
    assert (await meter.post("/charges", amount="1", **longest)).status_code == 201


@pytest.mark.rule("METER-6", "METER-7", "HOLD-14")
async def test_a_charge_that_is_sent_many_times_at_once_is_made_once(meter: Meter) -> None:
    answers = await asyncio.gather(
        *(meter.post("/charges", key="report-7", amount="4", label="Report") for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await meter.left() == "6.00"
    assert len(await meter.usage()) == 1
    for other in ({"amount": "5"}, {"amount": "4", "label": "Else"}, {"amount": "4", "metadata": {"a": "b"}}):
        answer = await meter.post("/charges", key="report-7", **{"label": "Report", **other})
        assert refused(answer) == (422, "key_reused"), other
    assert await meter.left() == "6.00"


@pytest.mark.rule("METER-6")
@pytest.mark.parametrize("path", ["/holds", "/charges"])
async def test_a_repeat_is_answered_as_at_first_although_the_factor_has_changed(meter: Meter, path: str) -> None:
    first = await meter.post(path, key="k", amount_usd="0.01", label="Report")
    for factor in ("500", "0"):
        await meter.factor(factor)

        again = await meter.post(path, key="k", amount_usd="0.01", label="Report")

        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
    assert await meter.left() == "9.00"


@pytest.mark.rule("METER-6", "METER-7")
async def test_a_settlement_that_is_sent_again_leaves_one_row_of_usage_and_a_void_none(meter: Meter) -> None:
    hold, other = await meter.post("/holds", amount="2"), await meter.post("/holds", amount="3")
    settled = [await meter.settle(hold, cost="1") for _ in range(2)]
    assert (await meter.application.post(f"/api/v1/holds/{other.json()['id']}/void")).is_success

    assert settled[0].json() == settled[1].json()
    assert [row["credits_micro"] for row in await meter.usage()] == [1_000_000]
    assert await meter.left() == "9.00"
    await check_books(meter.house, meter.place.tenant_id)


@pytest.mark.rule("METER-7", "HOLD-7", "HOLD-10")
async def test_a_hold_that_is_charged_at_its_deadline_has_no_row_of_usage_until_its_true_cost_arrives(
    meter: Meter,
) -> None:
    assert (await meter.admin.patch("/api/v1/settings", json={"expired_holds": "settle"})).is_success
    hold = await meter.post("/holds", amount="4", seconds=60, label="Report")
    meter.house.clock.turn(timedelta(seconds=61))
    await expire_holds(meter.house.desk)
    assert (await meter.left(), await meter.usage()) == ("6.00", [])
    await check_books(meter.house, meter.place.tenant_id)

    settled = await meter.settle(hold, cost="1.5")

    assert (settled.json()["state"], settled.json()["charged"]) == ("settled_late", "1.50")
    assert [(row["label"], row["credits_micro"]) for row in await meter.usage()] == [("Report", 1_500_000)]
    assert await meter.left() == "8.50"
    await check_books(meter.house, meter.place.tenant_id)


@pytest.mark.rule("HOLD-14")
async def test_charges_that_race_never_exceed_what_is_left(meter: Meter) -> None:
    answers = await asyncio.gather(*(meter.post("/charges", amount="1") for _ in range(30)))

    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [402] * 20
    assert await meter.left() == "0.00"
    assert len(await meter.usage()) == 10
    lacking = next(answer for answer in answers if answer.status_code == 402)
    assert lacking.json()["facts"]["scope"] == "member"
    await check_books(meter.house, meter.place.tenant_id)


@pytest.mark.rule("METER-8")
async def test_whoever_meters_sees_what_a_member_can_spend(meter: Meter) -> None:
    await meter.post("/holds", amount="3")
    await meter.post("/charges", amount="1.25")

    seen = await meter.application.get("/api/v1/spendable", params={"member_id": meter.place.member_id})

    assert seen.json() == {
        "member_id": meter.place.member_id,
        "spendable": "5.75",
        "allowance": "0.00",
        "balance": "8.75",
        "held": "3.00",
        "resets_at": seen.json()["resets_at"],
    }
    assert seen.json()["resets_at"] is not None
    member = await meter.house.signed_in("acme-member")
    assert (await member.get("/api/v1/spendable")).json() == seen.json()
    another = await member.get("/api/v1/spendable", params={"member_id": meter.place.admin_id})
    assert refused(another) == (403, "not_permitted")


@pytest.mark.rule("METER-9")
async def test_open_holds_are_listed_in_the_order_they_expire_page_by_page(meter: Meter) -> None:
    opened = [
        (await meter.post("/holds", amount="1", seconds=seconds, label=f"{seconds}")).json()
        for seconds in (900, 60, 300)
    ]
    ended = await meter.post("/holds", amount="1", seconds=30)
    await meter.settle(ended, cost="1")

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        asked = {"member_id": meter.place.member_id, "limit": "1", **cursor}
        page = (await meter.application.get("/api/v1/holds", params=asked)).json()
        seen += [hold["label"] for hold in page["holds"]]
        cursor = {"cursor": page["next_cursor"]}

    assert seen == ["60", "300", "900"]
    assert page["next_cursor"] is None
    assert page["holds"][0]["id"] == opened[0]["id"]
    for wrong in ("x", "WyJhIiwiYiJd", "WyIyMDI2LTAxLTAxIiwiYiJd"):
        answer = await meter.application.get("/api/v1/holds", params={"cursor": wrong})
        assert field_at_fault(answer) == (422, "cursor")
    member = await meter.house.signed_in("acme-member")
    assert len((await member.get("/api/v1/holds")).json()["holds"]) == 3
