"""The catalogue of models: who is asked, at what price, and that every process notices what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bursar.actions import catalogue
from bursar.actions.catalogue import Catalogue, Catalogues
from bursar.actions.catalogue_reading import read_catalogue
from bursar.db.outages import OUTAGES
from bursar.db.transaction import reading
from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.outside.identity import new_uuid
from bursar.outside.providers import Provider, ProviderCall, ProviderUnreachable
from bursar.store.catalogue_version import get_catalogue_version
from tests.support.offices import TestOffice
from tests.support.prices import fill_with, listed
from tests.support.upstreams import KEY, Upstream, upstream

PROVIDERS = "/api/v1/providers"
ROUTES = "/api/v1/model-routes"
SETTINGS = "/api/v1/platform-settings"


@pytest.fixture
async def up() -> AsyncIterator[Upstream]:
    async with upstream() as running:
        yield running


@pytest.fixture
async def root(house: TestOffice) -> httpx.AsyncClient:
    return await house.super_admin()


async def added(root: httpx.AsyncClient, name: str, **fields: Any) -> str:
    draft = {"name": name, "shape": "openai", "base_url": "http://127.0.0.1:1/v1", **fields}
    response = await root.post(PROVIDERS, json=draft)
    assert response.status_code == 201, response.text
    return f"{PROVIDERS}/{response.json()['id']}"


async def version(house: TestOffice) -> int:
    """As a call reads it: with the role that sees one tenant, whichever it is."""
    async with reading(house.desk.tenants, new_uuid()) as transaction:
        return await get_catalogue_version(transaction)


async def priced(root: httpx.AsyncClient, provider: str, model: str, rate: str = "1", **fields: Any) -> None:
    draft = {"provider": provider, "model": model, "bands": [{"rates": {"input": rate}}], **fields}
    assert (await root.post("/api/v1/prices", json=draft)).status_code == 201


async def current(house: TestOffice, catalogues: Catalogues | None = None) -> Catalogue:
    return await (catalogues or Catalogues(house.desk)).current(await version(house))


def seen(found: Catalogue, model: str, dialect: Dialect = Dialect.OPENAI) -> list[tuple[str, str, str | None]]:
    return [
        (one.provider_name, one.model, None if one.priced is None else one.priced.price.model)
        for one in found.candidates(model, dialect)
    ]


@pytest.mark.rule("PROVIDER-8")
async def test_a_model_is_found_at_the_providers_that_have_a_price_for_it(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    await fill_with(
        house,
        listed("gpt-4o", starts_with="gpt-4o-", input="2.50", output="10"),
        listed("openai/gpt-4o", provider="openrouter", input="2.60", output="10"),
        listed("claude-5", provider="anthropic", input="3", output="15"),
    )
    await added(root, "lab", models=["llama"], priced_as=["openai"], position=50)
    await added(root, "openai", position=1)
    await added(root, "openrouter", position=2)
    await added(root, "anthropic", shape="anthropic")
    await root.post(
        "/api/v1/prices", json={"provider": "openai", "model": "llama", "bands": [{"rates": {"input": "1"}}]}
    )

    found = await current(house)

    assert seen(found, "gpt-4o-2024-08-06") == [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"), ("lab", "gpt-4o-2024-08-06", "gpt-4o"),
    ]  # fmt: skip
    assert seen(found, "openrouter/openai/gpt-4o") == [("openrouter", "openai/gpt-4o", "openai/gpt-4o")]
    assert seen(found, "claude-5", Dialect.ANTHROPIC) == [("anthropic", "claude-5", "claude-5")]
    assert [one.name for one in found.models(Dialect.OPENAI)] == ["gpt-4o", "llama", "openai/gpt-4o"]
    assert [one.provider_name for one in found.models(Dialect.OPENAI)] == ["openai", "openai", "openai"]
    assert [one.name for one in found.models(Dialect.ANTHROPIC)] == ["claude-5"]
    assert found.model("llama", Dialect.OPENAI).priced is not None
    for _ in range(2):
        with pytest.raises(Refusal, match="no model gpt-9"):
            found.candidates("gpt-9", Dialect.OPENAI)


@pytest.mark.rule("PROVIDER-11")
async def test_a_model_without_a_price_is_refused_or_called_for_nothing(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    await added(root, "vllm", models=["llama"])
    await added(root, "priced", models=["llama"])
    catalogues = Catalogues(house.desk)

    with pytest.raises(Refusal, match="Nobody has set a price for llama") as refused:
        (await current(house, catalogues)).candidates("llama", Dialect.OPENAI)
    assert refused.value.code == "model_unpriced"
    assert (await current(house, catalogues)).models(Dialect.OPENAI) == ()
    await root.patch(SETTINGS, json={"unpriced_models": "free"})
    assert seen(await current(house, catalogues), "llama") == [("vllm", "llama", None), ("priced", "llama", None)]
    await root.patch(SETTINGS, json={"unpriced_models": "refuse"})
    await root.post(
        "/api/v1/prices", json={"provider": "priced", "model": "llama", "bands": [{"rates": {"input": "1"}}]}
    )
    assert seen(await current(house, catalogues), "llama") == [("priced", "llama", "llama")]


@pytest.mark.rule("PROVIDER-10")
async def test_a_simulated_provider_brings_its_prices_and_answers_in_both_dialects(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    await added(root, "simulated", shape="simulated", base_url=None)
    found = await current(house)

    for dialect in Dialect:
        assert seen(found, "simulated-large", dialect) == [("simulated", "simulated-large", "simulated-large")]
        assert seen(found, "simulated-anything", dialect) == [("simulated", "simulated-anything", "simulated")]
        assert [one.name for one in found.models(dialect)] == ["simulated", "simulated-large", "simulated-small"]
        assert all(one.is_simulated for one in found.models(dialect))
    (candidate,) = found.candidates("simulated-small", Dialect.OPENAI)
    assert candidate.is_simulated
    async with candidate.provider.asked(ProviderCall("/chat/completions", b'{"model": "m", "messages": []}')) as answer:
        assert answer.status == 200
    prices = (await root.get("/api/v1/prices", params={"provider": "simulated"})).json()["prices"]
    assert {price["model"]: price["bands"][0]["rates"]["output"] for price in prices} == {
        "simulated": "4.00", "simulated-large": "25.00", "simulated-small": "2.00",
    }  # fmt: skip


@pytest.mark.rule("PROVIDER-10")
async def test_prices_that_somebody_set_for_simulated_models_stay(house: TestOffice, root: httpx.AsyncClient) -> None:
    await priced(root, "simulated", "simulated-small", "7")

    await added(root, "simulated", shape="simulated", base_url=None)

    prices = (await root.get("/api/v1/prices", params={"provider": "simulated"})).json()
    assert prices["total"] == 3
    assert prices["prices"][2]["bands"][0]["rates"] == {"input": "7.00"}


@pytest.mark.rule("PROVIDER-12")
async def test_every_change_is_noticed_with_the_next_call_and_nothing_is_read_in_between(
    house: TestOffice, root: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = 0

    async def counted(*args: Any, **named: Any) -> Any:
        nonlocal readings
        readings += 1
        return await read_catalogue(*args, **named)

    monkeypatch.setattr(catalogue, "read_catalogue", counted)
    here, there = Catalogues(house.desk), Catalogues(house.desk)
    one = await added(root, "openai", models=["gpt-5"])

    for change in (
        root.patch(one, json={"models": ["gpt-5", "gpt-6"]}),
        priced(root, "openai", "gpt-5"),
        root.put(f"{ROUTES}/best", json={"targets": [{"provider": "openai", "model": "gpt-5"}]}),
        root.patch(SETTINGS, json={"unpriced_models": "free"}),
        root.delete(f"{ROUTES}/best"),
        root.delete(one),
    ):
        before = await version(house)
        known = await here.current(before)
        assert await here.current(before) is known
        readings = 0
        await change
        after = await version(house)
        found = await asyncio.gather(
            *(here.current(after) for _ in range(50)), *(there.current(after) for _ in range(50))
        )
        assert after == before + 1
        assert {known.version for known in found} == {after}
        assert readings == 2, "one for each process"
        # A call that read its key before the change takes what came with the call that overtook it.
        assert (await here.current(before)).version == after


async def test_what_changes_nothing_is_not_told_to_anybody(house: TestOffice, root: httpx.AsyncClient) -> None:
    one = await added(root, "openai", models=["gpt-5"])
    route = {"targets": [{"provider": "openai", "model": "gpt-5"}]}
    await root.put(f"{ROUTES}/best", json=route)
    before = await version(house)

    await root.patch(one, json={"models": ["gpt-5"]})
    await root.put(f"{ROUTES}/best", json=route)
    await root.patch(SETTINGS, json={"unpriced_models": "refuse"})
    await root.post(f"{one}/test")

    assert await version(house) == before


@pytest.mark.rule("PROVIDER-12")
async def test_a_price_that_begins_later_counts_from_its_moment(house: TestOffice, root: httpx.AsyncClient) -> None:
    await added(root, "openai")
    await priced(root, "openai", "gpt-5")
    soon = (house.clock.now() + timedelta(hours=1)).isoformat()
    await priced(root, "openai", "gpt-5", "2", effective_from=soon)
    catalogues = Catalogues(house.desk)

    def rate(found: Catalogue) -> int:
        (candidate,) = found.candidates("gpt-5", Dialect.OPENAI)
        assert candidate.priced is not None
        return candidate.priced.price.terms.bands[0].rates["input"]  # type: ignore[index]

    assert rate(await current(house, catalogues)) == 1_000_000
    house.clock.turn(timedelta(minutes=59))
    assert rate(await current(house, catalogues)) == 1_000_000
    house.clock.turn(timedelta(minutes=2))
    assert rate(await current(house, catalogues)) == 2_000_000


@pytest.mark.rule("PROVIDER-12")
async def test_while_the_database_is_away_what_was_known_goes_on_counting(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    await added(root, "simulated", shape="simulated", base_url=None)
    catalogues = Catalogues(house.desk)
    known = await current(house, catalogues)
    number = await version(house)
    await house.desk.platform.close()

    assert await catalogues.current(number + 1) is known
    with pytest.raises(OUTAGES):
        await Catalogues(house.desk).current(number)


async def test_a_call_that_knows_of_a_change_waits_for_a_reading_that_has_seen_it(
    house: TestOffice, root: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await added(root, "openai", models=["gpt-5"])
    has_read, may_go_on = asyncio.Event(), asyncio.Event()

    async def held_up(*args: Any, **named: Any) -> Any:
        rows = await read_catalogue(*args, **named)
        has_read.set()
        await may_go_on.wait()
        return rows

    monkeypatch.setattr(catalogue, "read_catalogue", held_up)
    catalogues = Catalogues(house.desk)
    early = asyncio.create_task(catalogues.current(await version(house)))
    await has_read.wait()
    await root.patch(one, json={"models": ["gpt-6"]})
    after = await version(house)
    late = asyncio.create_task(catalogues.current(after))
    may_go_on.set()

    assert (await early).version == after - 1
    assert (await late).version == after


async def test_whoever_gives_up_waiting_takes_the_reading_from_nobody_else(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    catalogues, number = Catalogues(house.desk), await version(house)
    first, second = (asyncio.create_task(catalogues.current(number)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).version == number


@pytest.mark.rule("PROVIDER-2")
async def test_a_provider_without_its_key_is_out_of_reach_and_the_next_one_is_asked(
    house: TestOffice, root: httpx.AsyncClient, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BURSAR_PROVIDER_GONE", raising=False)
    await added(root, "keyless", models=["m"], key_variable="BURSAR_PROVIDER_GONE", base_url=up.url)
    await added(root, "second", models=["m"], key=KEY, base_url=up.url)
    await root.patch(SETTINGS, json={"unpriced_models": "free"})
    catalogues = Catalogues(house.desk)
    first, second = (await current(house, catalogues)).candidates("m", Dialect.OPENAI)

    with pytest.raises(ProviderUnreachable, match="BURSAR_PROVIDER_GONE is not set"):
        async with first.provider.asked(ProviderCall("/echo", b"{}")):
            raise AssertionError("it was asked")
    async with second.provider.asked(ProviderCall("/echo", b"{}")) as answer:
        assert answer.status == 200
    assert [request.headers["authorization"] for request in up.seen] == [f"Bearer {KEY}"]


async def test_connections_outlive_changes_of_the_catalogue_and_end_with_a_change_of_their_provider(
    house: TestOffice, root: httpx.AsyncClient, up: Upstream
) -> None:
    one = await added(root, "up", models=["m"], key=KEY, base_url=up.url)
    await root.patch(SETTINGS, json={"unpriced_models": "free"})
    catalogues = Catalogues(house.desk)

    async def provider() -> Provider:
        return (await current(house, catalogues)).candidates("m", Dialect.OPENAI)[0].provider

    async def port_of_a_call(by: Provider) -> int:
        async with by.asked(ProviderCall("/echo", b"{}")) as answer:
            assert [piece async for piece in answer.pieces()] == [b"{}"]
        return up.last.port

    first = await provider()
    port = await port_of_a_call(first)
    await root.patch(one, json={"models": ["m", "n"], "note": "Something else"})
    assert await port_of_a_call(await provider()) == port
    await root.patch(one, json={"timeouts": {"connect_seconds": 9}})
    assert await port_of_a_call(await provider()) != port
    assert await port_of_a_call(first) == port, "whoever found it before still gets to ask"
    await root.patch(one, json={"is_enabled": False})
    with pytest.raises(Refusal, match="No provider of models is set up"):
        (await current(house, catalogues)).candidates("m", Dialect.OPENAI)


async def test_names_that_clients_make_up_are_not_remembered_without_end(
    house: TestOffice, root: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "NAMES_KEPT", 10)
    await added(root, "simulated", shape="simulated", base_url=None)
    found = await current(house)

    for number in range(100):
        found.candidates(f"simulated-{number}", Dialect.OPENAI)

    assert len(found._found) <= 10


async def test_the_tenants_side_of_the_database_cannot_read_sealed_keys(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    async with reading(house.desk.tenants, new_uuid()) as transaction:
        may = await transaction.fetchval("select has_table_privilege('bursar.providers', 'select')")

    assert may is False
