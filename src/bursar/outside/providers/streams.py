"""What goes by in a provider's stream: passed on as it comes, and looked at for what it says was used.

A stream is server-sent events. Of each whole event only the few fields are decoded that say what was used, or how much
was answered where nobody says; that takes about a microsecond. What a provider adds goes by unseen.

Where Bursar asked for a report of usage that the client did not ask for, that one event is taken out again: clients
index its empty list of choices.

Rule: CALL-3
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

import msgspec

from bursar.outside.providers.usages import (
    ChatUsage,
    MessagesUsage,
    Reported,
    ResponsesUsage,
    merged,
    of_chat,
    of_messages,
    of_responses,
    with_tools,
)

EVENT_BYTES_MAX = 32 * 1024 * 1024
"""The largest event that is looked at: the last one of a response repeats all of it. Larger ones just go by."""

BYTES_PER_TOKEN = 4
"""Of an answer whose provider never said how long it was; and no event with text in it has less than one token."""


Event = TypeVar("Event")


class Stream(Protocol):
    """One answer going by. `usage` is what the provider said so far and `words` how it said so, `is_whole` whether it
    has said its last word, and `fault` the words of an error that came instead.
    """

    usage: Reported | None
    words: bytes | None
    service: str | None
    is_whole: bool
    fault: str | None

    def feed(self, piece: bytes) -> bytes:
        """Looks at a piece; returns what is passed on now."""

    def rest(self) -> bytes:
        """What was kept back for being half an event, once nothing more comes."""

    @property
    def answered_tokens(self) -> int:
        """How long the answer was as far as it went by: an estimate, where nobody said."""


class Events:
    """Pieces in, whole events out."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._size = 0
        self._tail = b""

    def whole(self, piece: bytes) -> bytes:
        """The events that this piece completes, as they stand one after another; nothing while one is under way.

        One that grows too large is let go in parts, which nobody takes for events. What is kept is looked at and copied
        once, however many pieces a large event comes in.
        """
        # What is kept holds no end, but an end may begin in it.
        seen = self._tail + piece
        end = _end_of_events(seen)
        rest_size = len(seen) - end if end else self._size + len(piece)
        if rest_size > EVENT_BYTES_MAX:
            end, rest_size = len(seen), 0
        self._kept.append(piece)
        self._size += len(piece)
        self._tail = seen[end:][-_END_LENGTH_MAX + 1 :]
        if not end:
            return b""
        pending = b"".join(self._kept)
        end = len(pending) - rest_size
        self._kept, self._size = ([pending[end:]] if rest_size else []), rest_size
        return pending[:end]

    def rest(self) -> bytes:
        """What is left of an event that never ended."""
        kept = b"".join(self._kept)
        self._kept, self._size, self._tail = [], 0, b""
        return kept


_END_LENGTH_MAX = 4


def _end_of_events(pending: bytes) -> int:
    """Where the last whole event ends; 0 where none does."""
    plain, carriage = pending.rfind(b"\n\n"), pending.rfind(b"\r\n\r\n")
    return max(plain + 2 if plain >= 0 else 0, carriage + 4 if carriage >= 0 else 0)


def data_in(events: bytes) -> Iterator[bytes]:
    """The data of each event that has some."""
    for line in events.split(b"\n"):
        if line.startswith(b"data:"):
            yield line[5:].strip()


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None


class _Watched:
    """What all streams keep of what went by."""

    def __init__(self) -> None:
        self.usage: Reported | None = None
        self.words: bytes | None = None
        self.service: str | None = None
        self.is_whole = False
        self.fault: str | None = None
        self._events = Events()
        self._texts = self._text_bytes = 0

    @property
    def answered_tokens(self) -> int:
        """How long the answer was as far as it went by: an estimate, where nobody said."""
        return max(self._texts, -(-self._text_bytes // BYTES_PER_TOKEN))

    def _answered(self, *texts: str | None) -> None:
        size = sum(len(text.encode()) for text in texts if text)
        if size:
            self._texts += 1
            self._text_bytes += size

    def _failed(self, error: _Error | None) -> None:
        if error is not None:
            self.fault = error.message or error.type or "error"


class _Function(msgspec.Struct):
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None


class _ChatEvent(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()
    choices: list[_Choice] | None = None
    service_tier: str | None = None
    error: _Error | None = None


_chat_event = msgspec.json.Decoder(_ChatEvent)
_chat_usage = msgspec.json.Decoder(ChatUsage)


class ChatStream(_Watched):
    """A chat completion of OpenAI, or of anybody shaped like it. With `hides_usage` its report goes no further."""

    def __init__(self, *, hides_usage: bool) -> None:
        super().__init__()
        self._hides_usage = hides_usage

    def feed(self, piece: bytes) -> bytes:
        """Looks at a piece; returns what is passed on now. Where usage is hidden, that is whole events."""
        events = self._events.whole(piece)
        passed_on = events if self._hides_usage else piece
        for data in data_in(events):
            if self._tells_only_usage(data) and self._hides_usage:
                passed_on = _without(passed_on, data)
        return passed_on

    def rest(self) -> bytes:
        """What was kept back for being half an event, once nothing more comes."""
        rest = self._events.rest()
        return rest if self._hides_usage else b""

    def _tells_only_usage(self, data: bytes) -> bool:
        if data == b"[DONE]":
            self.is_whole = True
            return False
        event = _decoded(_chat_event, data)
        if event is None:
            return False
        self._failed(event.error)
        for choice in event.choices or ():
            delta = choice.delta
            if delta is not None:
                calls = (call.function.arguments for call in delta.tool_calls or () if call.function is not None)
                self._answered(delta.content, delta.reasoning_content, delta.refusal, *calls)
        self.service = event.service_tier or self.service
        words = bytes(event.usage)
        said = _decoded(_chat_usage, words) if words and words != b"null" else None
        if said is None:
            return False
        self.usage, self.words = of_chat(said), words
        return event.choices == []


class _Response(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()
    output: msgspec.Raw = msgspec.Raw()
    service_tier: str | None = None
    error: _Error | None = None


class _ResponsesEvent(msgspec.Struct):
    type: str | None = None
    delta: str | None = None
    response: _Response | None = None
    message: str | None = None


_responses_event = msgspec.json.Decoder(_ResponsesEvent)
_responses_usage = msgspec.json.Decoder(ResponsesUsage)
_LAST_WORDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class ResponsesStream(_Watched):
    """A response of OpenAI: its last event repeats all of it, and says what it used."""

    def feed(self, piece: bytes) -> bytes:
        """Looks at a piece, which is passed on as it is."""
        for data in data_in(self._events.whole(piece)):
            event = _decoded(_responses_event, data)
            if event is None:
                continue
            self._answered(event.delta)
            if event.type == "error":
                self.fault = event.message or "error"
            if event.type in _LAST_WORDS and event.response is not None:
                self._ended(event.response)
        return piece

    def rest(self) -> bytes:
        """Nothing: nothing is kept back."""
        return b""

    def _ended(self, response: _Response) -> None:
        self.is_whole = True
        self.service = response.service_tier
        self._failed(response.error)
        words = bytes(response.usage)
        said = _decoded(_responses_usage, words) if words and words != b"null" else None
        if said is not None:
            self.usage, self.words = with_tools(of_responses(said), bytes(response.output)), words


class _Message(msgspec.Struct):
    usage: MessagesUsage | None = None


class _MessagesDelta(msgspec.Struct):
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None


class _MessagesEvent(msgspec.Struct):
    type: str | None = None
    message: _Message | None = None
    delta: _MessagesDelta | None = None
    usage: MessagesUsage | None = None
    error: _Error | None = None


_messages_event = msgspec.json.Decoder(_MessagesEvent)


class MessagesStream(_Watched):
    """A message of Anthropic: its first event says the input, its last but one the output, and perhaps all anew."""

    def __init__(self) -> None:
        super().__init__()
        self._said = MessagesUsage()

    def feed(self, piece: bytes) -> bytes:
        """Looks at a piece, which is passed on as it is."""
        for data in data_in(self._events.whole(piece)):
            event = _decoded(_messages_event, data)
            if event is None:
                continue
            if event.delta is not None:
                self._answered(event.delta.text, event.delta.partial_json, event.delta.thinking)
            said = event.message.usage if event.message is not None else event.usage
            if said is not None:
                self._said = merged(self._said, said)
                self.usage, self.service = of_messages(self._said), self._said.service
                self.words = msgspec.json.encode(self._said)
            self._failed(event.error)
            self.is_whole = self.is_whole or event.type == "message_stop"
        return piece

    def rest(self) -> bytes:
        """Nothing: nothing is kept back."""
        return b""


def _decoded(decoder: msgspec.json.Decoder[Event], data: bytes) -> Event | None:
    """The event; None for what is not shaped like one, which goes by as it is."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _without(events: bytes, data: bytes) -> bytes:
    """The events but for the one with this data: from the end of the event before it to its own."""
    at = events.index(data)
    begin = _end_of_events(events[:at])
    own_end = at + len(data) + _first_end(events[at + len(data) :])
    return events[:begin] + events[own_end:]


def _first_end(rest: bytes) -> int:
    """How far it is to the end of the event that is under way."""
    ends = [place + size for mark, size in ((b"\n\n", 2), (b"\r\n\r\n", 4)) if (place := rest.find(mark)) >= 0]
    return min(ends, default=len(rest))
