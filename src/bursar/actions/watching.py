"""What is told of a call: one line in the log, the figures, and the request that it was made for.

Ids tell who called and what came of it. Neither a key nor any text that was sent or answered gets here.

Rule: WATCH-2, WATCH-3
"""

from __future__ import annotations

from uuid import UUID

import structlog

from bursar.actions.desk import Desk
from bursar.domain.calls import Call
from bursar.domain.ids import public_id
from bursar.outside.telling import telling

log = structlog.get_logger("bursar.calls")


def tell_caller(*, tenant_id: UUID | None, key_id: UUID) -> None:
    """Says who calls, as soon as that is known: also of a call that is then refused. A platform's key has no tenant."""
    tenant = None if tenant_id is None else public_id("tenant", tenant_id)
    telling().tell(tenant=tenant, key=public_id("api_key", key_id))


def tell_call(desk: Desk, tenant_id: UUID, call: Call) -> None:
    """Says how a call came out, once its settlement was sent; once for each call."""
    desk.metrics.call(call)
    request = telling()
    request.has_line = True
    request.tell(call=public_id("call", call.call_id), outcome=call.outcome.value)
    # The request's id comes along, as in every line.
    log.info(
        "call",
        call=public_id("call", call.call_id),
        tenant=public_id("tenant", tenant_id),
        key=None if call.key_id is None else public_id("api_key", call.key_id),
        endpoint=call.endpoint,
        model=call.model,
        provider=call.provider,
        outcome=call.outcome.value,
        status=call.status,
        credits=str(call.credits),
        input_tokens=call.usage.input_tokens,
        output_tokens=call.usage.output_tokens,
        first_byte_ms=call.first_byte_ms,
        ms=call.total_ms,
    )
