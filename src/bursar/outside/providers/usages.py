"""What a provider says a call used, in each provider's own words, as one `Usage`.

Counts of a `Usage` include their parts. OpenAI's do as well; Anthropic's `input_tokens` leave out what was read from
and written to a cache, which is added here. Unknown words are ignored; the raw text is kept with the call, so that what
a provider adds can be read later.

Rule: CALL-4
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from bursar.domain.costs import COUNT_MAX, Usage
from bursar.domain.prices import Service
from bursar.domain.refusals import Refusal

Count: TypeAlias = int | float | None
"""A count as providers send it: mostly a whole number, sometimes none, and 12.0 from some that follow OpenAI."""


class _InputParts(msgspec.Struct):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    audio_tokens: Count = None
    image_tokens: Count = None


class _OutputParts(msgspec.Struct):
    reasoning_tokens: Count = None
    audio_tokens: Count = None
    image_tokens: Count = None


class ChatUsage(msgspec.Struct):
    """Of OpenAI's chat completions and embeddings, and of everybody who is shaped like them."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    prompt_tokens_details: _InputParts | None = None
    completion_tokens_details: _OutputParts | None = None


class ResponsesUsage(msgspec.Struct):
    """Of OpenAI's responses."""

    input_tokens: Count = None
    output_tokens: Count = None
    input_tokens_details: _InputParts | None = None
    output_tokens_details: _OutputParts | None = None


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: Count = None
    ephemeral_1h_input_tokens: Count = None


class _ServerTools(msgspec.Struct):
    web_search_requests: Count = None


class MessagesUsage(msgspec.Struct):
    """Of Anthropic's messages. A stream begins with one of these and ends with another, which restates some counts."""

    input_tokens: Count = None
    output_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation: _CacheCreation | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: str | None = None
    speed: str | None = None

    @property
    def service(self) -> str | None:
        """How the message was made: fast, which has a price of its own, whatever the tier says."""
        return "fast" if self.speed == "fast" else self.service_tier


@dataclass(frozen=True, slots=True)
class Reported:
    """What a provider reported. `is_whole` is false where the parts did not fit the totals, and only these count."""

    usage: Usage
    is_whole: bool = True


_NO_INPUT_PARTS, _NO_OUTPUT_PARTS = _InputParts(), _OutputParts()


def of_chat(said: ChatUsage) -> Reported:
    """What a chat completion or an embedding used.

    Rule: CALL-4
    """
    return _of_openai(
        said.prompt_tokens, said.completion_tokens, said.prompt_tokens_details, said.completion_tokens_details
    )


def of_responses(said: ResponsesUsage) -> Reported:
    """What a response used.

    Rule: CALL-4
    """
    return _of_openai(said.input_tokens, said.output_tokens, said.input_tokens_details, said.output_tokens_details)


class OutputItem(msgspec.Struct):
    """One thing among the output of a response: a message, or a tool of the provider's own that was used."""

    type: str | None = None


_output = msgspec.json.Decoder(list[OutputItem])


def with_tools(reported: Reported, output: bytes) -> Reported:
    """The use, and the searches that stand among the output: each is billed, and no usage says them. An output that is
    no list of a response's, or none at all, adds nothing.

    Rule: CALL-4
    """
    try:
        kinds = [item.type for item in _output.decode(output)] if output else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return reported
    searches, in_files = kinds.count("web_search_call"), kinds.count("file_search_call")
    if not searches and not in_files:
        return reported
    usage = replace(reported.usage, web_searches=searches, file_searches=in_files)
    return replace(reported, usage=usage)


def of_messages(said: MessagesUsage) -> Reported:
    """What a message used. Its input is what it says and all that was read from or written to a cache besides.

    Rule: CALL-4
    """
    read, written = _count(said.cache_read_input_tokens), _count(said.cache_creation_input_tokens)
    of_an_hour = 0 if said.cache_creation is None else _count(said.cache_creation.ephemeral_1h_input_tokens)
    searches = 0 if said.server_tool_use is None else _count(said.server_tool_use.web_search_requests)
    return _checked(
        input_tokens=_count(said.input_tokens) + read + written,
        output_tokens=_count(said.output_tokens),
        parts={
            "cached_read_tokens": read,
            "cached_write_tokens": written,
            "cached_write_1h_tokens": of_an_hour,
            "web_searches": searches,
        },
    )


def merged(start: MessagesUsage, end: MessagesUsage) -> MessagesUsage:
    """The usage of a stream: what its beginning said, and whatever its end says anew, which counts.

    Rule: CALL-4
    """
    said = {name: getattr(end, name) for name in end.__struct_fields__ if getattr(end, name) is not None}
    return msgspec.structs.replace(start, **said)


SERVICES = {
    "batch": Service.BATCH,
    "flex": Service.FLEX,
    "priority": Service.PRIORITY,
    "fast": Service.FAST,
}


def service_of(said: str | None) -> Service:
    """How the call was done, as the answer says; what is not known to be priced apart is the standard service."""
    return SERVICES.get(said or "", Service.STANDARD)


def _of_openai(
    input_tokens: Count, output_tokens: Count, of_input: _InputParts | None, of_output: _OutputParts | None
) -> Reported:
    of_input, of_output = of_input or _NO_INPUT_PARTS, of_output or _NO_OUTPUT_PARTS
    return _checked(
        input_tokens=_count(input_tokens),
        output_tokens=_count(output_tokens),
        parts={
            "cached_read_tokens": _count(of_input.cached_tokens),
            "cached_write_tokens": _count(of_input.cache_write_tokens),
            "audio_input_tokens": _count(of_input.audio_tokens),
            "image_input_tokens": _count(of_input.image_tokens),
            "reasoning_tokens": _count(of_output.reasoning_tokens),
            "audio_output_tokens": _count(of_output.audio_tokens),
            "image_output_tokens": _count(of_output.image_tokens),
        },
    )


def _checked(*, input_tokens: int, output_tokens: int, parts: dict[str, int]) -> Reported:
    """With its parts where they fit; else the totals alone, since what was delivered is charged all the same."""
    totals = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    if not any(parts.values()):
        return Reported(totals)
    try:
        return Reported(replace(totals, **parts))
    except Refusal:
        return Reported(totals, is_whole=False)


def _count(said: Count) -> int:
    """A whole number from 0 to the largest that is counted with; a fraction counts as the next one."""
    if said is None or said != said or said <= 0:  # not a number is not equal to itself
        return 0
    if said >= COUNT_MAX:
        return COUNT_MAX
    whole = int(said)
    return whole if whole == said else whole + 1
