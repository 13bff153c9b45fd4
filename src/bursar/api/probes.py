"""What machines ask: is the process up, can it serve, what has it counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Check = Callable[[], Awaitable[str | None]]
"""Looks at one thing; returns what is wrong with it in a sentence, or None."""


def probe_routes(*, checks: Mapping[str, Check], registry: CollectorRegistry) -> APIRouter:
    """/healthz, /readyz and /metrics. They need no sign-in and tell nothing about any tenant."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is up and its loop turns; nothing else is asked."""
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        """Every part that a request needs is there; 503 names those that are not."""
        found: dict[str, Any] = {}
        for name, check in checks.items():
            found[name] = await check() or "ok"
        is_ready = all(state == "ok" for state in found.values())
        body = {"status": "ok" if is_ready else "unavailable", "checks": found}
        return JSONResponse(body, status_code=200 if is_ready else 503)

    @routes.get("/metrics")
    async def metrics() -> PlainTextResponse:
        """The process's counters in Prometheus' text format."""
        return PlainTextResponse(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes
