"""What an operator is told: figures, log lines and traces, and what is in none of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bursar.compose import tracing_of
from bursar.config import CannotStart
from bursar.outside.metrics import METRICS, OTHER, REFUSALS, SERIES_MAX, Count
from bursar.outside.providers import Provider, ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.outside.providers.simulated import Simulated
from bursar.outside.providers.watched import WatchedProvider
from bursar.outside.tracing import NO_TRACING
from tests.support.collectors import collecting
from tests.support.keys import made_key, model_client
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice, running_office, settings_for
from tests.support.postgres import FreshDatabase

QUESTION = "What did the minister say to the actress?"
CHAT = ProviderCall("/chat/completions", json.dumps({"model": "m", "messages": [{"content": QUESTION}]}).encode())
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Faulty:
    """A provider that fails in one of the ways that there are."""

    name = "faulty"
    secrets = ()

    def __init__(self, how: str) -> None:
        self.how = how

    @asynccontextmanager
    async def asked(self, call: ProviderCall) -> AsyncIterator[Simulated]:
        if self.how == "unreachable":
            raise ProviderUnreachable
        yield Simulated(int(self.how.partition("_")[2] or 200), [])
        if self.how == "broke":
            raise ProviderBroke


class Listening:
    """A provider that remembers with which headers it was asked."""

    name = "listening"
    secrets = ()

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    @asynccontextmanager
    async def asked(self, call: ProviderCall) -> AsyncIterator[Simulated]:
        self.headers = dict(call.headers)
        yield Simulated(200, [])


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    """Everything that /metrics tells, by name and labels."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    lines = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def watched(house: TestOffice, provider: Provider) -> WatchedProvider:
    """The provider, told of as the house tells of all."""
    return WatchedProvider(provider, house.desk.metrics, house.desk.tracing)


async def called(acme: Studio, **headers: str) -> dict[str, Any]:
    """A call through the gateway: its usage, as the client is told."""
    body = {"model": "simulated", "messages": [{"role": "user", "content": QUESTION}]}
    response = await model_client(acme.house, acme.key).post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    usage: dict[str, Any] = response.json()["usage"]
    return usage


@pytest.mark.rule("WATCH-1")
def test_no_figure_has_a_label_that_grows_with_those_who_call() -> None:
    labels = {label for metric in METRICS for label in metric.labels}

    assert labels == {
        *("face", "status", "code", "endpoint", "outcome", "provider", "streamed", "kind", "failure"),
        *("duty", "pool", "state"),
    }


@pytest.mark.rule("WATCH-1")
def test_beyond_a_bound_of_labels_a_figure_goes_on_as_other() -> None:
    count = Count(REFUSALS)
    for number in range(SERIES_MAX + 5):
        count.add(("gateway", str(number)))
    count.add(("gateway", "0"))

    assert len(count.series) == SERIES_MAX + 1
    assert count.series["gateway", "0"] == 2
    assert count.series[OTHER, OTHER] == 5


@pytest.mark.rule("WATCH-1")
async def test_requests_refusals_rounds_duties_and_connections_are_counted(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    visitor, admin = house.visitor(), await house.signed_in("acme-admin")
    before = await figures(visitor)

    await visitor.get("/v1/models")
    await visitor.get("/api/v1/pool")
    await admin.get("/api/v1/pool")
    after = await figures(visitor)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more('bursar_requests_total{face="gateway",status="401"}') == 1
    assert more('bursar_requests_total{face="api",status="401"}') == 1
    assert more('bursar_requests_total{face="api",status="200"}') == 1
    assert more('bursar_request_seconds_count{face="api"}') == 2
    assert more('bursar_refusals_total{code="api_key_invalid",face="gateway"}') == 1
    assert more('bursar_refusals_total{code="not_signed_in",face="api"}') == 1
    assert after['bursar_duty_runs_total{duty="cycles"}'] >= 1
    assert after['bursar_pool_connections{pool="requests",state="open"}'] >= 1
    assert after["bursar_holds_open"] == 0
    assert after["process_resident_memory_bytes"] > 0


@pytest.mark.rule("WATCH-1")
async def test_a_call_is_counted_with_its_tokens_credits_and_times(house: TestOffice) -> None:
    acme = await studio(house)

    usage = await called(acme)

    told = await figures(house.visitor())
    kept = 'endpoint="chat.completions",outcome="delivered",provider="simulated",streamed="no"'
    assert [name for name in told if name.startswith("bursar_calls_total")] == [f"bursar_calls_total{{{kept}}}"]
    assert told[f"bursar_calls_total{{{kept}}}"] == 1
    assert told['bursar_call_tokens_total{kind="input",provider="simulated"}'] == usage["prompt_tokens"]
    assert told['bursar_call_tokens_total{kind="output",provider="simulated"}'] == usage["completion_tokens"]
    # A dollar for a thousand tokens, a hundred credits for a dollar.
    assert told['bursar_call_credits_total{provider="simulated"}'] == usage["total_tokens"] / 10
    assert told['bursar_call_seconds_count{provider="simulated",streamed="no"}'] == 1
    assert told["bursar_calls_in_flight"] == 0
    assert told["bursar_holds_open"] == 0
    assert told['bursar_ledger_rounds_total{outcome="posted"}'] >= 2
    assert told["bursar_ledger_round_commands_sum"] >= 2
    assert told["bursar_ledger_round_wait_seconds_count"] == told["bursar_ledger_round_seconds_count"]


@pytest.mark.rule("WATCH-2")
@pytest.mark.rule("WATCH-3")
async def test_a_call_has_one_line_that_says_who_called_which_model_and_how_it_came_out(house: TestOffice) -> None:
    acme = await studio(house)

    with capture_logs(processors=[merge_contextvars]) as lines:
        usage = await called(acme, **{"x-request-id": "call-7"})

    (line,) = [line for line in lines if line["event"] in ("call", "request") and line["log_level"] == "info"]
    (row,) = await acme.rows()
    expected = {
        "event": "call",
        "request_id": "call-7",
        "call": f"cal_{row['call_id'].hex}",
        "tenant": acme.place.tenant_id,
        "key": acme.key_id,
        "model": "simulated",
        "provider": "simulated",
        "outcome": "delivered",
        "status": 200,
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["completion_tokens"],
        "ms": row["total_ms"],
    }
    assert {name: line[name] for name in expected} == expected
    told = repr(lines) + (await house.visitor().get("/metrics")).text
    for secret in (acme.key, QUESTION):
        assert secret not in told


@pytest.mark.rule("WATCH-2")
@pytest.mark.rule("WATCH-3")
async def test_a_refused_request_has_one_line_with_its_code_and_no_secret(house: TestOffice) -> None:
    place = await house.tenant()
    member = await house.signed_in("acme-member")
    made = await made_key(member, "model")
    client = model_client(house, made["secret"])

    with capture_logs(processors=[merge_contextvars]) as lines:
        await client.post(
            "/v1/nothing/here", json={"model": "m", "input": QUESTION}, headers={"x-request-id": "call-9"}
        )
        await house.visitor(authorization="Bearer sk-hush").post("/v1/chat/completions", json={"input": QUESTION})

    mine, strangers = [line for line in lines if line["event"] == "request"]
    assert (mine["request_id"], mine["tenant"], mine["key"]) == ("call-9", place.tenant_id, made["key"]["id"])
    assert (mine["status"], mine["code"], mine["path"]) == (404, "not_found", "/v1/nothing/here")
    assert (strangers["status"], strangers["code"]) == (401, "api_key_invalid")
    told = repr(lines) + (await house.visitor().get("/metrics")).text
    for secret in (made["secret"], "sk-hush", QUESTION):
        assert secret not in told


@pytest.mark.rule("WATCH-5")
@pytest.mark.parametrize("how", ["unreachable", "broke", "status_503"])
async def test_every_failure_of_a_provider_is_counted(house: TestOffice, how: str) -> None:
    provider = watched(house, Faulty(how))

    try:
        async with provider.asked(CHAT) as answer:
            assert answer.status in (200, 503)
    except (ProviderUnreachable, ProviderBroke):
        pass

    told = await figures(house.visitor())
    assert told[f'bursar_provider_failures_total{{failure="{how}",provider="faulty"}}'] == 1


@pytest.mark.rule("WATCH-5")
async def test_a_provider_that_answers_is_no_failure(house: TestOffice) -> None:
    for how in ("status_200", "status_429"):
        async with watched(house, Faulty(how)).asked(CHAT):
            pass

    assert not [name for name in await figures(house.visitor()) if name.startswith("bursar_provider_failures")]


def facts_of(span: Any) -> Mapping[str, Any]:
    return {fact.key: fact.value.string_value or fact.value.int_value for fact in span.attributes}


@pytest.mark.rule("WATCH-2")
@pytest.mark.rule("WATCH-4")
async def test_a_call_becomes_spans_of_its_callers_trace(fresh_database: FreshDatabase) -> None:
    with collecting() as collector:
        async with running_office(fresh_database, otel_endpoint=collector.url) as house:
            acme = await studio(house)
            await called(acme, traceparent=PARENT, **{"x-request-id": "call-1"})

    request = collector.span("POST gateway")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    asked = collector.span("provider")
    assert collector.span("admission").parent_span_id == asked.parent_span_id == request.span_id
    # The provider is asked until all of its answer was passed on, and what was passed on is settled by then.
    assert collector.span("settlement").parent_span_id == asked.span_id
    assert facts_of(asked)["bursar.provider"] == "simulated"
    told = facts_of(request)
    assert (told["url.path"], told["http.response.status_code"]) == ("/v1/chat/completions", 200)
    assert (told["bursar.request_id"], told["bursar.key"], told["bursar.outcome"]) == (
        "call-1",
        acme.key_id,
        "delivered",
    )
    for secret in (acme.key, QUESTION):
        assert secret not in repr(collector.spans)


@pytest.mark.rule("WATCH-4")
@pytest.mark.parametrize("wanted", [False, True])
async def test_a_provider_is_told_of_the_trace_only_where_that_is_wanted(
    fresh_database: FreshDatabase, wanted: bool
) -> None:
    provider = Listening()
    with collecting() as collector:
        chosen: dict[str, Any] = {"otel_endpoint": collector.url, "otel_tells_providers": wanted}
        async with running_office(fresh_database, **chosen) as house, watched(house, provider).asked(CHAT):
            pass

    span = collector.span("provider")
    told = {name: value.rpartition("-")[0] for name, value in provider.headers.items()}
    assert told == ({"traceparent": f"00-{span.trace_id.hex()}-{span.span_id.hex()}"} if wanted else {})


@pytest.mark.rule("WATCH-4")
def test_without_a_collector_nothing_is_made_for_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)

    tracing = tracing_of(settings_for())

    assert tracing is NO_TRACING
    assert tracing.span("admission") is tracing.request("POST gateway", [])


@pytest.mark.rule("WATCH-4")
def test_the_standard_variable_names_a_collector_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")

    tracing = tracing_of(settings_for())

    assert tracing is not NO_TRACING
    tracing.close()


@pytest.mark.rule("WATCH-4")
def test_traces_without_their_packages_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(CannotStart) as refused:
        tracing_of(settings_for(otel_endpoint="http://127.0.0.1:4318"))

    assert "OpenTelemetry are not installed" in refused.value.sentence
    assert re.search(r"pip install 'bursar\[otel\]'", refused.value.hint)
