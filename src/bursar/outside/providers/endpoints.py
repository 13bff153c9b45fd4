"""What can be called: one entry for each endpoint, and nothing else to be changed for another one.

An entry says where the endpoint is, in whose words it speaks, which of its fields bound an answer, and how what it used
is read: of an answer that comes whole, and of one that comes as a stream.

Rule: CALL-1
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from bursar.domain.dialects import Dialect
from bursar.domain.prices import Service
from bursar.outside.providers.streams import ChatStream, MessagesStream, ResponsesStream, Stream
from bursar.outside.providers.usages import (
    ChatUsage,
    MessagesUsage,
    Reported,
    ResponsesUsage,
    of_chat,
    of_messages,
    of_responses,
    service_of,
    with_tools,
)

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer says it used: counted, in its own words, and how it was done. Nothing where it says nothing."""

    usage: Reported | None
    words: bytes | None
    service: Service


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `limit_fields` bound an answer, the first that is set counts, and the first of all is set where a
    call has to be bounded; `stream_of` is None where nothing streams; `is_free` is charged nothing and leaves no row.
    """

    name: str
    path: str
    dialect: Dialect
    limit_fields: Sequence[str]
    read: Callable[[bytes], Read]
    stream_of: Callable[[bool], Stream] | None = None
    asks_for_usage: bool = False
    answers: bool = True
    is_free: bool = False


class _Whole(msgspec.Struct):
    """The fields of a whole answer that say what it used."""

    usage: msgspec.Raw = msgspec.Raw()
    service_tier: str | None = None
    output: msgspec.Raw = msgspec.Raw()


_whole = msgspec.json.Decoder(_Whole)
_NOTHING = Read(None, None, Service.STANDARD)


def _reader(said_type: type[Said], counted: Callable[[Said], Reported]) -> Callable[[bytes], Read]:
    """How a whole answer is read whose usage is said in these words."""
    decoder = msgspec.json.Decoder(said_type)

    def read(body: bytes) -> Read:
        try:
            whole = _whole.decode(body)
            words = bytes(whole.usage)
            if words in (b"", b"null"):
                return _NOTHING
            said = decoder.decode(words)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _NOTHING
        tier = whole.service_tier or getattr(said, "service", None)
        return Read(with_tools(counted(said), bytes(whole.output)), words, service_of(tier))

    return read


def _reads_nothing(body: bytes) -> Read:
    del body
    return _NOTHING


ENDPOINTS: Mapping[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint(
            name="chat.completions",
            path="/chat/completions",
            dialect=Dialect.OPENAI,
            limit_fields=("max_completion_tokens", "max_tokens"),
            read=_reader(ChatUsage, of_chat),
            stream_of=lambda hides_usage: ChatStream(hides_usage=hides_usage),
            asks_for_usage=True,
        ),
        Endpoint(
            name="responses",
            path="/responses",
            dialect=Dialect.OPENAI,
            limit_fields=("max_output_tokens",),
            read=_reader(ResponsesUsage, of_responses),
            stream_of=lambda _: ResponsesStream(),
        ),
        Endpoint(
            name="embeddings",
            path="/embeddings",
            dialect=Dialect.OPENAI,
            limit_fields=(),
            read=_reader(ChatUsage, of_chat),
            answers=False,
        ),
        Endpoint(
            name="messages",
            path="/messages",
            dialect=Dialect.ANTHROPIC,
            limit_fields=("max_tokens",),
            read=_reader(MessagesUsage, of_messages),
            stream_of=lambda _: MessagesStream(),
        ),
        Endpoint(
            name="messages.count_tokens",
            path="/messages/count_tokens",
            dialect=Dialect.ANTHROPIC,
            limit_fields=(),
            read=_reads_nothing,
            answers=False,
            is_free=True,
        ),
    )
}
"""By the path below /v1."""
