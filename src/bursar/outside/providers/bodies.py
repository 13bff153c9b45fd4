"""What is read of a model client's body, and what little is changed in it on the way to the provider.

Of a body only the fields that decide about a call's cost are decoded; messages, tools and whatever else a client sends
stay the bytes they were. Where something has to be added or replaced, the top level alone is written anew, around
values that nobody looked into: so fields that nobody knows yet pass as they are.

Rule: CALL-2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from bursar.domain.refusals import Refusal

MODEL_LENGTH_MAX = 200
CHOICES_MAX = 128
"""What OpenAI takes; each choice is paid for."""
TOKENS_MAX = 10**9
"""More than any model's window by far; what is above is a slip, and would only be refused for want of credits."""


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Fields(msgspec.Struct):
    """The fields that decide, of all endpoints; each endpoint has some of them."""

    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    n: int | None = None
    background: bool | None = None


_decode = msgspec.json.Decoder(_Fields).decode
_decode_top = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call asks for, as far as it decides about its cost. `output_max` is None where the caller set none."""

    model: str
    is_stream: bool
    asks_for_usage: bool
    output_max: int | None
    choices: int
    is_background: bool
    size: int


def read_wanted(body: bytes, *, limit_fields: tuple[str, ...]) -> Wanted:
    """What this body asks for; `limit_fields` are those that bound the output at this endpoint, the first counts.

    Refuses `invalid_input` for what is no JSON object, names no model, or has one of the fields in another type.

    Rule: CALL-2
    """
    try:
        fields = _decode(body)
    except msgspec.ValidationError as fault:
        raise _malformed(str(fault)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("invalid_input", "The body is not JSON that can be read.", field="body") from None
    if not 0 < len(fields.model) <= MODEL_LENGTH_MAX:
        raise Refusal("invalid_input", f"A model's name has 1 to {MODEL_LENGTH_MAX} characters.", field="model")
    choices = 1 if fields.n is None else fields.n
    if not 1 <= choices <= CHOICES_MAX:
        raise Refusal("invalid_input", f"n must be from 1 to {CHOICES_MAX}.", field="n")
    output_max = None
    for name in limit_fields:
        limit: int | None = getattr(fields, name)
        if limit is None:
            continue
        if not 0 <= limit <= TOKENS_MAX:
            raise Refusal("invalid_input", f"{name} must be from 0 to {TOKENS_MAX}.", field=name)
        output_max = limit if output_max is None else output_max
    return Wanted(
        model=fields.model,
        is_stream=fields.stream is True,
        asks_for_usage=fields.stream_options is not None and fields.stream_options.include_usage is True,
        output_max=output_max,
        choices=choices,
        is_background=fields.background is True,
        size=len(body),
    )


def rewritten(body: bytes, changes: Mapping[str, object]) -> bytes:
    """The body with these top-level fields set, if any, and every other field's value as the bytes that were sent.

    A field that was sent twice is sent on once, as it was read here: a provider that took the other one would do what
    nobody was charged for.

    Rule: CALL-2
    """
    written = _encode({**_decode_top(body), **changes})
    return body if written == body else written


def with_usage_in_stream(body: bytes) -> Mapping[str, object]:
    """The change that asks a provider to report usage at the end of a stream; its other stream options stay."""
    sent = _decode_top(body).get("stream_options")
    options: dict[str, object] = {}
    if sent is not None and bytes(sent) != b"null":
        options = dict(_decode_top(sent))
    return {"stream_options": {**options, "include_usage": True}}


def _malformed(fault: str) -> Refusal:
    """The field at fault, out of what the decoder says: `Expected `int`, got `str` - at `$.max_tokens``."""
    sentence, _, place = fault.partition(" - at ")
    field = place.strip("`").removeprefix("$").removeprefix(".")
    if "missing required field" in fault:
        return Refusal("invalid_input", "Name the model.", field="model")
    return Refusal("invalid_input", f"{sentence.replace('`', '')}.", field=field or "body")
