"""What machines ask: is the process up, can it serve, what has it counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from bursar.outside.prometheus import CONTENT_TYPE, Exposition

Check = Callable[[], Awaitable[str | None]]
"""Looks at one thing; returns what is wrong with it in a sentence, or None."""


PROBED = "bursar.probed"
"""Under this name a request's scope carries what the probes look at."""

probe_routes = APIRouter(include_in_schema=False)
"""/healthz, /readyz and /metrics. They need no sign-in and tell nothing about any tenant."""


@dataclass(frozen=True)
class Probed:
    """What the probes of one office look at."""

    checks: Mapping[str, Check]
    exposition: Exposition
    look: Callable[[], Awaitable[None]]
    """Brings up to date the figures that are only known by looking."""


@probe_routes.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process is up and its loop turns; nothing else is asked."""
    return {"status": "ok"}


@probe_routes.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Every part that a request needs is there; 503 names those that are not."""
    probed: Probed = request.scope[PROBED]
    found: dict[str, Any] = {}
    for name, check in probed.checks.items():
        found[name] = await check() or "ok"
    is_ready = all(state == "ok" for state in found.values())
    body = {"status": "ok" if is_ready else "unavailable", "checks": found}
    return JSONResponse(body, status_code=200 if is_ready else 503)


@probe_routes.get("/metrics")
async def metrics(request: Request) -> PlainTextResponse:
    """What this process has counted, in Prometheus' text format."""
    probed: Probed = request.scope[PROBED]
    await probed.look()
    return PlainTextResponse(probed.exposition.text(), media_type=CONTENT_TYPE)
