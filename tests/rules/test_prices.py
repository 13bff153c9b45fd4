"""docs/rules/prices.md, example by example, over HTTP: setting prices, seeing them, what they are multiplied with."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.db.transaction import reading
from bursar.domain.costs import Factor
from bursar.domain.refusals import Refusal
from bursar.reports.prices import see_price_list
from bursar.store.price_factors import find_factor_that_counts
from tests.support.offices import TestOffice
from tests.support.prices import fill_with, listed, price_events
from tests.support.rows import rows_of_everything

BAND = {"rates": {"input": "2.50", "output": "10.00"}}
DRAFT: dict[str, Any] = {"provider": "openai", "model": "gpt-4o", "bands": [BAND]}


async def priced(client: httpx.AsyncClient, model: str = "gpt-4o") -> list[dict[str, Any]]:
    """The prices in force whose model has this in its id."""
    answer = await client.get("/api/v1/prices", params={"model": model})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["prices"])


async def input_rate(client: httpx.AsyncClient, model: str = "gpt-4o") -> str:
    (price,) = await priced(client, model)
    return str(price["bands"][0]["rates"]["input"])


@pytest.mark.rule("PRICE-12")
async def test_everybody_sees_what_models_cost_and_only_super_admins_change_it(house: TestOffice) -> None:
    root = await house.super_admin()
    await house.tenant()
    made = await root.post("/api/v1/prices", json=DRAFT)
    before = await rows_of_everything(house)

    for name in ("acme-admin", "acme-member"):
        client = await house.signed_in(name)
        assert await input_rate(client) == "2.50"
        assert (await client.get(f"/api/v1/prices/{made.json()['id']}")).json() == made.json()
        for path in ("/prices", "/price-list/refresh", f"/prices/{made.json()['id']}/withdraw"):
            body = {"/prices": DRAFT, "/price-list/refresh": {"dry_run": True}}.get(path, {})
            assert (await client.post(f"/api/v1{path}", json=body)).json()["code"] == "not_permitted"

    assert (await house.visitor().get("/api/v1/prices")).status_code == 401
    after = await rows_of_everything(house)
    assert {table for table in after if after[table] != before.get(table)} <= {
        "sessions", "session_tokens", "events", "outbox", "sign_in_attempts",
    }  # fmt: skip


@pytest.mark.rule("PRICE-4")
async def test_a_price_set_by_hand_counts_at_once_and_leaves_an_event(house: TestOffice) -> None:
    root = await house.super_admin()
    await root.post("/api/v1/prices", json=DRAFT)

    answer = await root.post(
        "/api/v1/prices", json={**DRAFT, "bands": [{"rates": {"input": "3", "output": "10"}}], "note": "New contract"}
    )

    made = answer.json()
    assert answer.status_code == 201
    assert (made["is_override"], made["source"], made["currency"]) == (True, "set by hand", "USD")
    assert made["bands"] == [
        {"service": "standard", "above_input_tokens": 0, "rates": {"input": "3.00", "output": "10.00"}}
    ]
    assert await input_rate(root) == "3.00"
    first, second = await price_events(house, "price_set")
    assert set(json.loads(first["changes"])) == {"standard input", "standard output"}
    assert json.loads(second["changes"]) == {"standard input": {"before": "2.50", "after": "3.00"}}
    assert (second["note"], json.loads(second["detail"])["model"]) == ("New contract", "gpt-4o")


@pytest.mark.rule("PRICE-4")
async def test_setting_what_counts_already_changes_nothing(house: TestOffice) -> None:
    root = await house.super_admin()
    first = await root.post("/api/v1/prices", json=DRAFT)

    again = await root.post("/api/v1/prices", json=DRAFT)

    assert again.json() == first.json()
    assert len(await price_events(house, "price_set")) == 1


@pytest.mark.rule("PRICE-4")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": "Open AI"}, "provider"),
        ({"model": "gpt 4o"}, "model"),
        ({"model": "x" * 161}, "model"),
        ({"bands": []}, "bands"),
        ({"bands": [{"rates": {}}]}, "bands.0.rates"),
        ({"bands": [{"rates": {"input": "2.5000001"}}]}, "bands.0.rates.input"),
        ({"bands": [{"rates": {"input": 2.5}}]}, "bands.0.rates.input"),
        ({"bands": [{"rates": {"nonsense": "1"}}]}, "bands.0.rates.nonsense.[key]"),
        ({"bands": [{**BAND, "above_input_tokens": 5}]}, "bands"),
        ({"bands": [BAND, BAND]}, "bands"),
        ({"bands": [{**BAND, "service": "batch"}]}, "bands"),
        ({"context_window": 0}, "context_window"),
        ({"effective_from": "2026-01-01T00:00:00"}, "effective_from"),
        ({"effective_from": "2026-01-01T00:00:00Z"}, "effective_from"),
        ({"effective_from": "2199-01-01T00:00:00Z"}, "effective_from"),
        ({"effective_from": "9999-12-31T23:59:59-23:00"}, "effective_from"),
    ],
)
async def test_what_cannot_be_a_price_is_refused(house: TestOffice, change: dict[str, Any], field: str) -> None:
    root = await house.super_admin()

    refused = await root.post("/api/v1/prices", json={**DRAFT, **change})

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert [one["field"] for one in refused.json()["fields"]] == [field]
    assert await priced(root) == []


@pytest.mark.rule("PRICE-3")
async def test_a_price_counts_from_its_moment_on_and_the_past_stays_what_it_was(house: TestOffice) -> None:
    root = await house.super_admin()
    await root.post("/api/v1/prices", json=DRAFT)
    at_first = house.clock.now()
    later = at_first + timedelta(days=3)

    made = await root.post(
        "/api/v1/prices", json={**DRAFT, "bands": [{"rates": {"input": "4"}}], "effective_from": later.isoformat()}
    )

    assert made.status_code == 201
    assert await input_rate(root) == "2.50"
    house.clock.turn(timedelta(days=3, minutes=1))
    root = await house.signed_in("root")
    assert await input_rate(root) == "4.00"
    past = await root.get("/api/v1/prices", params={"model": "gpt-4o", "at": at_first.isoformat()})
    assert past.json()["prices"][0]["bands"][0]["rates"]["input"] == "2.50"


@pytest.mark.rule("PRICE-5")
async def test_what_was_set_by_hand_wins_until_it_is_withdrawn(house: TestOffice) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("gpt-4o", input="2.50", output="10"))
    made = (await root.post("/api/v1/prices", json={**DRAFT, "bands": [{"rates": {"input": "9"}}]})).json()
    later = (house.clock.now() + timedelta(days=1)).isoformat()
    await root.post("/api/v1/prices", json={**DRAFT, "bands": [{"rates": {"input": "8"}}], "effective_from": later})
    assert await input_rate(root) == "9.00"

    withdrawn = await root.post(f"/api/v1/prices/{made['id']}/withdraw", json={"note": "Contract ended"})

    assert (withdrawn.status_code, withdrawn.json()["is_withdrawal"]) == (200, True)
    assert await input_rate(root) == "2.50"
    house.clock.turn(timedelta(days=2))
    root = await house.signed_in("root")
    assert await input_rate(root) == "2.50"
    (event,) = await price_events(house, "price_withdrawn")
    assert json.loads(event["changes"]) == {
        "standard input": {"before": "9.00", "after": "2.50"},
        "standard output": {"before": None, "after": "10.00"},
    }
    again = await root.post(f"/api/v1/prices/{made['id']}/withdraw", json={})
    assert (again.status_code, len(await price_events(house, "price_withdrawn"))) == (200, 1)


@pytest.mark.rule("PRICE-5")
async def test_what_the_public_list_says_cannot_be_withdrawn(house: TestOffice) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("gpt-4o", input="2.50"))
    (price,) = await priced(root)

    refused = await root.post(f"/api/v1/prices/{price['id']}/withdraw", json={})
    unknown = await root.post(f"/api/v1/prices/prc_{'0' * 32}/withdraw", json={})

    assert (refused.status_code, refused.json()["code"]) == (409, "price_not_overridden")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "price_unknown")


@pytest.mark.rule("PRICE-3")
async def test_the_list_is_seen_page_by_page_and_by_what_is_looked_for(house: TestOffice) -> None:
    root = await house.super_admin()
    models = [listed(f"model-{number}", provider=f"p{number % 2}", input="1") for number in range(5)]
    await fill_with(house, *models)
    await root.post("/api/v1/prices", json={**DRAFT, "provider": "p1", "model": "model-3"})

    seen, cursor = [], None
    while True:
        params = {"limit": "2", **({} if cursor is None else {"cursor": cursor})}
        page = (await root.get("/api/v1/prices", params=params)).json()
        seen += [(price["provider"], price["model"]) for price in page["prices"]]
        assert page["total"] == 5
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [("p0", "model-0"), ("p0", "model-2"), ("p0", "model-4"), ("p1", "model-1"), ("p1", "model-3")]
    for params, total in (({"provider": "p1"}, 2), ({"only_overridden": "true"}, 1), ({"model": "MODEL-4"}, 1)):
        assert (await root.get("/api/v1/prices", params=params)).json()["total"] == total
    for params in ({"model": "\0"}, {"cursor": "WyJcdTAwMDAiLCJ4Il0"}, {"at": "0001-01-01T00:00:00%2B14:00"}):
        assert (await root.get("/api/v1/prices", params=params)).json()["code"] == "invalid_input"


@pytest.mark.rule("PRICE-6")
async def test_a_model_is_found_by_the_names_it_goes_by_also_where_its_price_was_set_by_hand(house: TestOffice) -> None:
    root = await house.super_admin()
    await fill_with(
        house,
        listed("gpt-4o", starts_with="gpt-4o-2", input="2.50"),
        listed("gpt-4o-2024-05-13", input="5"),
        listed("other", provider="azure", input="7"),
    )
    await root.post("/api/v1/prices", json={**DRAFT, "bands": [{"rates": {"input": "9"}}]})

    prices = await see_price_list(house.desk.tenants, at=house.clock.now())

    def found(*providers: str, name: str) -> tuple[str, int]:
        model = prices.find(providers, name)
        return model.price.model, model.compiled.bands[next(iter(model.compiled.bands))][0].rates[0]

    assert found("openai", name="GPT-4o-2024-08-06") == ("gpt-4o", 9_000_000)
    assert found("openai", name="gpt-4o-2024-05-13") == ("gpt-4o-2024-05-13", 5_000_000)
    assert found("azure", "openai", name="gpt-4o") == ("gpt-4o", 9_000_000)
    for name in ("gpt-4", "other", ""):
        with pytest.raises(Refusal) as caught:
            found("openai", name=name)
        assert caught.value.code == "price_unknown"


@pytest.mark.rule("PRICE-9")
async def test_a_groups_factor_counts_instead_of_its_tenants(house: TestOffice) -> None:
    root = await house.super_admin()
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    url, group_url = (
        f"/api/v1/tenants/{place.tenant_id}{part}/price-factor" for part in ("", f"/groups/{place.group_id}")
    )

    async def counting() -> Factor | None:
        async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
            return await find_factor_that_counts(transaction, place.tenant.tenant_id, place.member.group_id)

    assert await counting() is None
    assert (await root.put(url, json={"price_factor": "1.10"})).json() == {"price_factor": "1.10"}
    assert await counting() == Factor(11_000)
    assert (await root.put(group_url, json={"price_factor": "0.5"})).json() == {"price_factor": "0.50"}
    assert await counting() == Factor(5_000)
    shown = (await admin.get("/api/v1/price-factors")).json()
    assert (shown["price_factor"], [row["price_factor"] for row in shown["groups"]]) == ("1.10", ["0.50"])
    assert (await root.put(group_url, json={"price_factor": None})).json() == {"price_factor": None}
    assert await counting() == Factor(11_000)


@pytest.mark.rule("PRICE-9")
async def test_a_factor_is_the_platforms_to_set_and_leaves_an_event(house: TestOffice) -> None:
    root = await house.super_admin()
    place = await house.tenant()
    other = await house.tenant("Globex")
    url = f"/api/v1/tenants/{place.tenant_id}/price-factor"
    await root.put(url, json={"price_factor": "1.10"})

    await root.put(url, json={"price_factor": "1.1"})
    await root.put(url, json={"price_factor": "1.2"})

    events = await price_events(house, "price_factor_set", tenant_id=place.tenant.tenant_id)
    assert [json.loads(event["changes"])["price_factor"] for event in events] == [
        {"before": None, "after": "1.10"},
        {"before": "1.10", "after": "1.20"},
    ]
    admin = await house.signed_in("acme-admin")
    assert (await admin.put(url, json={"price_factor": "0"})).json()["code"] == "not_permitted"
    unknown = await root.put(f"/api/v1/tenants/ten_{'0' * 32}/price-factor", json={"price_factor": "1"})
    elsewhere = await root.put(
        f"/api/v1/tenants/{other.tenant_id}/groups/{place.group_id}/price-factor", json={"price_factor": "1"}
    )
    assert [answer.json()["code"] for answer in (unknown, elsewhere)] == ["tenant_unknown", "group_unknown"]


@pytest.mark.rule("PRICE-4")
async def test_two_who_set_a_price_at_once_leave_one_after_the_other(house: TestOffice) -> None:
    root = await house.super_admin()
    drafts = [{**DRAFT, "bands": [{"rates": {"input": str(number)}}]} for number in range(1, 7)]

    answers = await asyncio.gather(*(root.post("/api/v1/prices", json=draft) for draft in drafts))

    assert {answer.status_code for answer in answers} == {201}
    changes = [json.loads(event["changes"])["standard input"] for event in await price_events(house, "price_set")]
    assert [change["before"] for change in changes] == [None, *(change["after"] for change in changes[:-1])]
    assert await input_rate(root) == changes[-1]["after"]


@pytest.mark.rule("PRICE-5", "PRICE-6")
async def test_a_price_set_by_hand_counts_in_whatever_capitals_its_model_was_written(house: TestOffice) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("GPT-4o", input="2.50", output="10"))

    made = await root.post("/api/v1/prices", json={**DRAFT, "bands": [{"rates": {"input": "9"}}]})

    assert (made.status_code, made.json()["model"]) == (201, "GPT-4o")
    (price,) = (await root.get("/api/v1/prices", params={"model": "gpt-4o"})).json()["prices"]
    assert (price["id"], price["is_override"]) == (made.json()["id"], True)
