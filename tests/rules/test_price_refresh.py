"""docs/rules/prices.md, example by example: taking over what the public list says."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.actions.prices import CHANGES_SHOWN_MAX, fill_prices
from bursar.domain.price_changes import ListedModel, ListedPrice, RateChange, percent_text
from bursar.domain.prices import Bucket, Service
from bursar.reports.prices import see_prices
from bursar.store.prices import PriceFilter
from tests.support.offices import TestOffice
from tests.support.prices import fill_with, listed, price_events, publish, terms
from tests.support.rows import rows_of_everything


async def looked(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/v1/price-list/refresh", json={"dry_run": True})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def saved(client: httpx.AsyncClient, difference: str) -> httpx.Response:
    return await client.post("/api/v1/price-list/refresh", json={"dry_run": False, "difference": difference})


async def rates(house: TestOffice, *, at: timedelta = timedelta()) -> dict[str, int]:
    """The input rates of the list, by model."""
    page = await see_prices(house.desk.tenants, PriceFilter(), at=house.clock.now() + at, after=None, limit=100)
    return {price.model: price.terms.bands[0].rates[Bucket.INPUT] for price in page.prices}


@pytest.mark.rule("PRICE-10")
async def test_a_refresh_shows_what_differs_and_saves_that_and_nothing_else(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("same", input="1"), listed("dearer", input="2"), listed("gone", input="3"))
    publish(monkeypatch, listed("same", input="1"), listed("dearer", input="2.50"), listed("new", input="4"))
    before = await rows_of_everything(house)

    found = await looked(root)

    assert await rows_of_everything(house) == before
    assert (found["added"], found["changed"], found["vanished"], found["kept"]) == (1, 1, 1, 0)
    assert [(change["kind"], change["model"]) for change in found["changes"]] == [
        ("changed", "dearer"), ("vanished", "gone"), ("added", "new"),
    ]  # fmt: skip
    assert found["changes"][0]["rates"] == [
        {
            "service": "standard", "above_input_tokens": 0, "bucket": "input",
            "before": "2.00", "after": "2.50", "per_cent": "+25.0",
        }
    ]  # fmt: skip
    answer = await saved(root, found["difference"])
    assert (answer.status_code, answer.json()["is_saved"]) == (200, True)
    assert await rates(house) == {"same": 1_000_000, "dearer": 2_500_000, "new": 4_000_000}
    event = (await price_events(house, "prices_refreshed"))[-1]
    assert json.loads(event["detail"]) == {
        "source": "a list of the tests", "added": "1", "changed": "1", "vanished": "1", "kept": "0",
    }  # fmt: skip
    assert (await looked(root))["changes"] == []


@pytest.mark.rule("PRICE-10")
async def test_a_difference_that_is_another_one_by_now_is_not_saved(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("model", input="1"))
    publish(monkeypatch, listed("model", input="2"))
    found = await looked(root)
    publish(monkeypatch, listed("model", input="20"))

    refused = await saved(root, found["difference"])
    unnamed = await root.post("/api/v1/price-list/refresh", json={"dry_run": False})

    assert (refused.status_code, refused.json()["code"]) == (409, "figure_changed")
    assert (unnamed.status_code, unnamed.json()["fields"][0]["field"]) == (422, "difference")
    assert await rates(house) == {"model": 1_000_000}


@pytest.mark.rule("PRICE-5")
@pytest.mark.rule("PRICE-10")
async def test_what_was_set_by_hand_is_kept_and_said_to_be(house: TestOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("mine", input="1"), listed("theirs", input="1"))
    body = {"provider": "openai", "model": "mine", "bands": [{"rates": {"input": "7"}}]}
    made = (await root.post("/api/v1/prices", json=body)).json()
    publish(monkeypatch, listed("mine", input="2"), listed("theirs", input="2"))

    found = await looked(root)
    await saved(root, found["difference"])

    assert found["kept"] == 1
    assert {change["model"]: change["is_kept"] for change in found["changes"]} == {"mine": True, "theirs": False}
    assert await rates(house) == {"mine": 7_000_000, "theirs": 2_000_000}
    await root.post(f"/api/v1/prices/{made['id']}/withdraw", json={})
    assert await rates(house) == {"mine": 2_000_000, "theirs": 2_000_000}


@pytest.mark.rule("PRICE-10")
async def test_what_is_announced_is_saved_for_its_day_and_follows_the_list_if_that_changes_its_mind(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.super_admin()
    day = house.clock.now() + timedelta(days=10)
    now = ListedPrice(None, terms(input="1"))
    await fill_with(house, ListedModel("openai", "model", (now, ListedPrice(day, terms(input="2")))))
    assert (await rates(house), await rates(house, at=timedelta(days=11))) == (
        {"model": 1_000_000},
        {"model": 2_000_000},
    )
    other_day = day + timedelta(days=10)
    publish(monkeypatch, ListedModel("openai", "model", (now, ListedPrice(other_day, terms(input="3")))))

    found = await looked(root)
    await saved(root, found["difference"])

    assert [change["effective_from"] is None for change in found["changes"]] == [False, False]
    assert await rates(house, at=timedelta(days=11)) == {"model": 1_000_000}
    assert await rates(house, at=timedelta(days=21)) == {"model": 3_000_000}
    assert (await looked(root))["changes"] == []
    house.clock.turn(timedelta(days=21))
    publish(monkeypatch, ListedModel("openai", "model", (ListedPrice(None, terms(input="3")),)))
    root = await house.signed_in("root")
    assert (await looked(root))["changes"] == []


@pytest.mark.rule("PRICE-10")
async def test_two_who_save_the_same_difference_save_it_once(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.super_admin()
    await fill_with(house, listed("model", input="1"))
    publish(monkeypatch, listed("model", input="2"))
    found = await looked(root)

    answers = await asyncio.gather(*(saved(root, found["difference"]) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await price_events(house, "prices_refreshed")) == 2


@pytest.mark.rule("PRICE-10")
async def test_an_answer_shows_as_much_as_a_person_can_look_through_and_counts_the_rest(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.super_admin()
    publish(monkeypatch, *(listed(f"model-{number}", input="1") for number in range(CHANGES_SHOWN_MAX + 3)))

    found = await looked(root)

    assert (found["added"], len(found["changes"])) == (CHANGES_SHOWN_MAX + 3, CHANGES_SHOWN_MAX)


@pytest.mark.rule("PRICE-10")
@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (2_000_000, 2_500_000, "+25.0"),
        (3, 2, "-33.3"),
        (1_000, 1_000_000, "+99900.0"),
        (10_000, 10_001, "+0.0"),
        (5, 0, "-100.0"),
        (0, 5, None),
        (None, 5, None),
        (5, None, None),
    ],
)
def test_a_change_is_told_in_per_cent(before: int | None, after: int | None, text: str | None) -> None:
    assert percent_text(RateChange(Service.STANDARD, 0, Bucket.INPUT, before, after)) == text


@pytest.mark.rule("PRICE-11")
async def test_a_new_installation_has_prices_without_a_network_and_is_filled_once(house: TestOffice) -> None:
    fillings = await asyncio.gather(*(fill_prices(house.desk) for _ in range(3)))

    assert sorted(bool(made) for made in fillings) == [False, False, True]
    assert max(fillings) > 2_000
    page = await see_prices(
        house.desk.tenants, PriceFilter(["openai"], "gpt-4o-mini"), at=house.clock.now(), after=None, limit=1
    )
    assert page.prices[0].source.startswith("genai-prices ")
    (event,) = await price_events(house, "prices_refreshed")
    assert (event["actor_kind"], event["actor_id"]) == ("system", None)
    assert await fill_prices(house.desk) == 0
    root = await house.super_admin()
    assert (await looked(root))["changes"] == []
