"""How a provider's answer goes back to the client: whole, or piece by piece as it comes; and how its call is ended.

A whole answer is charged before it leaves, so that it can say what it cost. A stream is charged when it has ended, and
says so in its last line, which every client reads over.

Rule: CALL-3, CALL-5
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

from bursar.actions.catalogue import Candidate
from bursar.actions.model_calls import Charged, Ended, ModelCall
from bursar.domain.calls import CallOutcome
from bursar.domain.costs import Usage
from bursar.domain.dialects import Dialect
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Headers, Receive, Send
from bursar.gateway.gate import Gate
from bursar.gateway.headers import given_back, provider_request_id
from bursar.gateway.limits import Ticket
from bursar.gateway.provider_errors import REDACTED, PassedError, redacted
from bursar.gateway.receiving import ClientGone, WhileClientListens
from bursar.gateway.sending import SILENCE_SECONDS, Outlet
from bursar.outside.clock import Stopwatch
from bursar.outside.providers import ProviderAnswer, ProviderBroke
from bursar.outside.providers.bodies import Wanted
from bursar.outside.providers.endpoints import Endpoint
from bursar.outside.providers.streams import Stream
from bursar.outside.providers.usages import service_of

ANSWER_BYTES_MAX = 256 * 1024 * 1024
"""The largest answer that is kept whole: pictures and sound of the largest models are a tenth of it."""

JSON = b"application/json"
EVENTS = "text/event-stream"


class Delivery:
    """The way back for one call."""

    def __init__(
        self,
        gate: Gate,
        endpoint: Endpoint,
        request_id: str,
        ticket: Ticket,
        receive: Receive,
        send: Send,
        stopwatch: Stopwatch,
    ) -> None:
        self.endpoint = endpoint
        self._request_id = request_id
        self.ticket = ticket
        self.listening = WhileClientListens(receive)
        self.outlet = Outlet(send, seconds_max=gate.send_seconds_max)
        self._stopwatch = stopwatch
        self.metrics = gate.calls.desk.metrics

    async def deliver(
        self, candidate: Candidate, answer: ProviderAnswer, call: ModelCall | None, wanted: Wanted
    ) -> None:
        """Passes the answer on and ends its call. Raises `ProviderBroke` or a `Refusal` only while nothing has
        been passed on, so that somebody else can be asked."""
        is_events = answer.headers.get("content-type", "").startswith(EVENTS)
        if wanted.is_stream and is_events and self.endpoint.stream_of is not None and call is not None:
            stream = self.endpoint.stream_of(self.endpoint.asks_for_usage and not wanted.asks_for_usage)
            await _Streaming(self, candidate, answer, call, stream).run()
        else:
            await self._deliver_whole(candidate, answer, call)

    async def pass_error(self, error: PassedError) -> None:
        """The provider's own error about the call, in the client's words."""
        try:
            headers = [(b"content-type", JSON), (b"content-length", str(len(error.body)).encode())]
            await self.outlet.begin(error.status, [*headers, *self.own_headers()])
            await self.outlet.pass_on(error.body, is_last=True)
        except ClientGone:
            return

    async def _deliver_whole(self, candidate: Candidate, answer: ProviderAnswer, call: ModelCall | None) -> None:
        """A whole answer, which is charged first. A client that has left by then is charged as well: it was made."""
        body = await _whole(answer)
        if body.lstrip()[:1] not in (b"{", b"["):
            raise Refusal("provider_failed", "The model's provider answered with something that is no JSON.")
        headers = [*given_back(answer.headers), (b"content-length", str(len(body)).encode()), *self.own_headers()]
        if call is not None:
            read = self.endpoint.read(body)
            charged = await call.end(
                Ended(
                    CallOutcome.DELIVERED,
                    candidate,
                    usage=None if read.usage is None else read.usage.usage,
                    words=read.words,
                    service=read.service,
                    answered_tokens=-(-len(body) // 4) if self.endpoint.answers else 0,
                    status=answer.status,
                    provider_request_id=provider_request_id(answer.headers),
                    first_byte_ms=self.passed_ms(),
                )
            )
            self.ticket.used(charged.tokens)
            headers += [*call_headers(call, candidate), *charge_headers(charged)]
        try:
            await self.outlet.begin(answer.status, [*headers, *self.ticket.headers(self.endpoint.dialect)])
            await self.outlet.pass_on(body, is_last=True)
        except ClientGone:
            return

    def passed_ms(self) -> int:
        """Milliseconds since the call came."""
        return round(self._stopwatch.seconds() * 1000)

    def own_headers(self) -> Headers:
        """Under which id the call is known here."""
        request_id = self._request_id.encode()
        return [(b"request-id", request_id), (b"x-request-id", request_id), (b"cache-control", b"no-store")]


class _Streaming:
    """A stream going by, from its first piece to the end of its call."""

    def __init__(
        self, delivery: Delivery, candidate: Candidate, answer: ProviderAnswer, call: ModelCall, stream: Stream
    ) -> None:
        self._delivery = delivery
        self._candidate = candidate
        self._answer = answer
        self._call = call
        self._stream = stream
        self._secrets = [secret.encode() for secret in candidate.provider.secrets if secret]
        self._first_byte_ms: int | None = None
        self._has_begun = False

    async def run(self) -> None:
        """Passes everything on, and ends the call whatever happens.

        Rule: CALL-3, CALL-10, CALL-11
        """
        try:
            with self._delivery.outlet.kept_alive(self._delivery.endpoint.dialect):
                await self._pass_pieces()
            outcome, fault = CallOutcome.DELIVERED, self._stream.fault
            if fault is not None:
                outcome = CallOutcome.BROKEN
        except ClientGone:
            outcome, fault = CallOutcome.CANCELLED, "the client left"
        except ProviderBroke as broken:
            if not self._has_begun:
                raise
            outcome, fault = CallOutcome.BROKEN, str(broken) or "the provider broke off"
        except BaseException as fault_of_ours:
            # The client has left, or this process ends: what went by until now is charged.
            if self._has_begun and self._delivery.listening.has_gone:
                await self._end(CallOutcome.CANCELLED, "the client left")
            elif self._has_begun:
                await self._end(CallOutcome.BROKEN, type(fault_of_ours).__name__)
            raise
        if outcome is CallOutcome.BROKEN:
            self._delivery.metrics.provider_failed(provider=self._candidate.provider_name, failure="broke")
        await self._close(outcome, await self._end(outcome, fault))

    async def _pass_pieces(self) -> None:
        outlet, stream, call = self._delivery.outlet, self._stream, self._call
        pieces = aiter(self._answer.pieces())
        first = await self._first(pieces)
        if first is not None:
            self._first_byte_ms = self._delivery.passed_ms()
            await outlet.pass_on(self._without_secrets(stream.feed(first)))
        async for piece in pieces:
            await outlet.pass_on(self._without_secrets(stream.feed(piece)))
            await call.keep_alive()
        await outlet.pass_on(stream.rest())

    def _without_secrets(self, piece: bytes) -> bytes:
        """The piece as it is; but for our key, should the provider repeat it in an error within its stream.

        Rule: LIMIT-9
        """
        for secret in self._secrets:
            if secret in piece:
                piece = piece.replace(secret, REDACTED.encode())
        return piece

    async def _first(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        """The first piece, after which nobody else can be asked; where it is long in coming, the answer is begun
        without it, so that nobody on the way takes the client's connection for dead.
        """
        coming = asyncio.ensure_future(_next(pieces))
        try:
            await asyncio.wait({coming}, timeout=SILENCE_SECONDS)
            if not coming.done():
                await self._begin()
            first = await coming
        finally:
            coming.cancel()
        if not self._has_begun:
            await self._begin()
        return first

    async def _begin(self) -> None:
        self._has_begun = True
        delivery = self._delivery
        headers = [
            *given_back(self._answer.headers),
            *delivery.own_headers(),
            *call_headers(self._call, self._candidate),
            *delivery.ticket.headers(delivery.endpoint.dialect),
        ]
        await delivery.outlet.begin(200, headers)

    async def _end(self, outcome: CallOutcome, fault: str | None) -> Charged:
        stream = self._stream
        usage, is_estimated = self._used()
        charged = await self._call.end(
            Ended(
                CallOutcome.FAILED if self._first_byte_ms is None else outcome,
                self._candidate,
                usage=usage,
                is_estimated=is_estimated,
                words=stream.words,
                service=service_of(stream.service),
                answered_tokens=stream.answered_tokens,
                status=self._answer.status,
                fault=None if fault is None else redacted(fault, self._candidate.provider.secrets),
                provider_request_id=provider_request_id(self._answer.headers),
                first_byte_ms=self._first_byte_ms,
            )
        )
        self._delivery.ticket.used(charged.tokens)
        return charged

    def _used(self) -> tuple[Usage | None, bool]:
        """What the provider said was used, and whether it stopped saying so before its last word: Anthropic's says the
        input at once and the output at the end, so of one that broke off the output is what went by.
        """
        stream = self._stream
        if stream.usage is None or stream.is_whole:
            return (None if stream.usage is None else stream.usage.usage), False
        said = stream.usage.usage
        return replace(said, output_tokens=max(said.output_tokens, stream.answered_tokens)), True

    async def _close(self, outcome: CallOutcome, charged: Charged) -> None:
        """The last of what the client gets: what it cost, or in its own words that the provider broke off."""
        if outcome is CallOutcome.CANCELLED:
            return
        last = b""
        if outcome is CallOutcome.BROKEN:
            last = broken_off(self._delivery.endpoint)
        try:
            await self._delivery.outlet.pass_on(last + charge_comment(charged), is_last=True)
        except ClientGone:
            return


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _whole(answer: ProviderAnswer) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.pieces():
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise ProviderBroke("the answer is larger than anything that is expected")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def call_headers(call: ModelCall, candidate: Candidate) -> Headers:
    """Which call it is, what is held for it, and that no model ran, where none did."""
    headers = [(b"x-bursar-call-id", public_id("call", call.call_id).encode())]
    if call.held is not None:
        headers.append((b"x-bursar-credits-held", str(call.held).encode()))
    if candidate.is_simulated:
        headers.append((b"x-bursar-simulated", b"true"))
    return headers


def charge_headers(charged: Charged) -> Headers:
    """What the call was charged, and what is left. Nothing of it, where the books could not be reached yet."""
    if not charged.is_final:
        return []
    headers = [(b"x-bursar-credits-charged", str(charged.credits).encode())]
    if charged.left is not None:
        headers.append((b"x-bursar-credits-remaining", str(charged.left).encode()))
    return headers


def charge_comment(charged: Charged) -> bytes:
    """The same as the last line of a stream: a comment, which every reader of events reads over."""
    return b"".join(b": " + name + b": " + value + b"\n\n" for name, value in charge_headers(charged))


def broken_off(endpoint: Endpoint) -> bytes:
    """That the provider broke off, as an event that clients of this endpoint raise, after whatever was under way."""
    message = "The model's provider broke off in the middle of its answer; what was delivered is charged."
    if endpoint.dialect is Dialect.ANTHROPIC:
        event = {"type": "error", "error": {"type": "api_error", "message": message}}
        return b"\n\nevent: error\ndata: " + json.dumps(event).encode() + b"\n\n"
    error = {"message": message, "type": "server_error", "code": "provider_broke", "param": None}
    if endpoint.name == "responses":
        return b"\n\nevent: error\ndata: " + json.dumps({**error, "type": "error"}).encode() + b"\n\n"
    return b"\n\ndata: " + json.dumps({"error": error}).encode() + b"\n\n"
