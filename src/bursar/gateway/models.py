"""GET /v1/models and /v1/models/{id}: what this key can call, in the form of whoever asks.

Rule: CALL-13
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from bursar.actions.catalogue import OfferedModel
from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Headers, Scope, Send
from bursar.gateway.gate import Gate
from bursar.gateway.key import secret_in
from bursar.store.callers import CallingKey

PATH = "/models"


async def serve_models(gate: Gate, dialect: Dialect, name: str | None, scope: Scope, send: Send) -> None:
    """All models that the key can call, or the one of this name. Refuses `model_unknown`.

    OpenAI's clients read one list; Anthropic's ask page by page, and are given all of it as the last page.
    """
    client = scope.get("client")
    caller = await gate.calls.callers.authenticate(secret_in(scope["headers"]), address=client[0] if client else None)
    catalogue = await gate.calls.catalogues.current(caller.catalogue_version)
    if name is None:
        offered = [model for model in catalogue.models(dialect) if _may_call(caller, model.name)]
        document = _listed(offered, dialect)
    else:
        wanted = unquote(name)
        if not _may_call(caller, wanted):
            raise Refusal("model_not_allowed", f"This API key may not call {wanted}.", field="model")
        document = _shown(catalogue.model(wanted, dialect), dialect)
    body = json.dumps(document).encode()
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"request-id", scope["request_id"].encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _may_call(caller: CallingKey, name: str) -> bool:
    allowed = caller.found.key.settings.allowed_models
    return allowed is None or name in allowed


def _listed(offered: Sequence[OfferedModel], dialect: Dialect) -> dict[str, Any]:
    shown = [_shown(model, dialect) for model in offered]
    if dialect is Dialect.OPENAI:
        return {"object": "list", "data": shown}
    return {
        "data": shown,
        "has_more": False,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _shown(model: OfferedModel, dialect: Dialect) -> dict[str, Any]:
    if dialect is Dialect.OPENAI:
        return {
            "id": model.name,
            "object": "model",
            "created": int(model.since.timestamp()),
            "owned_by": model.provider_name,
        }
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.label or model.name,
        "created_at": model.since.isoformat().replace("+00:00", "Z"),
    }
