"""Why a call is not admitted, told so that its caller knows what to do.

Not here: when it is refused (`model_calls`, and the ledger).
"""

from __future__ import annotations

from uuid import UUID

from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal


def repeated(call_id: UUID) -> Refusal:
    """That this call was made already.

    Rule: CALL-12
    """
    return Refusal(
        "call_repeated",
        "This idempotency key was used for a call that was made already; its answer is not kept here.",
        call_id=public_id("call", call_id),
    )


def told_whom_to_ask(refusal: Refusal, contact: str | None) -> Refusal:
    """The refusal with whom the spender can ask for more, where the tenant says so.

    Rule: CALL-14
    """
    if contact is None or refusal.code != "insufficient_quota":
        return refusal
    return Refusal(refusal.code, refusal.detail, field=refusal.field, **{**refusal.facts, "contact": contact})
