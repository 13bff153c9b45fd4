"""Limits on the wire: `"inherit"`, `"unlimited"`, a JSON number for a count, a decimal string for credits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from bursar.api.answers import Shape
from bursar.domain.api_keys import COUNT_MAX, KeyLimits, LimitWord, effective
from bursar.domain.credits import Credits, parse_level
from bursar.domain.refusals import Refusal

_WORDS = {str(word): word for word in LimitWord}


def _read_count(value: Any, info: ValidationInfo) -> LimitWord | int:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if type(value) is int and 0 <= value <= COUNT_MAX:
        return value
    sentence = f'This limit is "inherit", "unlimited", or a whole number from 0 to {COUNT_MAX}.'
    raise PydanticCustomError("invalid_input", "{sentence}", {"sentence": sentence})


def _read_credits(value: Any, info: ValidationInfo) -> LimitWord | Credits:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    try:
        return parse_level(value, field=info.field_name or "limit")
    except Refusal as refusal:
        context = {"sentence": refusal.detail, "facts": dict(refusal.facts)}
        raise PydanticCustomError(refusal.code, "{sentence}", context) from None


def _written(value: Any) -> Any:
    """An amount as its decimal string, a count as a number, a word as itself."""
    return str(value) if isinstance(value, LimitWord | Credits) else value


def _taken(value: Any) -> Any:
    if isinstance(value, LimitWord | Credits) or type(value) is int:
        return value
    raise TypeError(f"not a limit: {value!r}")


def _schema(number: dict[str, Any], words: list[str], *, description: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "string", "enum": words}, number], "description": description})


_COUNT = {"type": "integer", "minimum": 0, "maximum": COUNT_MAX}
_ASKED_CREDITS = {"type": "string", "format": "credits", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$"}
_TOLD_CREDITS = {"type": "string", "format": "credits", "pattern": r"^(0|[1-9][0-9]*)\.[0-9]{2,6}$"}
_ALL, _NUMBERLESS = ["inherit", "unlimited"], ["unlimited"]
_MEANING = "Inherited, unlimited, or so many; 0 lets nothing through."

_write = PlainSerializer(_written)


CountLimit = Annotated[
    LimitWord | int, PlainValidator(_read_count), _write, _schema(_COUNT, _ALL, description=_MEANING)
]
"""How many of something a key may do."""

CreditsLimit = Annotated[
    LimitWord | Credits, PlainValidator(_read_credits), _write, _schema(_ASKED_CREDITS, _ALL, description=_MEANING)
]
"""How many credits a key may spend."""

ToldCount = Annotated[LimitWord | int, PlainValidator(_taken), _write, _schema(_COUNT, _ALL, description=_MEANING)]
ToldCredits = Annotated[
    LimitWord | Credits, PlainValidator(_taken), _write, _schema(_TOLD_CREDITS, _ALL, description=_MEANING)
]
EffectiveCount = Annotated[
    LimitWord | int, PlainValidator(_taken), _write, _schema(_COUNT, _NUMBERLESS, description="What counts.")
]
EffectiveCredits = Annotated[
    LimitWord | Credits, PlainValidator(_taken), _write, _schema(_TOLD_CREDITS, _NUMBERLESS, description="What counts.")
]

Source = Literal["key", "tenant", "none"]


class LimitsDraft(Shape):
    """What bounds the calls made with a key. What is left out is inherited."""

    requests_per_minute: CountLimit = LimitWord.INHERIT
    tokens_per_minute: CountLimit = LimitWord.INHERIT
    calls_at_once: CountLimit = LimitWord.INHERIT
    credits_per_cycle: CreditsLimit = LimitWord.INHERIT
    credits_in_total: CreditsLimit = LimitWord.INHERIT

    def named(self) -> dict[str, Any]:
        """What was sent, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class CountLimitShape(Shape):
    """The key's own limit, the one that counts, and who set that: the key, its tenant, or nobody."""

    own: ToldCount
    effective: EffectiveCount
    source: Source


class CreditsLimitShape(Shape):
    """The same for credits."""

    own: ToldCredits
    effective: EffectiveCredits
    source: Source


class LimitsShape(Shape):
    """What bounds the calls made with a key."""

    requests_per_minute: CountLimitShape
    tokens_per_minute: CountLimitShape
    calls_at_once: CountLimitShape
    credits_per_cycle: CreditsLimitShape
    credits_in_total: CreditsLimitShape


class TenantLimits(Shape):
    """What the tenant's keys inherit. Above the tenant there is nobody, so what it inherits is no limit."""

    requests_per_minute: ToldCount
    tokens_per_minute: ToldCount
    calls_at_once: ToldCount
    credits_per_cycle: ToldCredits
    credits_in_total: ToldCredits


class MemberLimitsShape(Shape):
    """What bounds each member over all keys. What is left out, or inherited, is no limit."""

    requests_per_minute: CountLimit = LimitWord.INHERIT
    tokens_per_minute: CountLimit = LimitWord.INHERIT
    calls_at_once: CountLimit = LimitWord.INHERIT


def limits_shape(own: KeyLimits, of_tenant: KeyLimits) -> LimitsShape:
    """A key's limits beside what comes of them."""
    return LimitsShape(
        requests_per_minute=_count_shape(own.requests_per_minute, of_tenant.requests_per_minute),
        tokens_per_minute=_count_shape(own.tokens_per_minute, of_tenant.tokens_per_minute),
        calls_at_once=_count_shape(own.calls_at_once, of_tenant.calls_at_once),
        credits_per_cycle=_credits_shape(own.credits_per_cycle, of_tenant.credits_per_cycle),
        credits_in_total=_credits_shape(own.credits_in_total, of_tenant.credits_in_total),
    )


def _count_shape(own: LimitWord | int, of_tenant: LimitWord | int) -> CountLimitShape:
    counts = effective(own, of_tenant)
    return CountLimitShape(own=own, effective=counts.limit, source=counts.source)


def _credits_shape(own: LimitWord | Credits, of_tenant: LimitWord | Credits) -> CreditsLimitShape:
    counts = effective(own, of_tenant)
    return CreditsLimitShape(own=own, effective=counts.limit, source=counts.source)
