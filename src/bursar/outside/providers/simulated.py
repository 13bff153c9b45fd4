"""A provider that runs no model: it answers every call at once, always alike, and counts honestly.

For the demo, for tests and for measuring Bursar itself, where no key is wanted. It speaks both dialects, and every
answer says in its text that it is simulated. A token is four bytes here, begun ones included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bursar.outside.providers.port import ProviderCall
from bursar.outside.providers.simulated_jobs import SimulatedJobs

BYTES_PER_TOKEN = 4
QUOTED_MAX = 120
"""How much of the question an answer repeats."""
DIMENSIONS = 8
MODELS = ("simulated-small", "simulated-large")
"""Those that are listed; it answers for any other name just as well."""
CREATED = 1_700_000_000
"""An answer that is always the same was always given at the same time."""

JSON_HEADERS = {"content-type": "application/json"}
STREAM_HEADERS = {"content-type": "text/event-stream; charset=utf-8"}


@dataclass(frozen=True)
class Simulated:
    """An answer of this provider."""

    status: int
    body: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, an event or all of it at a time."""
        for piece in self.body:
            yield piece


@dataclass(frozen=True)
class SimulatedProvider:
    """The provider without a model."""

    name: str = "simulated"
    secrets: Sequence[str] = ()
    jobs: SimulatedJobs = field(default_factory=lambda: SimulatedJobs(_answered), compare=False, repr=False)

    @asynccontextmanager
    async def asked(self, call: ProviderCall) -> AsyncIterator[Simulated]:
        """Answers a call as its path asks for; anything else is not there."""
        of_job = self.jobs.answered(call)
        if of_job is not None:
            status, body, content_type = of_job
            yield Simulated(status, [body], {"content-type": content_type})
            return
        if call.method == "GET" and call.path == "/models":
            yield _models()
            return
        answer = _ANSWERS.get(call.path) if call.method == "POST" else None
        if answer is None:
            error = {"error": {"message": f"Nothing is simulated at {call.path}.", "type": "invalid_request_error"}}
            yield Simulated(404, [_json(error)])
        else:
            yield answer(json.loads(call.body))


def tokens_of(text: str) -> int:
    """How many tokens a text has here."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


@dataclass(frozen=True)
class _Said:
    """What was asked, as tokens, and what is answered within its limit, word by word."""

    input_tokens: int
    words: tuple[str, ...]
    is_cut: bool

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def output_tokens(self) -> int:
        return tokens_of(self.text)


def _said(question: Any, limit: int | None) -> _Said:
    texts = list(_texts(question))
    last = texts[-1] if texts else ""
    answer = f"This is a simulated answer to: {last[:QUOTED_MAX]}"
    words: list[str] = []
    for word in (part if number == 0 else f" {part}" for number, part in enumerate(answer.split(" "))):
        if limit is not None and tokens_of("".join(words) + word) > limit:
            return _Said(sum(map(tokens_of, texts)), tuple(words), is_cut=True)
        words.append(word)
    return _Said(sum(map(tokens_of, texts)), tuple(words), is_cut=False)


def _texts(value: Any) -> Iterator[str]:
    """Every text in what was asked, in order: contents, instructions, and inputs that are plain texts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for name in ("content", "text", "input"):
            if name in value:
                yield from _texts(value[name])


def _chat(asked: Mapping[str, Any]) -> Simulated:
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    said = _said(asked.get("messages"), limit)
    choices = asked.get("n") or 1
    head = {
        "id": _id("chatcmpl", asked),
        "created": CREATED,
        "model": asked["model"],
        "system_fingerprint": "simulated",
    }
    usage = {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.output_tokens * choices,
        "total_tokens": said.input_tokens + said.output_tokens * choices,
    }
    reason = "length" if said.is_cut else "stop"
    if not asked.get("stream"):
        message = {"role": "assistant", "content": said.text, "refusal": None}
        answers = [{"index": i, "message": message, "logprobs": None, "finish_reason": reason} for i in range(choices)]
        return Simulated(200, [_json({**head, "object": "chat.completion", "choices": answers, "usage": usage})])
    head["object"] = "chat.completion.chunk"
    asks_for_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
    no_usage: dict[str, Any] = {"usage": None} if asks_for_usage else {}

    def chunk(index: int, delta: Mapping[str, Any], reason: str | None) -> bytes:
        return _event({**head, "choices": [{"index": index, "delta": delta, "finish_reason": reason}], **no_usage})

    pieces = [chunk(i, {"role": "assistant", "content": ""}, None) for i in range(choices)]
    pieces += [chunk(i, {"content": word}, None) for word in said.words for i in range(choices)]
    pieces += [chunk(i, {}, reason) for i in range(choices)]
    if asks_for_usage:
        pieces.append(_event({**head, "choices": [], "usage": usage}))
    return Simulated(200, [*pieces, b"data: [DONE]\n\n"], STREAM_HEADERS)


def _response(asked: Mapping[str, Any]) -> Simulated:
    said = _said([asked.get("instructions"), asked.get("input")], asked.get("max_output_tokens"))
    identity = _id("resp", asked)
    item = {
        "id": _id("msg", asked),
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": said.text, "annotations": []}],
    }
    whole = {
        "id": identity,
        "object": "response",
        "created_at": CREATED,
        "model": asked["model"],
        "status": "incomplete" if said.is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if said.is_cut else None,
        "error": None,
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": said.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": said.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.input_tokens + said.output_tokens,
        },
        "metadata": asked.get("metadata") or {},
    }
    if not asked.get("stream"):
        return Simulated(200, [_json(whole)])
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {
            "type": "response.content_part.added",
            **place,
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
        *({"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in said.words),
        {"type": "response.output_text.done", **place, "text": said.text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": f"response.{whole['status']}", "response": whole},
    ]
    return Simulated(200, _named({**event, "sequence_number": n} for n, event in enumerate(events)), STREAM_HEADERS)


def _embeddings(asked: Mapping[str, Any]) -> Simulated:
    given = asked.get("input")
    texts = [given] if isinstance(given, str) else given or []
    tokens = sum(tokens_of(text) if isinstance(text, str) else len(text) for text in texts)
    rows = [
        {"object": "embedding", "index": number, "embedding": _vector(str(text))} for number, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Simulated(200, [_json({"object": "list", "data": rows, "model": asked["model"], "usage": usage})])


def _message(asked: Mapping[str, Any]) -> Simulated:
    said = _said([asked.get("system"), asked.get("messages")], asked.get("max_tokens"))
    reason = "max_tokens" if said.is_cut else "end_turn"
    head = {"id": _id("msg", asked), "type": "message", "role": "assistant", "model": asked["model"]}
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    usage = {"input_tokens": said.input_tokens, **cached, "output_tokens": said.output_tokens}
    if not asked.get("stream"):
        content = [{"type": "text", "text": said.text}]
        body = {**head, "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage}
        return Simulated(200, [_json(body)])
    begun = {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in said.words
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": said.output_tokens},
        },
        {"type": "message_stop"},
    ]
    return Simulated(200, _named(events), STREAM_HEADERS)


def _count_tokens(asked: Mapping[str, Any]) -> Simulated:
    return Simulated(
        200, [_json({"input_tokens": _said([asked.get("system"), asked.get("messages")], None).input_tokens})]
    )


def _models() -> Simulated:
    rows = [{"id": name, "object": "model", "created": CREATED, "owned_by": "simulated"} for name in MODELS]
    return Simulated(200, [_json({"object": "list", "data": rows})])


_ANSWERS = {
    "/chat/completions": _chat,
    "/responses": _response,
    "/embeddings": _embeddings,
    "/messages": _message,
    "/messages/count_tokens": _count_tokens,
}


def _answered(path: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The answer to one call of a batch."""
    answer = _ANSWERS.get(path)
    if answer is None:
        return None
    whole: Mapping[str, Any] = json.loads(b"".join(answer({**asked, "stream": False}).body))
    return whole


def _id(prefix: str, asked: Mapping[str, Any]) -> str:
    """An id that follows from what was asked, so that the same question is answered alike to the last byte."""
    return f"{prefix}_sim{hashlib.sha256(_json(asked)).hexdigest()[:24]}"


def _vector(text: str) -> list[float]:
    digest = hashlib.sha256(text.encode()).digest()
    return [(byte - 128) / 128 for byte in digest[:DIMENSIONS]]


def _named(events: Any) -> list[bytes]:
    return [f"event: {event['type']}\n".encode() + _event(event) for event in events]


def _event(event: Any) -> bytes:
    return b"data: " + _json(event) + b"\n\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
