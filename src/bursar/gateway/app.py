"""The gateway, plain ASGI, mounted under /v1.

A path leads to one endpoint of the table, or to the list of models. Whatever is refused is told in the caller's own
dialect, so that a client shows the sentence instead of a stack trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bursar.db.outages import OUTAGES
from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Application, Message, Receive, Scope, Send
from bursar.gateway.calling import serve_call
from bursar.gateway.gate import Gate
from bursar.gateway.job_visits import serve_visit
from bursar.gateway.jobs import find_job_route
from bursar.gateway.key import secret_in
from bursar.gateway.limits import LimitReached
from bursar.gateway.models import PATH as MODELS
from bursar.gateway.models import serve_models
from bursar.gateway.problems import envelope
from bursar.gateway.receiving import ClientGone
from bursar.ledger import LedgerUnavailable
from bursar.outside.providers.endpoints import ENDPOINTS
from bursar.outside.telling import telling

log = structlog.get_logger("bursar.gateway")

PREFIX = "/v1"
ANTHROPIC_PATHS = ("/v1/messages", "/v1/complete")


def dialect_of(scope: Scope) -> Dialect:
    """Anthropic's where the path or the `anthropic-version` header says so, else OpenAI's."""
    if any(name == b"anthropic-version" for name, _ in scope["headers"]):
        return Dialect.ANTHROPIC
    path: str = scope["path"]
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in ANTHROPIC_PATHS):
        return Dialect.ANTHROPIC
    return Dialect.OPENAI


def serve_gateway(gate: Gate) -> Application:
    """The gateway. The front door put `request_id` into the scope."""

    async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noted_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await _serve(gate, scope, receive, noted_send)
        except ClientGone:
            return
        except Exception as fault:  # the outermost loop: the caller still gets an envelope of its own dialect
            told = told_of(fault, scope, site=gate.site)
            telling().refusal = told.code
            if has_begun:
                # The client sees a connection that breaks off, which is what happened.
                raise
            status, body, headers = envelope(
                dialect_of(scope),
                code=told.code,
                message=told.sentence,
                request_id=scope["request_id"],
                facts=told.facts,
                field=told.field_at_fault,
            )
            if isinstance(fault, LimitReached):
                headers += fault.headers(dialect_of(scope))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return gateway


async def _serve(gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
    method, path = scope["method"], scope["path"].removeprefix(PREFIX)
    if method == "POST" and path in ENDPOINTS:
        await serve_call(gate, ENDPOINTS[path], scope, receive, send)
    elif method == "GET" and path == MODELS:
        await serve_models(gate, dialect_of(scope), None, scope, send)
    elif method == "GET" and path.startswith(f"{MODELS}/"):
        await serve_models(gate, dialect_of(scope), path.removeprefix(f"{MODELS}/"), scope, send)
    elif (route := find_job_route(method, path)) is not None:
        await serve_visit(gate, route.handler, route.dialect, route.ids, scope, receive, send)
    else:
        # Who may not call learns nothing of what is there.
        client = scope.get("client")
        await gate.calls.callers.authenticate(secret_in(scope["headers"]), address=client[0] if client else None)
        raise NothingHere


class NothingHere(Exception):
    """There is nothing at this path."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller is told of whatever went wrong: the code of an envelope, a sentence, and what belongs to it."""

    code: str
    sentence: str
    facts: Mapping[str, str | None] = field(default_factory=dict)
    field_at_fault: str | None = None


def told_of(fault: Exception, scope: Scope, *, site: str | None) -> Told:
    """What the caller is told; what is not the caller's business is in the log."""
    if isinstance(fault, Refusal):
        return Told(fault.code, worded(fault, site=site), fault.facts, fault.field)
    if isinstance(fault, NothingHere):
        return Told("not_found", f"There is nothing at {scope['method']} {scope['path']} on this gateway.")
    if isinstance(fault, (*OUTAGES, LedgerUnavailable)):
        log.warning("unavailable", fault=repr(fault))
        return Told("unavailable", "The database cannot be reached at the moment.", {"retry_after_seconds": "1"})
    log.error("fault", exc_info=fault)
    return Told("broken", "Something broke on our side; the log has it under this request id.")


def worded(refusal: Refusal, *, site: str | None) -> str:
    """The refusal's sentence; where credits ran out also when they renew, and where to ask for more.

    Rule: CALL-14
    """
    if refusal.code != "insufficient_quota":
        return refusal.detail
    sentences = [refusal.detail]
    resets_at = refusal.facts.get("resets_at")
    if resets_at:
        sentences.append(f"The cycle's credits renew at {resets_at}.")
    contact = refusal.facts.get("contact")
    if contact:
        sentences.append(f"Ask {contact} for more.")
    if site:
        sentences.append(f"Request credits at {site.rstrip('/')}/console.")
    elif not contact:
        sentences.append("Ask an admin of your organisation for more.")
    return " ".join(sentences)
