"""How a refusal looks over HTTP: one table from code to status, rendered as RFC 9457 problem+json.

A refusal's sentence is the product's and is shown as it is. Codes that only this edge can raise (a media type, a
method that a path does not have) stand in the second table. Nothing below this module knows a status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bursar.domain.refusals import REFUSALS, Broken, Refusal
from bursar.ledger import OutcomeUnknown
from bursar.outside.telling import telling

log = structlog.get_logger("bursar.api")

MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[str, int] = {
    "amount_not_decimal": 422,
    "amount_too_fine": 422,
    "amount_too_small": 422,
    "amount_too_large": 422,
    "total_too_large": 409,
    "note_malformed": 422,
    "note_too_long": 422,
    "insufficient_pool": 409,
    "insufficient_balance": 409,
    "insufficient_quota": 402,
    "insufficient_grant": 409,
    "insufficient_plan": 409,
    "insufficient_budget": 409,
    "insufficient_allowance": 409,
    "budget_below_children": 409,
    "budget_above_ceiling": 409,
    "tenant_unknown": 404,
    "member_unknown": 404,
    "group_unknown": 404,
    "hold_unknown": 404,
    "transfer_unknown": 404,
    "account_exists": 409,
    "member_disabled": 403,
    "member_deleted": 409,
    "recipient_is_actor": 403,
    "recipient_spends_pool": 409,
    "group_not_empty": 409,
    "group_is_default": 409,
    "same_group": 409,
    "hold_settled": 409,
    "hold_voided": 409,
    "hold_expired": 409,
    "hold_not_due": 409,
    "deadline_out_of_bounds": 422,
    "cycle_changed": 409,
    "cadence_unknown": 422,
    "time_zone_unknown": 422,
    "key_reused": 422,
    "key_malformed": 422,
    "not_reversible": 409,
    "already_reversed": 409,
    "kind_unknown": 422,
    "not_signed_in": 401,
    "sign_in_failed": 401,
    "too_many_attempts": 429,
    "too_busy": 503,
    "password_wrong": 422,
    "not_permitted": 403,
    "not_to_oneself": 403,
    "tenant_suspended": 403,
    "last_tenant_admin": 409,
    "super_admin_unknown": 404,
    "last_super_admin": 409,
    "total_in_use": 409,
    "figure_changed": 409,
    "name_taken": 409,
    "search_too_broad": 422,
    "invalid_input": 422,
    "session_unknown": 404,
    "already_invited": 409,
    "invitation_unknown": 404,
    "invitation_used": 409,
    "invitation_expired": 409,
    "invitation_revoked": 409,
    "api_key_unknown": 404,
    "api_key_invalid": 401,
    "api_key_disabled": 403,
    "api_key_expired": 401,
    "api_key_kind_wrong": 403,
    "network_not_allowed": 403,
    "too_many_keys": 409,
    "rate_limit_exceeded": 429,
    "body_too_large": 413,
    "body_too_slow": 408,
    "overloaded": 503,
    "provider_refused": 502,
    "provider_lacks_model": 502,
    "provider_limited": 429,
    "provider_busy": 503,
    "provider_failed": 502,
    "code_unknown": 404,
    "code_spent": 409,
    "code_expired": 409,
    "code_revoked": 409,
    "purchases_closed": 409,
    "purchase_too_small": 422,
    "purchase_too_large": 422,
    "purchase_unknown": 404,
    "purchase_decided": 409,
    "too_many_purchases": 409,
    "batch_unknown": 404,
    "batch_running": 409,
    "nothing_failed": 409,
    "task_unknown": 404,
    "task_ended": 409,
    "task_not_cancellable": 409,
    "task_not_ready": 409,
    "file_unknown": 404,
    "credit_request_unknown": 404,
    "credit_request_decided": 409,
    "too_many_credit_requests": 409,
    "notification_unknown": 404,
    "conversation_unknown": 404,
    "conversation_busy": 409,
    "conversation_full": 409,
    "too_many_conversations": 409,
    "message_unknown": 404,
    "answer_not_retried": 409,
    "price_unknown": 404,
    "price_not_overridden": 409,
    "provider_unknown": 404,
    "provider_in_use": 409,
    "provider_keyless": 409,
    "too_many_providers": 409,
    "route_unknown": 404,
    "too_many_routes": 409,
    "model_unknown": 404,
    "model_not_allowed": 403,
    "call_repeated": 409,
    "provider_unreachable": 503,
    "model_unpriced": 422,
    "call_unknown": 404,
    "usage_inconsistent": 422,
}
"""The status of every refusal of `domain/refusals.py`."""

HINTS: Mapping[str, str] = {
    "amount_not_decimal": 'Send the amount as a JSON string, such as "12.50".',
    "insufficient_pool": "Lower the amount, or ask for credits to be added to the organisation balance.",
    "insufficient_quota": "Ask an admin for more credits.",
    "key_reused": "Use a new Idempotency-Key for a new command.",
    "outcome_unknown": "Send it again with the same Idempotency-Key: it is done only if it was not.",
    "not_signed_in": "Sign in with POST /api/v1/session, or send a management key as Authorization: Bearer.",
    "api_key_invalid": "Send a key as it was shown when it was made or rotated: Authorization: Bearer <secret>.",
}
"""What to do about a refusal, where that is not plain from its sentence."""


@dataclass(frozen=True)
class EdgeProblem:
    """A problem of the request itself, found before any rule of the product was asked."""

    status: int
    title: str


EDGE_PROBLEMS: Mapping[str, EdgeProblem] = {
    "not_found": EdgeProblem(404, "Not found"),
    "method_not_allowed": EdgeProblem(405, "Method not allowed"),
    "malformed_request": EdgeProblem(400, "Malformed request"),
    "media_type_unsupported": EdgeProblem(415, "Unsupported media type"),
    "cross_site": EdgeProblem(403, "Cross-site request"),
    "unavailable": EdgeProblem(503, "Unavailable"),
    "outcome_unknown": EdgeProblem(503, "Outcome unknown"),
    "fault": EdgeProblem(500, "Fault"),
}
"""The edge's own codes."""

_PASSING = frozenset({"unavailable", "outcome_unknown"})


@dataclass(frozen=True)
class Problem:
    """One answer that says no, ready to be rendered."""

    code: str
    detail: str
    fields: Sequence[Mapping[str, str]] = ()
    facts: Mapping[str, str | None] | None = None

    @property
    def status(self) -> int:
        return STATUSES[self.code] if self.code in STATUSES else EDGE_PROBLEMS[self.code].status

    @property
    def title(self) -> str:
        return REFUSALS[self.code].title if self.code in REFUSALS else EDGE_PROBLEMS[self.code].title

    @property
    def may_retry(self) -> bool:
        return REFUSALS[self.code].retry_may_help if self.code in REFUSALS else self.code in _PASSING

    def body(self, *, request_id: str) -> bytes:
        """The problem+json document."""
        document: dict[str, Any] = {
            "type": f"urn:bursar:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "fields": [dict(field) for field in self.fields],
            "facts": dict(self.facts or {}),
            "may_retry": self.may_retry,
            "request_id": request_id,
        }
        if self.code in HINTS:
            document["hint"] = HINTS[self.code]
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")

    def headers(self) -> dict[str, str]:
        """What goes with the document."""
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
        seconds = (self.facts or {}).get("retry_after_seconds") or ("1" if self.code in _PASSING else None)
        if seconds is not None:
            headers["retry-after"] = seconds
        return headers

    def response(self, request: Request) -> Response:
        telling().refusal = self.code
        return Response(
            self.body(request_id=request.scope["request_id"]), status_code=self.status, headers=self.headers()
        )


def problem_of(refusal: Refusal) -> Problem:
    """A refusal as a problem; the field at fault, if any, stands in `fields`."""
    fields: tuple[Mapping[str, str], ...] = ()
    if refusal.field is not None:
        fields = ({"field": refusal.field, "code": refusal.code, "detail": refusal.detail},)
    return Problem(refusal.code, refusal.detail, fields, refusal.facts)


def problem_of_validation(error: RequestValidationError) -> Problem:
    """All that is wrong with the input at once. One wrong amount keeps its own code; else it is `invalid_input`."""
    faults = error.errors()
    fields = []
    for fault in faults:
        place = [str(part) for part in fault["loc"]]
        name = ".".join(place[1:]) or place[0]
        code = fault["type"] if fault["type"] in REFUSALS else "invalid_input"
        fields.append({"field": name, "code": code, "detail": _sentence(fault["msg"])})
    codes = {field["code"] for field in fields}
    code = codes.pop() if len(codes) == 1 else "invalid_input"
    names = ", ".join(field["field"] for field in fields)
    detail = fields[0]["detail"] if len(fields) == 1 else f"These fields are missing or malformed: {names}."
    # Facts explain one refusal; of several fields each has its own sentence.
    facts = faults[0].get("ctx", {}).get("facts") if len(faults) == 1 else None
    return Problem(code, detail, tuple(fields), facts)


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").strip()
    return text if text.endswith(".") else f"{text}."


def install_problem_handlers(
    api: FastAPI, *, unavailable: tuple[type[Exception], ...], methods_at: Callable[[str], set[str]]
) -> None:
    """Makes every way of saying no, and every fault, leave as problem+json. `methods_at` tells what a path offers."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return problem_of(error).response(request)

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_of_validation(error).response(request)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = _problem_of_status(error.status_code, request).response(request)
        if error.status_code == 405:
            response.headers["allow"] = ", ".join(sorted(methods_at(request.url.path)))
        return response

    async def on_unavailable(request: Request, error: Exception) -> Response:
        log.warning("unavailable", fault=repr(error))
        return Problem("unavailable", "The database cannot be reached at the moment.").response(request)

    async def on_unknown_outcome(request: Request, error: Exception) -> Response:
        log.warning("outcome unknown", fault=repr(error))
        detail = "The database was lost while it wrote this down, so it was done or it was not: we do not know yet."
        return Problem("outcome_unknown", detail).response(request)

    async def on_fault(request: Request, error: Exception) -> Response:
        # Told here, because whoever tells of it further out no longer knows the request's id, or is never reached.
        log.error("fault", exc_info=error)
        return Problem("fault", "Something broke on our side; the log has it under this request id.").response(request)

    api.add_exception_handler(Refusal, on_refusal)
    api.add_exception_handler(RequestValidationError, on_validation)
    api.add_exception_handler(HTTPException, on_http)
    for kind in unavailable:
        api.add_exception_handler(kind, on_unavailable)
    api.add_exception_handler(OutcomeUnknown, on_unknown_outcome)
    api.add_exception_handler(Broken, on_fault)
    api.add_exception_handler(Exception, on_fault)


def _problem_of_status(status: int, request: Request) -> Problem:
    where = f"{request.method} {request.url.path}"
    if status == 405:
        return Problem("method_not_allowed", f"{where} is not offered.")
    if status == 404:
        return Problem("not_found", f"There is nothing at {where}.")
    if status == 400:
        detail = "The body is not JSON that can be read."
        return Problem("invalid_input", detail, ({"field": "body", "code": "invalid_input", "detail": detail},))
    return Problem("malformed_request", "The request could not be read.")
