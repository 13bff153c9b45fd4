"""Public ids as they come in: each noun's type, read into a UUID and documented with its pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from bursar.domain.ids import PREFIXES, parse_public_id
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


def _documented(noun: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{PREFIXES[noun]}_[0-9a-f]{{32}}$"})


TenantId = Annotated[UUID, BeforeValidator(_reader("tenant")), _documented("tenant")]
MemberId = Annotated[UUID, BeforeValidator(_reader("member")), _documented("member")]
GroupId = Annotated[UUID, BeforeValidator(_reader("group")), _documented("group")]
SessionId = Annotated[UUID, BeforeValidator(_reader("session")), _documented("session")]
HoldId = Annotated[UUID, BeforeValidator(_reader("hold")), _documented("hold")]
CodeId = Annotated[UUID, BeforeValidator(_reader("code")), _documented("code")]
CodeBatchId = Annotated[UUID, BeforeValidator(_reader("code_batch")), _documented("code_batch")]
