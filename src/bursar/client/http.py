"""Where Bursar is, and how httpx is told to ask there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from bursar.client.intents import Intent

TIMEOUT_SECONDS = 30.0
"""Longer than Bursar takes to answer anything of this, and short enough that a dead connection is noticed."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the first byte was sent, so that nothing can have been done."""


def options(url: str, api_key: str, timeout_seconds: float) -> dict[str, Any]:
    """What both kinds of httpx client are made with. Raises `ValueError` for what is no address or no key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the address of a Bursar looks like https://bursar.example.com, not {url!r}")
    if not api_key.isascii() or not api_key.isprintable() or not api_key:
        raise ValueError("an API key is one word of plain characters")
    return {
        "base_url": f"{url.rstrip('/')}/api/v1",
        "headers": {"authorization": f"Bearer {api_key}", "accept": "application/json"},
        "timeout": timeout_seconds,
    }


def request_options(intent: Intent) -> dict[str, Any]:
    """What one sending of an intent is made with."""
    chosen: dict[str, Any] = {"params": dict(intent.query), "headers": intent.headers}
    if intent.body is not None:
        chosen["json"] = dict(intent.body)
    return chosen
