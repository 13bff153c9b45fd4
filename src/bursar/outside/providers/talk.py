"""A talk with a model: how it is put into a dialect's words, and how the text of its answer is read out of a stream.

For the console's conversations, which are Bursar's own calls. What a client of the gateway sends passes as it is, and
is not put into words here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bursar.domain.dialects import Dialect
from bursar.outside.providers.endpoints import ENDPOINTS, Endpoint
from bursar.outside.providers.streams import Events, Stream, data_in

ANTHROPIC_VERSION = "2023-06-01"
"""The version of Anthropic's words that all of its shape understand."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What a model is told: standing instructions, if any, and who said what, the question last."""

    instructions: str | None
    said: Sequence[tuple[str, str]]


def chat_body(talk: Talk, model: str, answer_max: int | None) -> bytes:
    """The talk as a streamed chat completion."""
    messages = [{"role": role, "content": text} for role, text in talk.said]
    if talk.instructions is not None:
        messages.insert(0, {"role": "system", "content": talk.instructions})
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return _body(body, "max_completion_tokens", answer_max)


def messages_body(talk: Talk, model: str, answer_max: int | None) -> bytes:
    """The talk as a streamed message of Anthropic."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in talk.said],
        "stream": True,
    }
    if talk.instructions is not None:
        body["system"] = talk.instructions
    return _body(body, "max_tokens", answer_max)


def _body(body: dict[str, Any], limit_field: str, answer_max: int | None) -> bytes:
    if answer_max is not None:
        body[limit_field] = answer_max
    return msgspec.json.encode(body)


class _ChatDelta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _ChatChoice(msgspec.Struct):
    delta: _ChatDelta | None = None


class _ChatEvent(msgspec.Struct):
    choices: list[_ChatChoice] | None = None


class _MessagesDelta(msgspec.Struct):
    text: str | None = None


class _MessagesEvent(msgspec.Struct):
    delta: _MessagesDelta | None = None


_chat_event = msgspec.json.Decoder(_ChatEvent)
_messages_event = msgspec.json.Decoder(_MessagesEvent)


def _chat_texts(data: bytes) -> Iterator[str | None]:
    for choice in _chat_event.decode(data).choices or ():
        if choice.delta is not None:
            yield choice.delta.content
            yield choice.delta.refusal


def _messages_texts(data: bytes) -> Iterator[str | None]:
    delta = _messages_event.decode(data).delta
    if delta is not None:
        yield delta.text


@dataclass(frozen=True, slots=True)
class Words:
    """How one dialect is spoken and understood. Where `needs_limit`, every call says how long its answer may be."""

    endpoint: Endpoint
    body: Callable[[Talk, str, int | None], bytes]
    texts: Callable[[bytes], Iterator[str | None]]
    needs_limit: bool
    headers: Sequence[tuple[str, str]]


WORDS: Mapping[Dialect, Words] = {
    Dialect.OPENAI: Words(ENDPOINTS["/chat/completions"], chat_body, _chat_texts, needs_limit=False, headers=()),
    Dialect.ANTHROPIC: Words(
        ENDPOINTS["/messages"],
        messages_body,
        _messages_texts,
        needs_limit=True,
        headers=(("anthropic-version", ANTHROPIC_VERSION),),
    ),
}
"""THE TABLE of how a talk is held in each dialect."""


class TextStream:
    """The text in an answer that goes by; what it says of its use is read beside it, by `watched`.

    What a model thinks before it speaks, and tools it calls, are no text.
    """

    def __init__(self, words: Words) -> None:
        assert words.endpoint.stream_of is not None, "a talk is streamed"
        self.watched: Stream = words.endpoint.stream_of(False)
        self._texts = words.texts
        self._events = Events()

    def feed(self, piece: bytes) -> str:
        """The text that came with this piece."""
        self.watched.feed(piece)
        return "".join(text for data in data_in(self._events.whole(piece)) for text in self._read(data))

    def _read(self, data: bytes) -> list[str]:
        try:
            return [text for text in self._texts(data) if text]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return []  # the end mark, or what is shaped like no event: nothing is said in it
