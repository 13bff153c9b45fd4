"""Which headers go by, and what a client is told of a provider's errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.gateway.headers import given_back, passed_on, provider_request_id
from bursar.gateway.problems import envelope
from bursar.gateway.provider_errors import PassedError, ProviderError, redacted, told_of

OUR_KEY = "sk-proj-Qm9uLXNlY3JldC1rZXktb2Ytb3Vycw1234"

WHAT_A_CLIENT_SENDS = [
    (b"host", b"bursar.example.com"),
    (b"authorization", b"Bearer sk-bursar-secret"),
    (b"x-api-key", b"sk-bursar-secret"),
    (b"api-key", b"sk-bursar-secret"),
    (b"cookie", b"bursar_session=secret"),
    (b"proxy-authorization", b"Basic c2VjcmV0"),
    (b"content-type", b"application/json"),
    (b"content-length", b"12"),
    (b"transfer-encoding", b"chunked"),
    (b"connection", b"keep-alive, x-secret"),
    (b"x-secret", b"secret"),
    (b"accept", b"text/event-stream"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"user-agent", b"OpenAI/Python 3.52.0"),
    (b"x-stainless-os", b"Linux"),
    (b"openai-organization", b"org-theirs"),
    (b"openai-project", b"proj-theirs"),
    (b"x-forwarded-for", b"10.1.2.3"),
    (b"x-forwarded-host", b"other.example.com"),
    (b"forwarded", b"for=10.1.2.3"),
    (b"x-real-ip", b"10.1.2.3"),
    (b"idempotency-key", b"theirs"),
    (b"x-request-id", b"theirs"),
    (b"openai-beta", b"assistants=v2"),
    (b"anthropic-version", b"2026-10-21"),
    (b"anthropic-beta", b"one"),
    (b"Anthropic-Beta", b"two"),
    (b"anthropic-dangerous-direct-browser-access", b"true"),
]


@pytest.mark.rule("LIMIT-8")
def test_a_provider_gets_only_what_says_how_the_body_is_read() -> None:
    assert passed_on(WHAT_A_CLIENT_SENDS, Dialect.OPENAI) == [
        ("content-type", "application/json"),
        ("openai-beta", "assistants=v2"),
    ]
    assert passed_on(WHAT_A_CLIENT_SENDS, Dialect.ANTHROPIC) == [
        ("content-type", "application/json"),
        ("anthropic-version", "2026-10-21"),
        ("anthropic-beta", "one"),
        ("anthropic-beta", "two"),
    ]


@pytest.mark.rule("LIMIT-8")
def test_one_content_type_is_passed_on_and_no_value_that_could_be_read_as_more_than_one() -> None:
    headers = [
        (b"content-type", b"multipart/form-data; boundary=x"),
        (b"content-type", b"application/json"),
        (b"openai-beta", b"one\r\nauthorization: Bearer theirs"),
        (b"openai-beta", "größe".encode()),
        (b"openai-beta", b"x" * 5000),
    ]

    assert passed_on(headers, Dialect.OPENAI) == [("content-type", "multipart/form-data; boundary=x")]


@pytest.mark.rule("LIMIT-8")
def test_a_client_gets_nothing_that_tells_of_the_offices_account_with_a_provider() -> None:
    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "content-length": "12",
        "content-encoding": "gzip",
        "transfer-encoding": "chunked",
        "server": "cloudflare",
        "set-cookie": "__cf_bm=secret",
        "x-request-id": "req_theirs",
        "request-id": "req_theirs",
        "openai-organization": "org-ours",
        "openai-processing-ms": "12",
        "x-ratelimit-limit-requests": "10000",
        "anthropic-ratelimit-requests-limit": "10000",
        "anthropic-organization-id": "ours",
        "retry-after": "3600",
        "x-should-retry": "true",
        "location": "https://elsewhere.example.com",
    }

    assert given_back(headers) == [(b"content-type", b"text/event-stream; charset=utf-8")]
    assert given_back({"content-type": "text/html\r\nx: y"}) == []
    assert given_back({}) == []


@pytest.mark.rule("LIMIT-8")
@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-request-id": "req_1", "request-id": "req_2"}, "req_1"),
        ({"request-id": "req_011CSHoEeqs5C35K2UUqR7Fy"}, "req_011CSHoEeqs5C35K2UUqR7Fy"),
        ({"x-request-id": "two\nlines"}, None),
        ({"x-request-id": "x" * 200}, None),
        ({}, None),
    ],
)
def test_the_providers_own_id_is_kept_for_the_log(headers: dict[str, str], found: str | None) -> None:
    assert provider_request_id(headers) == found


NO_MORE = "The model's provider refused the call with status 400 and said no more."


def error(status: int, body: Any, **headers: str) -> ProviderError:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ProviderError(status, {name.replace("_", "-"): text for name, text in headers.items()}, sent, (OUR_KEY,))


def code_for(status: int, body: Any, **headers: str) -> str:
    told = told_of(error(status, body, **headers), Dialect.OPENAI, request_id="call-1")
    assert isinstance(told, Refusal), told
    return told.code


@pytest.mark.rule("LIMIT-9")
@pytest.mark.parametrize("status", [400, 409, 413, 415, 422, 451])
def test_an_error_of_the_call_is_passed_on_with_every_field_of_it(status: int) -> None:
    said = {"message": "max_tokens is too large", "type": "invalid_request_error", "param": "max_tokens", "code": "x"}

    told = told_of(error(status, {"error": {**said, "inner": {"a": [1]}}}), Dialect.OPENAI, request_id="call-1")

    assert isinstance(told, PassedError)
    assert told.status == status
    assert json.loads(told.body) == {"error": {**said, "inner": {"a": [1]}}}


@pytest.mark.rule("LIMIT-9")
def test_an_anthropic_error_comes_with_our_request_id_and_not_the_providers() -> None:
    said = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}, "request_id": "req_theirs"}

    told = told_of(error(400, said), Dialect.ANTHROPIC, request_id="call-1")

    assert isinstance(told, PassedError)
    assert json.loads(told.body) == {**said, "request_id": "call-1"}


@pytest.mark.rule("LIMIT-9")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "the prompt is too long"}, "the prompt is too long"),
        ({"detail": "the prompt is too long"}, "the prompt is too long"),
        ({"object": "error", "message": "the prompt is too long", "code": 400}, "the prompt is too long"),
        ([{"error": {"code": 400, "message": "the prompt is too long", "status": "INVALID_ARGUMENT"}}], None),
        ({"detail": [{"loc": ["body"], "msg": "too long"}]}, '[{"loc": ["body"], "msg": "too long"}]'),
        (b"<html>Bad request</html>", NO_MORE),
        (b"[" * 100_000, NO_MORE),
        ([], NO_MORE),
        ({"error": {"message": None, "type": 7}}, NO_MORE),
    ],
)  # fmt: skip
def test_an_error_in_any_form_is_told_in_the_form_that_clients_read(body: Any, message: str | None) -> None:
    told = told_of(error(400, body), Dialect.OPENAI, request_id="call-1")

    assert isinstance(told, PassedError)
    read = json.loads(told.body)["error"]
    assert read["message"] == (message or "the prompt is too long")
    assert read["type"] == "invalid_request_error"
    assert {"param", "code"} <= set(read)


@pytest.mark.rule("LIMIT-9")
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": {"message": f"Incorrect API key provided: {OUR_KEY}"}}, "provider_refused"),
        (402, {"error": {"message": "Insufficient credits"}}, "provider_refused"),
        (403, {"error": {"message": "Country not supported"}}, "provider_refused"),
        (407, b"", "provider_refused"),
        (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, "provider_refused"),
        (400, {"type": "error", "error": {"type": "billing_error", "message": "low"}}, "provider_refused"),
        (404, {"error": {"message": "The model `gpt-9` does not exist", "code": "model_not_found"}},
         "provider_lacks_model"),
        (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-9"}},
         "provider_lacks_model"),
        (404, b"<html>nothing</html>", "provider_lacks_model"),
        (429, {"error": {"message": "Rate limit reached for org-abcdefghijklmn"}}, "provider_limited"),
        (408, b"", "provider_busy"),
        (503, b"", "provider_busy"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "provider_busy"),
        (500, b"", "provider_failed"),
        (502, b"<html>", "provider_failed"),
        (504, b"", "provider_failed"),
        (302, b"", "provider_failed"),
        (100, b"", "provider_failed"),
    ],
)  # fmt: skip
def test_an_error_of_the_office_or_of_the_provider_is_told_as_ours(status: int, body: Any, code: str) -> None:
    assert code_for(status, body) == code


@pytest.mark.rule("LIMIT-9")
def test_what_a_call_refers_to_and_is_not_there_is_the_callers_to_hear_of() -> None:
    said = {"error": {"message": "No response found with id 'resp_1'", "type": "invalid_request_error"}}

    assert isinstance(told_of(error(404, said), Dialect.OPENAI, request_id="call-1"), PassedError)


@pytest.mark.rule("LIMIT-9", "LIMIT-5")
@pytest.mark.parametrize(
    ("said", "wait"), [("7", "7"), ("0.2", "1"), ("3600", "60"), ("-5", "1"), ("nan", "1"), ("inf", "60"),
                       ("Wed, 21 Oct 2026 07:28:00 GMT", "1"), ("", "1")],
)  # fmt: skip
def test_a_providers_wait_is_passed_on_and_never_longer_than_a_minute(said: str, wait: str) -> None:
    told = told_of(error(429, b"", retry_after=said), Dialect.OPENAI, request_id="call-1")

    assert isinstance(told, Refusal)
    status, _, headers = envelope(
        Dialect.OPENAI, code=told.code, message=told.detail, request_id="call-1", facts=told.facts
    )
    assert (status, dict(headers)[b"retry-after"]) == (429, wait.encode())


@pytest.mark.rule("LIMIT-9")
@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_client_is_not_told_to_try_again_where_our_key_is_refused(status: int) -> None:
    told = told_of(error(status, b""), Dialect.ANTHROPIC, request_id="call-1")

    assert isinstance(told, Refusal)
    answered, _, headers = envelope(
        Dialect.ANTHROPIC, code=told.code, message=told.detail, request_id="call-1", facts=told.facts
    )
    assert (answered, dict(headers)[b"x-should-retry"]) == (502, b"false")


@pytest.mark.rule("LIMIT-9")
@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: {OUR_KEY}. You can find yours there.",
        "Incorrect API key provided: sk-proj-****1234. You can find yours there.",
        f"Incorrect API key provided: {OUR_KEY[:12]}***. You can find yours there.",
        "Incorrect API key provided: ************1234. You can find yours there.",
        "Incorrect API key provided: sk-ant-api03-abcdefgh. You can find yours there.",
    ],
)
def test_a_key_in_an_error_is_taken_out_whole_or_in_part(text: str) -> None:
    told = redacted(text, (OUR_KEY,)).replace("].", "]")

    assert told == "Incorrect API key provided: [redacted] You can find yours there."


@pytest.mark.rule("LIMIT-9")
def test_a_key_of_any_form_is_taken_out_of_every_part_of_an_error() -> None:
    azure = "0123456789abcdef/0123+456789=abcdef"
    body = json.dumps({"error": {"message": f"bad {azure}", azure: [{"header": f"api-key: {azure}"}], "n": 1}})
    escaped = body.replace("/", "\\/").replace("f", "\\u0066").encode()

    told = told_of(ProviderError(400, {}, escaped, (azure, "")), Dialect.OPENAI, request_id="call-1")

    assert isinstance(told, PassedError)
    assert azure not in told.body.decode()
    assert json.loads(told.body)["error"]["message"] == "bad [redacted]"
