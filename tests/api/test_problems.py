"""How the API says no: one table, one shape, never a fault for bad input."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bursar.api.front import FrontDoor
from bursar.api.problems import EDGE_PROBLEMS, HINTS, STATUSES, install_problem_handlers
from bursar.domain.refusals import REFUSALS, Broken
from bursar.ledger import LedgerUnavailable, OutcomeUnknown
from bursar.outside.metrics import Metrics
from bursar.outside.tracing import NO_TRACING
from tests.support.offices import PASSWORD, TestOffice, served


def test_every_refusal_has_a_status_and_no_status_is_left_over() -> None:
    assert set(STATUSES) == set(REFUSALS)
    assert set(STATUSES.values()) <= {401, 402, 403, 404, 408, 409, 413, 422, 429, 502, 503}
    assert set(HINTS) <= set(REFUSALS) | set(EDGE_PROBLEMS)
    assert not set(EDGE_PROBLEMS) & set(REFUSALS)


def problem_in(response: httpx.Response) -> dict[str, Any]:
    """The problem+json document of an answer, which must be well formed."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:bursar:problem:{problem['code']}"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"].endswith(".")
    return problem


async def test_an_unknown_path_and_a_method_that_is_not_offered_are_problems_too(house: TestOffice) -> None:
    visitor = house.visitor()

    unknown = await visitor.get("/api/v1/nothing")
    outside = await visitor.get("/api/nothing/at/all")
    method = await visitor.put("/api/v1/session", json={})

    assert (unknown.status_code, problem_in(unknown)["code"]) == (404, "not_found")
    assert (outside.status_code, problem_in(outside)["code"]) == (404, "not_found")
    assert (method.status_code, problem_in(method)["code"]) == (405, "method_not_allowed")


async def test_a_safe_request_id_is_echoed_and_an_unsafe_one_replaced(house: TestOffice) -> None:
    visitor = house.visitor()

    safe = await visitor.get("/api/v1/session", headers={"x-request-id": "my.call-1_x"})
    unsafe = await visitor.get("/api/v1/session", headers={"x-request-id": "a b<script>"})
    long = await visitor.get("/healthz", headers={"x-request-id": "a" * 129})

    assert problem_in(safe)["request_id"] == "my.call-1_x"
    assert problem_in(unsafe)["request_id"].startswith("req_")
    assert long.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("fault", [Broken("planted", account="pool"), RuntimeError("planted")])
async def test_a_fault_is_told_of_under_the_id_that_the_log_has_it_under(fault: Exception) -> None:
    api = FastAPI()
    install_problem_handlers(api, unavailable=(), methods_at=lambda _: {"GET"})

    @api.get("/api/v1/broken")
    async def broken() -> None:
        raise fault

    front = FrontDoor(gateway=api, api=api, console=api, metrics=Metrics(), tracing=NO_TRACING)
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with served(front) as url, httpx.AsyncClient(base_url=url) as client:
            response = await client.get("/api/v1/broken")

    problem = problem_in(response)
    assert (response.status_code, problem["code"]) == (500, "fault")
    assert "planted" not in response.text
    (told,) = [line for line in lines if line["log_level"] == "error"]
    assert told["request_id"] == problem["request_id"]
    assert told["exc_info"] is fault


async def test_an_outage_is_told_of_in_the_log_too(house: TestOffice) -> None:
    await house.desk.platform.close()

    with capture_logs(processors=[merge_contextvars]) as lines:
        response = await house.visitor().post("/api/v1/session", json={"name": "nobody", "password": PASSWORD})

    problem = problem_in(response)
    assert (response.status_code, problem["code"]) == (503, "unavailable")
    # The duties of the clock miss the database too, and tell of it without a request's id.
    told = [line for line in lines if line.get("request_id") == problem["request_id"] and line.get("fault")]
    assert [line["log_level"] for line in told] == ["warning"]


async def test_an_outcome_nobody_knows_yet_is_told_apart_from_an_outage() -> None:
    api = FastAPI()
    install_problem_handlers(api, unavailable=(LedgerUnavailable,), methods_at=lambda _: {"GET"})

    @api.get("/api/v1/{kind}")
    async def lost(kind: str) -> None:
        raise OutcomeUnknown("planted") if kind == "doubtful" else LedgerUnavailable("planted")

    front = FrontDoor(gateway=api, api=api, console=api, metrics=Metrics(), tracing=NO_TRACING)
    async with served(front) as url, httpx.AsyncClient(base_url=url) as client:
        doubtful, outage = await client.get("/api/v1/doubtful"), await client.get("/api/v1/plain")

    assert [response.status_code for response in (doubtful, outage)] == [503, 503]
    assert [problem_in(response)["code"] for response in (doubtful, outage)] == ["outcome_unknown", "unavailable"]
    assert problem_in(doubtful)["hint"].startswith("Send it again with the same Idempotency-Key")
    assert problem_in(doubtful)["may_retry"] is True


MALFORMED_BODIES = (
    b"", b"{", b"[]", b"null", b'"text"', b"1", b"NaN", b'{"amount": NaN}', b"\xff\xfe", b'{"amount": "1"} trailing',
    b'{"amount": "1", "amount": 2}', b"[" * 2000, b'{"member_id": "\\ud800", "amount": "1"}',
    b'{"member_id": "mem_\\u0000", "amount": "1"}', b'{"member_id": 5, "amount": "1"}',
    b'{"member_id": "mem_00000000000000000000000000000000", "amount": "1", "note": "a\\u0000b"}',
    b'{"member_id": "mem_00000000000000000000000000000000", "amount": "1", "surprise": true}',
    b'{"member_id": "grp_00000000000000000000000000000000", "amount": "1"}', b'{"amount": "1"}',
)  # fmt: skip


async def test_malformed_bodies_are_refused_and_never_a_fault(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    for body in MALFORMED_BODIES:
        response = await admin.post("/api/v1/allocations", content=body, headers={"content-type": "application/json"})
        assert (body, response.status_code) == (body, 422), response.text
        assert problem_in(response)["fields"], body


async def test_every_wrong_field_is_named_at_once(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    response = await admin.post(
        "/api/v1/members", json={"username": "a b", "display_name": "A\nB", "password": "short", "role": "owner"}
    )

    problem = problem_in(response)
    assert problem["code"] == "invalid_input"
    assert {field["field"] for field in problem["fields"]} == {"username", "display_name", "password", "role"}


MALFORMED_QUERIES = (
    "members?limit=0", "members?limit=201", "members?limit=x", "members?cursor=x", "members?cursor=W10",
    "members?search=%00",
    "members?group_id=x", "members?cursor=WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", "transactions?cursor=WzEsIngiXQ",
    "transactions?cursor=WzEsMTA5OTUxMTYyNzc3Nl0",
    "transactions?member_id=%00", "transactions?kind=gift", "transactions?since=2026-13-01", "transactions?until=today",
    "transactions?amount_min=1e3", "transactions?amount_max=-1", "transactions?search=%00", "transactions?actor_id=x",
    "own-transactions?kind=gift", "own-transactions?cursor=WzEsMTA5OTUxMTYyNzc3Nl0", "transactions.csv?kind=gift",
    "groups?cursor=WyJncnBfIl0", "members/mem_x", "members/%00", "holds/x",
    "pool?tenant_id=x", "members?cursor=%C3%A9",
)  # fmt: skip


async def test_malformed_queries_are_refused_and_never_a_fault(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    for query in MALFORMED_QUERIES:
        response = await admin.get(f"/api/v1/{query}")
        assert (query, response.status_code) == (query, 422), response.text
        problem_in(response)


async def test_a_body_above_the_limit_is_refused_however_it_is_sent(house: TestOffice) -> None:
    visitor = house.visitor()
    large = json.dumps({"name": "x" * 1_100_000, "password": PASSWORD}).encode()

    async def in_pieces() -> Any:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    headers = {"content-type": "application/json"}
    at_once = await visitor.post("/api/v1/session", content=large, headers=headers)
    streamed = await house.visitor().post("/api/v1/session", content=in_pieces(), headers=headers)

    for response in (at_once, streamed):
        assert (response.status_code, problem_in(response)["code"]) == (413, "body_too_large")


async def test_a_large_body_is_read_only_of_who_is_known(house: TestOffice) -> None:
    await house.tenant()
    admin, visitor = await house.signed_in("acme-admin"), house.visitor()
    large = json.dumps({"csv": "member,amount\n" + "nobody,1\n" * 100_000 + " " * 60_000}).encode()
    path, headers = "/api/v1/allocation-imports", {"content-type": "application/json"}

    async def in_pieces() -> Any:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    known = await admin.post(path, content=large, headers=headers)
    streamed = await admin.post(path, content=in_pieces(), headers=headers)
    unknown = [
        await visitor.post(path, content=large, headers=headers),
        await house.visitor().post(path, content=in_pieces(), headers=headers),
        await house.visitor().post(path, content=large, headers={**headers, "authorization": "Bearer made-up"}),
        await house.visitor().post(path, content=large, headers={**headers, "cookie": "bursar_session=made-up"}),
        await admin.post("/api/v1/members", content=large, headers=headers),
    ]

    for response in (known, streamed):
        assert (response.status_code, problem_in(response)["facts"]["wrong_lines"]) == (422, "100000")
    for response in unknown:
        assert (response.status_code, problem_in(response)["code"]) == (413, "body_too_large")


@pytest.mark.rule("SESSION-18")
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_write_caused_by_another_site_is_refused(house: TestOffice, headers: dict[str, str]) -> None:
    body = {"name": "nobody", "password": PASSWORD}

    response = await house.visitor().post("/api/v1/session", json=body, headers=headers)

    assert (response.status_code, problem_in(response)["code"]) == (403, "cross_site")


@pytest.mark.rule("SESSION-18")
@pytest.mark.parametrize("own", [{"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "own"}, {}])
async def test_a_write_of_our_own_pages_or_of_a_program_passes(house: TestOffice, own: dict[str, str]) -> None:
    headers = {name: house.url if value == "own" else value for name, value in own.items()}

    response = await house.visitor().post(
        "/api/v1/session", json={"name": "nobody", "password": PASSWORD}, headers=headers
    )

    assert problem_in(response)["code"] == "sign_in_failed"


@pytest.mark.rule("SESSION-18")
async def test_a_form_that_another_site_could_post_is_refused(house: TestOffice) -> None:
    response = await house.visitor().post("/api/v1/session", data={"name": "root", "password": PASSWORD})

    assert (response.status_code, problem_in(response)["code"]) == (415, "media_type_unsupported")
