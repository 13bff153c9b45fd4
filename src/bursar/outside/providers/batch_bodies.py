"""What is read of a batch before it is sent: which model, and how large each of its calls may become.

All calls of a batch are for one model, at one endpoint: a batch has one price, and stands as one row in the usage log.
Of each call only what decides about its cost is read, as of a call by itself.

Rule: TASK-2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from bursar.domain.batch_sizes import REQUESTS_MAX
from bursar.domain.call_sizes import CallSize
from bursar.domain.refusals import Refusal
from bursar.outside.providers.bodies import Wanted, read_wanted, rewritten
from bursar.outside.providers.endpoints import ENDPOINTS, Endpoint

PREFIX = "/v1"
MESSAGES = ENDPOINTS["/messages"]
IN_FILES = {f"{PREFIX}{path}": ENDPOINTS[path] for path in ("/chat/completions", "/responses", "/embeddings")}
"""What the calls of a file may be for, by the path that stands in it."""


class _Line(msgspec.Struct):
    url: str
    body: msgspec.Raw


class _Request(msgspec.Struct):
    params: msgspec.Raw


class _Requests(msgspec.Struct):
    requests: list[_Request]


_line = msgspec.json.Decoder(_Line)
_requests = msgspec.json.Decoder(_Requests)
_raw_requests = msgspec.json.Decoder(list[msgspec.Raw])
_top = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch that was read: its calls' model, where they go, and how large each may become."""

    model: str
    url: str
    sizes: Sequence[CallSize]


def read_batch_file(content: bytes) -> ReadBatch:
    """The calls of a file, one on each line. Refuses `invalid_input`, naming the line.

    Rule: TASK-2
    """
    return _read((f"line {number}", _of_line(line, number)) for number, line in _lines(content))


def read_message_batch(body: bytes) -> ReadBatch:
    """The requests of a batch of messages. Refuses `invalid_input`, naming the request.

    Rule: TASK-2
    """
    try:
        requests = _requests.decode(body).requests
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Refusal("invalid_input", f"The body cannot be read: {fault}.", field="requests") from None
    return _read(
        (f"requests.{number}", (MESSAGES, f"{PREFIX}{MESSAGES.path}", bytes(request.params)))
        for number, request in enumerate(requests)
    )


def renamed_file(content: bytes, model: str) -> bytes:
    """The same file with the model as its provider calls it."""
    return b"".join(
        rewritten(line, {"body": msgspec.Raw(rewritten(bytes(_line.decode(line).body), {"model": model}))}) + b"\n"
        for _, line in _lines(content)
    )


def renamed_message_batch(body: bytes, model: str) -> bytes:
    """The same batch with the model as its provider calls it."""

    def renamed(request: bytes) -> msgspec.Raw:
        params = rewritten(bytes(_top.decode(request)["params"]), {"model": model})
        return msgspec.Raw(rewritten(request, {"params": msgspec.Raw(params)}))

    requests = _raw_requests.decode(_top.decode(body)["requests"])
    return rewritten(body, {"requests": [renamed(bytes(request)) for request in requests]})


_Call = tuple[Endpoint, str, bytes]


def _read(calls: Iterator[tuple[str, _Call]]) -> ReadBatch:
    sizes: list[CallSize] = []
    model = url = ""
    for place, (endpoint, its_url, body) in calls:
        wanted = _wanted(body, endpoint, place)
        if not sizes:
            model, url = wanted.model, its_url
        if wanted.model != model:
            raise Refusal("invalid_input", f"All calls of a batch are for one model, here {model}.", field=place)
        if its_url != url:
            raise Refusal("invalid_input", f"All calls of a batch go to one place, here {url}.", field=place)
        if len(sizes) >= REQUESTS_MAX:
            raise Refusal("invalid_input", f"A batch has at most {REQUESTS_MAX} calls.", field=place)
        sizes.append(CallSize(wanted.size, wanted.choices, wanted.output_max if endpoint.answers else 0))
    if not sizes:
        raise Refusal("invalid_input", "A batch has at least one call.", field="requests")
    return ReadBatch(model, url, sizes)


def _wanted(body: bytes, endpoint: Endpoint, place: str) -> Wanted:
    """What one call asks for; what is refused of it is refused with its place."""
    try:
        return read_wanted(body, limit_fields=tuple(endpoint.limit_fields))
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{refusal.detail} ({place})", field=f"{place}.{refusal.field}") from None


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    number = 1
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        line = content[start:end].strip()
        if line:
            yield number, line
        start = end + 1
        number += 1


def _of_line(line: bytes, number: int) -> _Call:
    try:
        read = _line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Refusal("invalid_input", f"Line {number} cannot be read: {fault}.", field="file") from None
    endpoint = IN_FILES.get(read.url)
    if endpoint is None:
        known = ", ".join(IN_FILES)
        raise Refusal("invalid_input", f"The url of line {number} is one of {known}.", field="file")
    return endpoint, read.url, bytes(read.body)
