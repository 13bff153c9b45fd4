"""docs/rules/providers.md over HTTP: routes, which say where a name leads."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.support.keys import field_at_fault, refused
from tests.support.offices import TestOffice
from tests.support.prices import price_events

ROUTES = "/api/v1/model-routes"


@pytest.fixture
async def root(house: TestOffice) -> httpx.AsyncClient:
    """A super admin of an office with two providers."""
    found = await house.super_admin()
    for name, base_url in (
        ("openai", "https://api.openai.com/v1"),
        ("azure", "https://acme.openai.azure.com/openai/v1"),
    ):
        response = await found.post("/api/v1/providers", json={"name": name, "shape": "openai", "base_url": base_url})
        assert response.status_code == 201, response.text
    return found


@pytest.mark.rule("PROVIDER-9")
async def test_routes_are_set_by_name_and_found_in_whatever_capitals(
    house: TestOffice, root: httpx.AsyncClient
) -> None:
    targets = [{"provider": "azure", "model": "our-gpt"}, {"provider": "openai", "model": "gpt-5"}]

    first = await root.put(f"{ROUTES}/acme/Best", json={"targets": targets, "note": "The contract first"})
    again = await root.put(f"{ROUTES}/acme/best", json={"targets": targets[:1]})
    await root.put(f"{ROUTES}/another", json={"targets": targets[1:]})
    page = (await root.get(ROUTES, params={"limit": 1})).json()
    rest = (await root.get(ROUTES, params={"limit": 1, "cursor": page["next_cursor"]})).json()

    assert first.json()["targets"] == targets
    assert again.json()["id"] == first.json()["id"]
    assert (page["total"], [route["name"] for route in page["routes"] + rest["routes"]]) == (
        2,
        ["acme/best", "another"],
    )
    assert rest["next_cursor"] is None
    events = await price_events(house, "model_route_set")
    assert json.loads(events[1]["changes"]) == {
        "targets": {"before": "azure/our-gpt, openai/gpt-5", "after": "azure/our-gpt"}
    }
    assert (await root.delete(f"{ROUTES}/ACME/BEST")).status_code == 200
    for gone in ("acme/best", "a%20b", "a%00b"):
        assert refused(await root.delete(f"{ROUTES}/{gone}")) == (404, "route_unknown")


@pytest.mark.rule("PROVIDER-9")
async def test_a_route_leads_to_providers_that_are_there_each_model_once(root: httpx.AsyncClient) -> None:
    one = {"provider": "openai", "model": "gpt-5"}

    assert refused(await root.put(f"{ROUTES}/x", json={"targets": [{**one, "provider": "nobody"}]})) == (
        404, "provider_unknown",
    )  # fmt: skip
    assert field_at_fault(await root.put(f"{ROUTES}/x", json={"targets": []})) == (422, "targets")
    assert field_at_fault(await root.put(f"{ROUTES}/x", json={"targets": [one, one]})) == (422, "targets")
    assert field_at_fault(await root.put(f"{ROUTES}/a b", json={"targets": [one]})) == (422, "name")
