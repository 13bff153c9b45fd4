"""What a model client is told when something is refused: one table, two dialects.

OpenAI's clients read `{"error": {"message", "type", "param", "code"}}`, Anthropic's
`{"type": "error", "error": {"type", "message"}, "request_id"}`; anything else loses its message inside the SDK.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bursar.domain.dialects import Dialect


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
    "model_unknown": Problem(404, "invalid_request_error", "not_found_error"),
    "model_unpriced": Problem(400, "invalid_request_error", "invalid_request_error", may_retry=False),
    "unavailable": Problem(503, "server_error", "api_error", may_retry=True),
    "not_found": Problem(404, "invalid_request_error", "not_found_error"),
    "broken": Problem(500, "server_error", "api_error"),
}


def envelope(
    dialect: Dialect, *, code: str, message: str, request_id: str
) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Status, body and headers of an error, in the caller's own dialect."""
    problem = PROBLEMS[code]
    body: dict[str, object]
    if dialect is Dialect.ANTHROPIC:
        body = {
            "type": "error",
            "error": {"type": problem.anthropic_type, "message": message},
            "request_id": request_id,
        }
    else:
        body = {"error": {"message": message, "type": problem.openai_type, "param": None, "code": code}}
    encoded = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(encoded)).encode()),
        (b"cache-control", b"no-store"),
        (b"request-id", request_id.encode()),
        (b"x-request-id", request_id.encode()),
    ]
    if problem.may_retry is not None:
        headers.append((b"x-should-retry", b"true" if problem.may_retry else b"false"))
    return problem.status, encoded, headers
