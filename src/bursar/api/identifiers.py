"""Public ids as they come in: each noun's type, read into a UUID and documented with its pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from bursar.domain.ids import PREFIXES, parse_any_public_id, parse_public_id
from bursar.domain.refusals import Refusal


def _reader(noun: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, UUID):
            return value
        try:
            return parse_public_id(noun, str(value), field=noun)
        except Refusal as refusal:
            raise PydanticCustomError("invalid_input", "{sentence}", {"sentence": refusal.detail}) from None

    return read


def _reader_of(*nouns: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            noun, identity = parse_any_public_id(str(value), field="id")
        except Refusal as refusal:
            raise PydanticCustomError("invalid_input", "{sentence}", {"sentence": refusal.detail}) from None
        if noun not in nouns:
            raise PydanticCustomError("invalid_input", "{sentence}", {"sentence": f"This is the id of a {noun}."})
        return identity

    return read


def _documented(*nouns: str) -> WithJsonSchema:
    prefixes = "|".join(PREFIXES[noun] for noun in nouns)
    start = prefixes if len(nouns) == 1 else f"({prefixes})"
    return WithJsonSchema({"type": "string", "pattern": f"^{start}_[0-9a-f]{{32}}$"})


PersonId = Annotated[
    UUID, BeforeValidator(_reader_of("member", "platform_admin")), _documented("member", "platform_admin")
]
"""Whoever can act: a member or a super admin."""

AnyId = Annotated[UUID, BeforeValidator(_reader_of(*PREFIXES)), _documented(*PREFIXES)]
"""Whatever can be named."""

TenantId = Annotated[UUID, BeforeValidator(_reader("tenant")), _documented("tenant")]
MemberId = Annotated[UUID, BeforeValidator(_reader("member")), _documented("member")]
GroupId = Annotated[UUID, BeforeValidator(_reader("group")), _documented("group")]
KeyId = Annotated[UUID, BeforeValidator(_reader("api_key")), _documented("api_key")]
SuperAdminId = Annotated[UUID, BeforeValidator(_reader("platform_admin")), _documented("platform_admin")]
SessionId = Annotated[UUID, BeforeValidator(_reader("session")), _documented("session")]
TransferId = Annotated[UUID, BeforeValidator(_reader("transfer")), _documented("transfer")]
HoldId = Annotated[UUID, BeforeValidator(_reader("hold")), _documented("hold")]
CallId = Annotated[UUID, BeforeValidator(_reader("call")), _documented("call")]
CodeId = Annotated[UUID, BeforeValidator(_reader("code")), _documented("code")]
CodeBatchId = Annotated[UUID, BeforeValidator(_reader("code_batch")), _documented("code_batch")]
CreditRequestId = Annotated[UUID, BeforeValidator(_reader("credit_request")), _documented("credit_request")]
InvitationId = Annotated[UUID, BeforeValidator(_reader("invitation")), _documented("invitation")]
NotificationId = Annotated[UUID, BeforeValidator(_reader("notification")), _documented("notification")]
AllocationBatchId = Annotated[UUID, BeforeValidator(_reader("allocation_batch")), _documented("allocation_batch")]
ConversationId = Annotated[UUID, BeforeValidator(_reader("conversation")), _documented("conversation")]
MessageId = Annotated[UUID, BeforeValidator(_reader("message")), _documented("message")]
PriceId = Annotated[UUID, BeforeValidator(_reader("price")), _documented("price")]
ProviderId = Annotated[UUID, BeforeValidator(_reader("provider")), _documented("provider")]
PurchaseId = Annotated[UUID, BeforeValidator(_reader("purchase")), _documented("purchase")]
TaskId = Annotated[
    UUID,
    BeforeValidator(_reader_of("provider_job", "allocation_batch")),
    _documented("provider_job", "allocation_batch"),
]
"""Whatever can be watched: a job of a provider, or a batch of allocations."""
