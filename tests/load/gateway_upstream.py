"""A provider on the loopback that answers like OpenAI at once, and costs next to nothing: what Bursar is compared with.

python -m tests.load.gateway_upstream: a process of its own, which prints its port and ends with its standard input.

The path says how it answers: `/v1/chat/completions` by the body's `stream` and, in the model's name, how many events
there are and how many a second: `bench-300-100` streams 300 events, 100 a second; with 0 a second, all at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tests.load.processes import serve_until_input_ends

INPUT_TOKENS = 180
"""What the body of `gateway_client` has, at about five bytes a token."""

_EVENT = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1795000000,"model":"bench",'
    b'"choices":[{"index":0,"delta":{"content":" credits"},"finish_reason":null}]}\n\n'
)
_LAST = b"data: [DONE]\n\n"
_JSON_HEADERS = [(b"content-type", b"application/json")]
_EVENT_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_CONTENT = " ".join(["credits"] * 60)


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Asked(msgspec.Struct):
    model: str
    stream: bool = False
    stream_options: _StreamOptions | None = None


_decode = msgspec.json.Decoder(_Asked).decode


def _usage(output_tokens: int) -> bytes:
    return b'"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}' % (
        INPUT_TOKENS,
        output_tokens,
        INPUT_TOKENS + output_tokens,
    )


_WHOLE = (
    b'{"id":"chatcmpl-bench","object":"chat.completion","created":1795000000,"model":"bench","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"%s","refusal":null},"logprobs":null,"finish_reason":"stop"}],%s}'
    % (_CONTENT.encode(), _usage(60))
)
_WHOLE_HEADERS = [*_JSON_HEADERS, (b"content-length", str(len(_WHOLE)).encode())]


async def upstream(scope: Any, receive: Any, send: Any) -> None:
    """Answers one request."""
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    asked = _decode(body)
    if not asked.stream:
        await send({"type": "http.response.start", "status": 200, "headers": _WHOLE_HEADERS})
        await send({"type": "http.response.body", "body": _WHOLE})
        return
    _, events, per_second = asked.model.split("-")
    await send({"type": "http.response.start", "status": 200, "headers": _EVENT_HEADERS})
    await _stream(send, int(events), int(per_second))
    says_usage = asked.stream_options is not None and asked.stream_options.include_usage
    ending = _LAST
    if says_usage:
        ending = b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1795000000,"model":"bench",'
        ending += b'"choices":[],%s}\n\n' % _usage(int(events)) + _LAST
    await send({"type": "http.response.body", "body": ending})


async def _stream(send: Any, events: int, per_second: int) -> None:
    piece = {"type": "http.response.body", "body": _EVENT, "more_body": True}
    if not per_second:
        for _ in range(events):
            await send(piece)
        return
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(events):
        await send(piece)
        await asyncio.sleep(max(0.0, started + (number + 1) / per_second - loop.time()))


if __name__ == "__main__":
    serve_until_input_ends(upstream)
