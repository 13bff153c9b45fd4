"""What a client is told when a provider says no: what is wrong with the call, and not what is wrong with us.

A provider speaks of the account that it knows, which is the office's. That its key is refused or its credit used up is
no fault of the client's: the client gets neither the status nor the words, and neither would help it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.gateway.problems import WAIT_SECONDS_MAX

ERROR_BYTES_MAX = 65_536
"""The largest error that is read; the rest of a larger one is not even asked for."""
WAIT_SECONDS = 1

OUR_FAULTS = frozenset({401, 402, 403, 407})
"""About the office's key, or its account with the provider."""
LIMITED = 429
BUSY = frozenset({408, 425, 503, 529})
QUOTA_CODES = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached"})
"""The office's account is used up: waiting helps nobody, whatever the status says."""

_OF_A_MODEL = re.compile(r"model|deployment", re.IGNORECASE)
_KEY_LIKE = re.compile(r"\b(?:sk|rk|pk|sess|gsk|xai)-[A-Za-z0-9_*.-]{6,}|\borg-[A-Za-z0-9]{10,}")
REDACTED = "[redacted]"
SHOWN_LENGTH = 6
"""By as many letters of its beginning a key is recognised that a provider repeats in part."""


@dataclass(frozen=True, slots=True)
class PassedError:
    """An error of the call itself, as the client gets it."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ProviderError:
    """An answer that says no; `secrets` are what was sent to be let in."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: Sequence[str]


def told_of(error: ProviderError, dialect: Dialect, *, request_id: str) -> PassedError | Refusal:
    """The client's error, or the refusal that takes its place, once nobody else can be asked.

    A refusal is `provider_refused`, `provider_lacks_model`, `provider_limited`, `provider_busy` or `provider_failed`.

    Rule: LIMIT-9
    """
    said = _said(error.body)
    if error.status in OUR_FAULTS or said.get("code") in QUOTA_CODES or said.get("type") in QUOTA_CODES:
        sentence = "The model's provider refused this office's own key or account. Tell whoever runs this office."
        return Refusal("provider_refused", sentence)
    wait = _wait(error.headers)
    if error.status == LIMITED:
        sentence = f"The model's provider limits how often this office calls it. Try again in {wait} s."
        return Refusal("provider_limited", sentence, retry_after_seconds=str(wait))
    if error.status in BUSY:
        sentence = f"The model's provider takes no more calls for the moment. Try again in {wait} s."
        return Refusal("provider_busy", sentence, retry_after_seconds=str(wait))
    if not 400 <= error.status < 500:
        sentence = f"The model's provider failed with status {error.status}; nothing was charged."
        return Refusal("provider_failed", sentence, retry_after_seconds=str(WAIT_SECONDS))
    message = said.get("message")
    text = message if isinstance(message, str) else ""
    if error.status == 404 and (not text or _OF_A_MODEL.search(text)):
        sentence = "The model's provider does not run it under the name that this office has for it."
        return Refusal("provider_lacks_model", sentence)
    return PassedError(error.status, _enveloped(said, error, dialect, request_id=request_id))


def redacted(text: str, secrets: Sequence[str]) -> str:
    """The text without our keys: neither whole nor in part, and without anything else that looks like one."""
    for secret in secrets:
        if not secret:
            continue
        text = text.replace(secret, REDACTED)
        if len(secret) >= 3 * SHOWN_LENGTH:
            text = re.sub(re.escape(secret[:SHOWN_LENGTH]) + r"[\w*.…-]*", REDACTED, text)
            text = re.sub(r"[*.…]{2,}" + re.escape(secret[-4:]), REDACTED, text)
    return _KEY_LIKE.sub(REDACTED, text)


def _said(body: bytes) -> dict[str, Any]:
    """The error in a body, however the provider wraps it: at least a message."""
    try:
        document = json.loads(body[:ERROR_BYTES_MAX])
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, list) and document:
        document = document[0]  # as Google wraps it
    if not isinstance(document, dict):
        return {}
    error = document.get("error")
    if isinstance(error, dict):
        return error
    message = next((document[name] for name in ("error", "message", "detail") if document.get(name)), None)
    return {} if message is None else {"message": message if isinstance(message, str) else json.dumps(message)}


def _enveloped(said: dict[str, Any], error: ProviderError, dialect: Dialect, *, request_id: str) -> bytes:
    """In the form that clients of this dialect read, with every field of the error that the provider sent."""
    message = said.get("message")
    if not isinstance(message, str) or not message:
        message = f"The model's provider refused the call with status {error.status} and said no more."
    kind = said.get("type")
    fields = {**said, "message": message, "type": kind if isinstance(kind, str) else "invalid_request_error"}
    fields.pop("request_id", None)
    if dialect is Dialect.ANTHROPIC:
        document: dict[str, Any] = {"type": "error", "error": fields, "request_id": request_id}
    else:
        document = {"error": {"param": None, "code": None, **fields}}
    return json.dumps(_without_secrets(document, error.secrets)).encode()


def _without_secrets(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, dict):
        return {redacted(name, secrets): _without_secrets(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, secrets) for inner in value]
    return value


def _wait(headers: Mapping[str, str]) -> int:
    """As long as the provider says, in whole seconds, from one second to a minute; a date counts as a second."""
    said = headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        return WAIT_SECONDS
    return ceil(min(WAIT_SECONDS_MAX, max(WAIT_SECONDS, seconds)))
