"""docs/rules/providers.md over HTTP: providers and routes as super admins set them up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from bursar.actions.connections import connection_to
from bursar.domain.ids import parse_public_id
from bursar.outside.providers.http import HttpProvider
from bursar.reports.providers import see_provider
from tests.support.keys import field_at_fault, owner_run, refused
from tests.support.offices import TestOffice
from tests.support.prices import price_events
from tests.support.upstreams import KEY, Upstream, upstream

PROVIDERS = "/api/v1/providers"
ROUTES = "/api/v1/model-routes"
OPENAI = {"name": "openai", "shape": "openai", "base_url": "https://api.openai.com/v1"}


@pytest.fixture
async def up() -> AsyncIterator[Upstream]:
    async with upstream() as running:
        yield running


async def added(root: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await root.post(PROVIDERS, json={**OPENAI, **fields})
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


async def headers_of(house: TestOffice, provider: dict[str, Any]) -> dict[str, str]:
    """What goes with every call to the provider."""
    kept = await see_provider(house.desk.platform, parse_public_id("provider", provider["id"], field="id"))
    return dict(connection_to(house.desk, kept).headers)


async def everything_kept(house: TestOffice) -> str:
    """All rows in which a key could stand, as text."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        rows = [
            row
            for table in ("providers", "platform_events", "remembered_answers")
            for row in await connection.fetch(f"select t::text from bursar.{table} t")
        ]
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)


@pytest.mark.rule("PROVIDER-1")
async def test_a_provider_is_added_with_what_is_usual_for_its_shape(house: TestOffice) -> None:
    root = await house.super_admin()

    openai = await added(root)
    claude = await added(root, name="anthropic", shape="anthropic", base_url="https://api.anthropic.com/v1")
    listed = (await root.get(PROVIDERS)).json()

    assert openai["key"] == {"source": "none", "variable": None, "ending": None, "header": "authorization"}
    assert claude["key"]["header"] == "x-api-key"
    assert (openai["priced_as"], claude["priced_as"]) == (["openai"], ["anthropic"])
    assert openai["position"] < claude["position"]
    assert openai["timeouts"] == {
        "connect_seconds": 5, "first_byte_seconds": 600, "between_pieces_seconds": 120, "whole_seconds": 3600,
    }  # fmt: skip
    assert listed == {"providers": [openai, claude], "total": 2}
    assert (await root.get(f"{PROVIDERS}/{openai['id']}")).json() == openai


@pytest.mark.rule("PROVIDER-1")
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Open AI"}, "name"),
        ({"name": "open/ai"}, "name"),
        ({"base_url": None}, "base_url"),
        ({"base_url": "api.openai.com"}, "base_url"),
        ({"base_url": "ftp://api.openai.com"}, "base_url"),
        ({"base_url": "https://me:secret@api.openai.com/v1"}, "base_url"),
        ({"base_url": "https://api.openai.com/v1?api-version=1"}, "base_url"),
        ({"base_url": "https://api.openai.com/v1#x"}, "base_url"),
        ({"base_url": "https://api.openai.com/a/../v1"}, "base_url"),
        ({"base_url": "https://api.openai.com:99999/v1"}, "base_url"),
        ({"base_url": "https://%zz/v1"}, "base_url"),
        ({"base_url": "https://1.2.3.4.5/v1"}, "base_url"),
        ({"base_url": "https://256.1.1.1/v1"}, "base_url"),
        ({"base_url": "https://[v1.a]/v1"}, "base_url"),
        ({"base_url": "https://[fe80::1%25eth0]/v1"}, "base_url"),
        ({"base_url": "https://a..b/v1"}, "base_url"),
        ({"key": "two\nlines"}, "key"),
        ({"key": "sk-1", "key_variable": "OPENAI_API_KEY"}, "key_variable"),
        ({"key_header": "Host"}, "key_header"),
        ({"headers": [{"name": "Content-Length", "value": "1"}]}, "headers"),
        ({"headers": [{"name": "x", "value": "a\r\nb: c"}]}, "headers"),
        ({"headers": [{"name": "x", "value": "1"}, {"name": "X", "value": "2"}]}, "headers"),
        ({"headers": [{"name": "Authorization", "value": "x"}], "key": "sk-1"}, "headers"),
        ({"headers": [{"name": "x"}]}, "headers"),
        ({"headers": [{"name": "x", "is_secret": True}]}, "headers"),
        ({"models": ["one", "one"]}, "models"),
        ({"models": ["with blank"]}, "models"),
        ({"priced_as": ["Open AI"]}, "priced_as"),
        ({"timeouts": {"connect_seconds": 0}}, "timeouts.connect_seconds"),
        ({"shape": "simulated"}, "base_url"),
        ({"shape": "simulated", "base_url": None, "key": "sk-1"}, "key"),
    ],
)
async def test_a_provider_that_cannot_be_is_refused_with_its_field(
    house: TestOffice, fields: dict[str, Any], field: str
) -> None:
    root = await house.super_admin()

    response = await root.post(PROVIDERS, json={**OPENAI, **fields})

    assert field_at_fault(response) == (422, field)
    assert "me:secret" not in response.text
    assert (await root.get(PROVIDERS)).json()["total"] == 0


@pytest.mark.rule("PROVIDER-1")
@pytest.mark.parametrize(
    "host", ["10.0.0.5:8000", "[::1]:11434", "localhost", "model_server", "Api.Example.com.", "7b.example.com"]
)
async def test_a_provider_is_wherever_a_machine_can_be(house: TestOffice, host: str) -> None:
    provider = await added(await house.super_admin(), base_url=f"http://{host}/v1")

    assert provider["base_url"] == f"http://{host}/v1"


async def test_a_name_is_given_once(house: TestOffice) -> None:
    root = await house.super_admin()
    await added(root)

    assert refused(await root.post(PROVIDERS, json=OPENAI)) == (409, "name_taken")


@pytest.mark.rule("PROVIDER-2")
async def test_a_key_is_read_from_the_variable_each_time_and_its_absence_is_told(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await house.super_admin()
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    provider = await added(root, key_variable="OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    now = (await root.get(f"{PROVIDERS}/{provider['id']}")).json()

    assert provider["problem"] == "The key of openai is missing: OPENAI_API_KEY is not set."
    assert now["problem"] is None
    assert now["key"] == {
        "source": "variable", "variable": "OPENAI_API_KEY", "ending": None, "header": "authorization",
    }  # fmt: skip
    assert await headers_of(house, provider) == {"authorization": f"Bearer {KEY}"}
    assert KEY not in await everything_kept(house)


@pytest.mark.rule("PROVIDER-2")
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "BURSAR_PROVIDER_LAB", "AZURE_OPENAI_API_KEY"])
async def test_a_variable_that_is_a_providers_key_by_its_name_can_be_named(house: TestOffice, name: str) -> None:
    assert (await added(await house.super_admin(), key_variable=name))["key"]["variable"] == name


@pytest.mark.rule("PROVIDER-2")
@pytest.mark.parametrize(
    "name",
    ["BURSAR_SECRET_KEY", "BURSAR_DATABASE_URL", "BURSAR_API_KEY", "PATH", "AWS_SECRET_ACCESS_KEY", "openai_api_key"],
)
async def test_any_other_variable_of_the_server_cannot(house: TestOffice, name: str) -> None:
    root = await house.super_admin()

    assert field_at_fault(await root.post(PROVIDERS, json={**OPENAI, "key_variable": name})) == (422, "key_variable")


@pytest.mark.rule("PROVIDER-3")
async def test_a_sealed_key_is_used_and_shown_to_nobody(house: TestOffice) -> None:
    root = await house.super_admin()
    headers = [{"name": "X-Org", "value": "acme"}, {"name": "X-Token", "value": f"t{KEY}", "is_secret": True}]

    response = await root.post(
        PROVIDERS, json={**OPENAI, "key": KEY, "headers": headers}, headers={"Idempotency-Key": "k"}
    )
    provider = response.json()

    assert provider["key"] == {"source": "sealed", "variable": None, "ending": KEY[-4:], "header": "authorization"}
    assert provider["headers"] == [
        {"name": "X-Org", "value": "acme", "is_secret": False},
        {"name": "X-Token", "value": None, "is_secret": True},
    ]
    assert KEY not in response.text + await everything_kept(house)
    assert await headers_of(house, provider) == {
        "authorization": f"Bearer {KEY}", "X-Org": "acme", "X-Token": f"t{KEY}",
    }  # fmt: skip


@pytest.mark.rule("PROVIDER-3")
async def test_of_a_short_key_nothing_is_shown(house: TestOffice) -> None:
    assert (await added(await house.super_admin(), key="shortkey"))["key"]["ending"] is None


@pytest.mark.rule("PROVIDER-3")
async def test_a_sealed_key_that_was_moved_to_another_provider_does_not_open(house: TestOffice) -> None:
    root = await house.super_admin()
    await added(root, key=KEY)
    other = await added(root, name="other", base_url="https://evil.example.com/v1", key="sk-other-0123456789")

    await owner_run(
        house,
        "update providers set key_sealed = (select key_sealed from providers where name = 'openai')"
        " where name = 'other'",
    )

    problem = (await root.get(f"{PROVIDERS}/{other['id']}")).json()["problem"]
    assert problem == "What is sealed of other cannot be opened with this server's secret key: set it anew."
    assert await headers_of(house, other) == {}


@pytest.mark.rule("PROVIDER-4")
async def test_what_is_named_is_changed_and_told_without_a_secret(house: TestOffice) -> None:
    root = await house.super_admin()
    provider = await added(root, key=KEY, headers=[{"name": "X-Token", "value": "t0ken-secret", "is_secret": True}])
    one = f"{PROVIDERS}/{provider['id']}"

    changed = await root.patch(
        one,
        json={
            "models": ["gpt-x"],
            "timeouts": {"first_byte_seconds": 30},
            "headers": [{"name": "X-Token", "is_secret": True}, {"name": "X-Org", "value": "acme"}],
            "note": "Contract 7",
        },
    )
    same = await root.patch(one, json={"models": ["gpt-x"]})
    to_variable = await root.patch(one, json={"key_variable": "OPENAI_API_KEY"})
    to_sealed = await root.patch(one, json={"key": "sk-new-0123456789-abcd"})
    without = await root.patch(one, json={"key": None})

    assert changed.json() == {
        **provider,
        "models": ["gpt-x"],
        "timeouts": {**provider["timeouts"], "first_byte_seconds": 30},
        "headers": [
            {"name": "X-Token", "value": None, "is_secret": True},
            {"name": "X-Org", "value": "acme", "is_secret": False},
        ],
        "note": "Contract 7",
        "changed_at": changed.json()["changed_at"],
    }  # fmt: skip
    assert same.json() == changed.json()
    assert [answer.json()["key"]["source"] for answer in (to_variable, to_sealed, without)] == [
        "variable", "sealed", "none",
    ]  # fmt: skip
    assert (await headers_of(house, provider))["X-Token"] == "t0ken-secret"
    events = await price_events(house, "provider_changed")
    assert [json.loads(event["changes"]) for event in events][1:] == [
        {"key": {"before": "sealed, ending in cdef", "after": "from OPENAI_API_KEY"}},
        {"key": {"before": "from OPENAI_API_KEY", "after": "sealed, ending in abcd"}},
        {"key": {"before": "sealed, ending in abcd", "after": None}},
    ]
    assert "t0ken" not in str(events)


@pytest.mark.rule("PROVIDER-4")
async def test_a_sealed_key_goes_nowhere_else_without_being_given_anew(house: TestOffice) -> None:
    root = await house.super_admin()
    provider = await added(root, key=KEY)
    secretive = await added(root, name="two", headers=[{"name": "X-Token", "value": "t0ken", "is_secret": True}])
    elsewhere = {"base_url": "https://evil.example.com/v1"}

    one, two = f"{PROVIDERS}/{provider['id']}", f"{PROVIDERS}/{secretive['id']}"

    assert field_at_fault(await root.patch(one, json=elsewhere)) == (422, "key")
    assert field_at_fault(await root.patch(two, json=elsewhere)) == (422, "headers")
    assert field_at_fault(await root.patch(one, json={"base_url": "http://api.openai.com/v1"})) == (422, "key")
    assert (await root.patch(one, json={"base_url": "https://api.openai.com/v2"})).status_code == 200
    assert (await root.patch(one, json={**elsewhere, "key": "sk-for-them-012345"})).status_code == 200
    assert (await root.patch(two, json={**elsewhere, "headers": []})).status_code == 200


@pytest.mark.rule("PROVIDER-4")
async def test_a_sealed_key_goes_in_no_other_header_without_being_given_anew(house: TestOffice) -> None:
    root = await house.super_admin()
    one = f"{PROVIDERS}/{(await added(root, key=KEY))['id']}"

    assert field_at_fault(await root.patch(one, json={"key_header": "x-title"})) == (422, "key")
    assert (await root.patch(one, json={"key_header": "Authorization"})).status_code == 200
    assert (await root.patch(one, json={"key_header": "api-key", "key": "sk-for-them-012345"})).status_code == 200


@pytest.mark.rule("PROVIDER-3")
async def test_what_is_secret_is_held_back_in_answers_and_no_plain_word_is(house: TestOffice) -> None:
    root = await house.super_admin()
    token, plain_key = "t0ken", "plain-0123456789"
    provider = await added(
        root,
        key=KEY,
        headers=[
            {"name": "X-Token", "value": token, "is_secret": True},
            {"name": "X-Version", "value": "1"},
            {"name": "X-Other", "value": plain_key},
        ],
    )

    kept = await see_provider(house.desk.platform, parse_public_id("provider", provider["id"], field="id"))
    asked = HttpProvider(connection_to(house.desk, kept))

    assert set(asked.secrets) == {KEY, token, plain_key}
    assert repr(house.desk.secret_key) not in repr(house.desk)


@pytest.mark.rule("PROVIDER-4")
async def test_a_provider_that_a_route_leads_to_is_removed_after_the_route(house: TestOffice) -> None:
    root = await house.super_admin()
    provider = await added(root)
    one = f"{PROVIDERS}/{provider['id']}"
    await root.put(f"{ROUTES}/best", json={"targets": [{"provider": "openai", "model": "gpt-5"}]})

    in_use = await root.delete(one)
    await root.delete(f"{ROUTES}/best")
    removed = await root.delete(one)

    assert refused(in_use) == (409, "provider_in_use")
    assert in_use.json()["facts"] == {"route": "best", "routes": "1"}
    assert removed.json() == provider
    for answer in (
        await root.get(one),
        await root.delete(one),
        await root.patch(one, json={}),
        await root.post(f"{one}/test"),
    ):
        assert refused(answer) == (404, "provider_unknown")


@pytest.mark.rule("PROVIDER-13")
async def test_testing_a_provider_says_plainly_what_came_back(house: TestOffice, up: Upstream) -> None:
    root = await house.super_admin()

    async def tried(name: str, **fields: Any) -> tuple[Any, ...]:
        provider = await added(root, name=name, **fields)
        response = await root.post(f"{PROVIDERS}/{provider['id']}/test")
        assert response.status_code == 200
        assert KEY not in response.text
        assert "sk-wrong" not in response.text
        found = response.json()
        return found["outcome"], found["status"], found["models"], found["sentence"]

    assert await tried("well", base_url=up.url, key=KEY) == ("well", 200, 2, "well answered, and lists 2 models.")
    assert (up.last.method, up.last.path) == ("GET", "/v1/models")
    assert await tried("wrong", base_url=up.url, key="sk-wrong-0123456789") == (
        "key_refused", 401, None, "wrong answered with 401: it does not take this key.",
    )  # fmt: skip
    assert (await tried("nolist", base_url=f"{up.url}/none"))[:2] == ("no_list", 200)
    assert await tried("gone", base_url="http://127.0.0.1:1/v1", key=KEY) == (
        "unreachable", None, None, "gone cannot be reached: Connection refused (os error 111).",
    )  # fmt: skip
    assert (await tried("keyless", base_url=up.url, key_variable="BURSAR_PROVIDER_NONE"))[0] == "unreachable"
    assert (await tried("simulated", shape="simulated", base_url=None))[:3] == ("well", 200, 2)
    tests = await price_events(house, "provider_tested")
    assert '"outcome": "key_refused"' in str([event["detail"] for event in tests])
    assert KEY not in str(tests)
