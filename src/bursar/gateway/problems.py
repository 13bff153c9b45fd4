"""What a model client is told when something is refused: one table, two dialects.

OpenAI's clients read `{"error": {"message", "type", "param", "code"}}`, Anthropic's
`{"type": "error", "error": {"type", "message"}, "request_id"}`; anything else loses its message inside the SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bursar.domain.dialects import Dialect

WAIT_SECONDS_MAX = 60
NO_FACTS: Mapping[str, str | None] = {}


@dataclass(frozen=True)
class Problem:
    """How one code is told in each dialect. `may_retry` None leaves it to the SDK's own rule for the status."""

    status: int
    openai_type: str
    anthropic_type: str
    may_retry: bool | None = None


PROBLEMS: dict[str, Problem] = {
    "api_key_invalid": Problem(401, "authentication_error", "authentication_error", may_retry=False),
    "api_key_expired": Problem(401, "authentication_error", "authentication_error", may_retry=False),
    "api_key_disabled": Problem(403, "permission_error", "permission_error", may_retry=False),
    "tenant_suspended": Problem(403, "permission_error", "permission_error", may_retry=False),
    "network_not_allowed": Problem(403, "permission_error", "permission_error", may_retry=False),
    "api_key_kind_wrong": Problem(403, "permission_error", "permission_error", may_retry=False),
    "rate_limit_exceeded": Problem(429, "rate_limit_error", "rate_limit_error", may_retry=True),
    "body_too_large": Problem(413, "invalid_request_error", "request_too_large", may_retry=False),
    "body_too_slow": Problem(408, "invalid_request_error", "invalid_request_error", may_retry=True),
    "overloaded": Problem(503, "server_error", "overloaded_error", may_retry=True),
    "provider_refused": Problem(502, "server_error", "api_error", may_retry=False),
    "provider_lacks_model": Problem(502, "server_error", "api_error", may_retry=False),
    "provider_limited": Problem(429, "rate_limit_error", "rate_limit_error", may_retry=True),
    "provider_busy": Problem(503, "server_error", "overloaded_error", may_retry=True),
    "provider_failed": Problem(502, "server_error", "api_error", may_retry=True),
    "model_unknown": Problem(404, "invalid_request_error", "not_found_error"),
    "model_unpriced": Problem(400, "invalid_request_error", "invalid_request_error", may_retry=False),
    "provider_unreachable": Problem(503, "server_error", "api_error", may_retry=True),
    "insufficient_quota": Problem(402, "insufficient_quota", "billing_error", may_retry=False),
    "task_unknown": Problem(404, "invalid_request_error", "not_found_error"),
    "task_ended": Problem(409, "invalid_request_error", "invalid_request_error", may_retry=False),
    "task_not_cancellable": Problem(400, "invalid_request_error", "invalid_request_error", may_retry=False),
    "task_not_ready": Problem(409, "invalid_request_error", "invalid_request_error", may_retry=False),
    "file_unknown": Problem(404, "invalid_request_error", "not_found_error"),
    "key_reused": Problem(409, "invalid_request_error", "invalid_request_error", may_retry=False),
    "call_repeated": Problem(409, "invalid_request_error", "invalid_request_error", may_retry=False),
    "key_malformed": Problem(400, "invalid_request_error", "invalid_request_error", may_retry=False),
    "invalid_input": Problem(400, "invalid_request_error", "invalid_request_error", may_retry=False),
    "model_not_allowed": Problem(403, "permission_error", "permission_error", may_retry=False),
    "member_disabled": Problem(403, "permission_error", "permission_error", may_retry=False),
    "member_deleted": Problem(401, "authentication_error", "authentication_error", may_retry=False),
    "unavailable": Problem(503, "server_error", "api_error", may_retry=True),
    "not_found": Problem(404, "invalid_request_error", "not_found_error"),
    "broken": Problem(500, "server_error", "api_error"),
}


FACTS_TOLD = frozenset({"insufficient_quota", "call_repeated"})
"""Whose facts are of use to a program that calls."""

BODY_UNREAD = frozenset({"body_too_large", "body_too_slow"})
"""Where the rest of a body is not read: the connection can serve no other call."""


def envelope(
    dialect: Dialect,
    *,
    code: str,
    message: str,
    request_id: str,
    facts: Mapping[str, str | None] = NO_FACTS,
    field: str | None = None,
) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Status, body and headers of an error, in the caller's own dialect.

    The facts of a refusal for want of credits stand beside its sentence, for programs; of the others only when to try
    again is told.
    """
    problem = PROBLEMS[code]
    body: dict[str, object]
    told = {name: fact for name, fact in facts.items() if code in FACTS_TOLD}
    if dialect is Dialect.ANTHROPIC:
        body = {
            "type": "error",
            "error": {"type": problem.anthropic_type, "message": message, **told},
            "request_id": request_id,
        }
    else:
        body = {"error": {"message": message, "type": problem.openai_type, "param": field, "code": code, **told}}
    encoded = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(encoded)).encode()),
        (b"cache-control", b"no-store"),
        (b"request-id", request_id.encode()),
        (b"x-request-id", request_id.encode()),
    ]
    if code in BODY_UNREAD:
        headers.append((b"connection", b"close"))
    return problem.status, encoded, [*headers, *retry_headers(problem.may_retry, facts)]


def retry_headers(may_retry: bool | None, facts: Mapping[str, str | None]) -> list[tuple[bytes, bytes]]:
    """Whether and when a client tries again: the headers that OpenAI's and Anthropic's clients look at first.

    None for `may_retry` leaves it to the client's own rule for the status. Where the facts say that there is no time
    to try again at, the client is told not to. A wait is at most a minute: one client sleeps as long as it is told,
    the other one does not try again where that is long.

    Rule: LIMIT-5
    """
    wait = facts.get("retry_after_seconds")
    if wait is None and "retry_after_seconds" in facts:
        may_retry = False
    headers: list[tuple[bytes, bytes]] = []
    if may_retry is not None:
        headers.append((b"x-should-retry", b"true" if may_retry else b"false"))
    if wait is not None and may_retry is not False:
        seconds = min(WAIT_SECONDS_MAX, int(wait))
        headers.append((b"retry-after-ms", str(seconds * 1000).encode()))
        headers.append((b"retry-after", str(seconds).encode()))
    return headers
