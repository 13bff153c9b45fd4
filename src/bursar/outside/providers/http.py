"""A provider that is asked over HTTP: one pool of connections, HTTP/1.1 or 2, and no surprises on the way.

What was set up is where a call goes, and nowhere else: no redirect is followed, no cookie kept, no proxy taken from the
environment. An answer is read a piece at a time, when the piece is asked for, so a client that reads slowly slows its
provider down instead of filling memory. The key stands in no log, no repr and no error.

Rule: PROVIDER-5, PROVIDER-6, PROVIDER-7
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from pyreqwest.bytes import Bytes
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, ConnectTimeoutError, PyreqwestError, RequestTimeoutError
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import RequestBuilder, StreamRequest
from pyreqwest.response import Response, ResponseBodyReader

from bursar import __version__
from bursar.domain.providers import NEVER_PASSED_ON, Timeouts, is_below, joined
from bursar.domain.refusals import Broken
from bursar.outside.identity import new_uuid
from bursar.outside.providers.patience import Patience
from bursar.outside.providers.port import ProviderBroke, ProviderCall, ProviderUnreachable

IDLE_CONNECTION = timedelta(seconds=60)
"""Shorter than what load balancers in front of providers close at, so that a call seldom meets a closed connection."""
GIVEN_UP_MAX = 1_000
"""How many calls may be under way at a provider whose callers gave them up before an answer began: each takes a
connection, for as long as the provider takes to begin.
"""
STREAM_WINDOW_BYTES = 1024 * 1024
"""What a stream of HTTP/2 may send ahead of its reader: enough for a fast line, little enough for many streams."""

IN_ONE_PIECE_BYTES_MAX = 64 * 1024
"""JSON of known length up to here is read at once, since half of it is of no use to anybody; that saves a second way to
the library and back."""

USER_AGENT = f"bursar/{__version__}"


@dataclass(frozen=True)
class Connection:
    """Where a provider is and how it is asked. `headers` go with every call, the key's among them, and `secrets` are
    what of them is shown to nobody; `problem` says why nobody can be asked there, such as for want of the key.
    """

    name: str
    base_url: str
    timeouts: Timeouts
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    proxy: str | None = field(default=None, repr=False)
    problem: str | None = None


class HttpProvider:
    """A provider over HTTP. Its connections are closed when nobody holds it any more, and not before: whoever found it
    in an older catalogue still gets to ask.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        own = {name.lower(): value for name, value in connection.headers}
        # Compressed, what was used could not be read as it goes by.
        own |= {"accept-encoding": "identity", "user-agent": USER_AGENT}
        self._client = _client(connection, own)
        self._given_up: set[asyncio.Task[None]] = set()
        # What goes with every call is not the caller's to replace.
        self._kept_back = NEVER_PASSED_ON | own.keys() | {"content-type", "x-request-id"}

    @property
    def name(self) -> str:
        return self._connection.name

    @property
    def secrets(self) -> Sequence[str]:
        """No answer may repeat them."""
        return self._connection.secrets

    @property
    def connection(self) -> Connection:
        """What it was made from."""
        return self._connection

    def __repr__(self) -> str:
        return f"HttpProvider({self.name!r}, {self._connection.base_url!r})"

    @asynccontextmanager
    async def asked(self, call: ProviderCall) -> AsyncIterator[HttpAnswer]:
        """The answer, once its head is there. Leaving the block early ends the request at the provider, too. Being
        cancelled before that ends it as soon as the answer begins, and not earlier.

        A redirect is no answer: following it could carry the key elsewhere, and passing it on would make the client go
        there instead.
        """
        if self._connection.problem is not None:
            raise ProviderUnreachable(self._connection.problem)
        if len(self._given_up) >= GIVEN_UP_MAX:
            raise ProviderUnreachable(f"{self.name} leaves too many calls waiting that were given up.")
        try:
            request = self._request(call).build_streamed()
        except ValueError as fault:  # an address that no machine can have
            raise ProviderUnreachable(f"{self.name} cannot be asked at its address: {fault}.") from None
        patience = Patience()
        try:
            response = await self._head(request, patience)
            try:
                if 300 <= response.status < 400:
                    raise ProviderUnreachable(f"{self.name} answered with a redirect, which is not followed.")
                yield HttpAnswer(self.name, response, patience, self._connection.timeouts.between_pieces_seconds)
            finally:
                await request.__aexit__(None, None, None)
        finally:
            patience.close()

    async def _head(self, request: StreamRequest, patience: Patience) -> Response:
        """Waits for an answer to begin, in a task of its own. The library forgets a cancelled request without ending
        it, or forgets the cancellation where the answer comes at that moment; so it is never told, and an answer that
        nobody waits for any more is left as soon as it is there.
        """
        timeouts = self._connection.timeouts
        entering = asyncio.create_task(_entered(request))
        try:
            return await patience.wait(asyncio.shield(entering), seconds=timeouts.first_byte_seconds)
        except (TimeoutError, PyreqwestError) as fault:
            self._give_up(request, entering)
            raise ProviderUnreachable(_why(self.name, fault, timeouts)) from None
        except asyncio.CancelledError:
            self._give_up(request, entering)
            raise

    def _give_up(self, request: StreamRequest, entering: asyncio.Task[Response]) -> None:
        """Sees to it that a request ends once its answer begins; one that failed has ended."""
        leaving = asyncio.create_task(_left(request, entering))
        self._given_up.add(leaving)
        leaving.add_done_callback(self._given_up.discard)

    def _request(self, call: ProviderCall) -> RequestBuilder:
        if not is_below(call.path):
            raise Broken("a provider is asked below its own address", path=call.path)
        request = self._client.request(call.method, joined(self._connection.base_url, call.path))
        headers = [
            (name, value)
            for name, value in call.headers
            if name.lower() not in self._kept_back and value.isascii() and value.isprintable()
        ]
        headers.append(("x-request-id", call.request_id or new_uuid().hex))
        if call.body:
            headers.append(("content-type", call.content_type))
            request = request.body_bytes(call.body)
        # Zero keeps the library from waiting until some of the body has come before it hands over the head.
        return request.headers(headers).streamed_read_buffer_limit(0)


class HttpAnswer:
    """An answer that is coming."""

    def __init__(self, name: str, response: Response, patience: Patience, between_pieces_seconds: float) -> None:
        self._name = name
        self._patience = patience
        self._between_seconds = between_pieces_seconds
        self._reader: ResponseBodyReader = response.body_reader
        self.status = response.status
        self.headers: Mapping[str, str] = AnswerHeaders(response)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, each piece read when it is asked for; JSON that is short in one piece."""
        if self._is_short:
            piece = await self._read(self._reader.bytes())
            if piece is not None:
                yield bytes(piece)
            return
        while (piece := await self._read(self._reader.read_chunk())) is not None:
            yield bytes(piece)

    @property
    def _is_short(self) -> bool:
        length = self.headers.get("content-length", "")
        is_json = self.headers.get("content-type", "").startswith("application/json")
        return is_json and length.isdecimal() and int(length) <= IN_ONE_PIECE_BYTES_MAX

    async def _read(self, piece: Awaitable[Bytes | None]) -> Bytes | None:
        try:
            return await self._patience.wait(piece, seconds=self._between_seconds)
        except (TimeoutError, PyreqwestError) as fault:
            raise ProviderBroke(_why_broken(self._name, fault)) from None


class AnswerHeaders(Mapping[str, str]):
    """The headers of an answer by their names in lower case, each looked up when it is asked for: of the dozens that
    providers send, three are wanted.

    Of a header that came several times the first counts; one that is no text is left out.
    """

    __slots__ = ("_response",)

    def __init__(self, response: Response) -> None:
        self._response = response

    def __getitem__(self, name: str) -> str:
        try:
            value = self._response.get_header(name)
        except ValueError:
            value = None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        # Its plain iteration reads the values, too.
        names = dict.fromkeys(name.lower() for name in self._response.headers.keys())  # noqa: SIM118
        return (name for name in names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


async def _entered(request: StreamRequest) -> Response:
    return await request.__aenter__()


async def _left(request: StreamRequest, entering: asyncio.Task[Response]) -> None:
    try:
        await entering
    except (PyreqwestError, TimeoutError):
        return
    await request.__aexit__(None, None, None)


def _client(connection: Connection, own: Mapping[str, str]) -> Client:
    timeouts = connection.timeouts
    # The library gives up waiting for an answer when its caller does, but its request stays under way until the answer
    # begins; so this ends it at the latest. To be removed once leaving early ends it (pyreqwest 0.15.1).
    longest_wait = max(timeouts.first_byte_seconds, timeouts.between_pieces_seconds)
    builder = (
        ClientBuilder()
        .default_headers(own)
        .no_proxy()
        .http2(True)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http1_lower_case_headers()
        .follow_redirects(False)
        .referer(False)
        .default_cookie_store(False)
        .connect_timeout(timedelta(seconds=timeouts.connect_seconds))
        .timeout(timedelta(seconds=timeouts.whole_seconds))
        .read_timeout(timedelta(seconds=longest_wait))
        .pool_idle_timeout(IDLE_CONNECTION)
    )
    if connection.proxy is not None:
        builder = builder.proxy(ProxyBuilder.all(connection.proxy))
    return builder.build()


def _why(name: str, fault: Exception, timeouts: Timeouts) -> str:
    """A sentence for logs and people. Of the library's words only the innermost are taken, which name no header."""
    if isinstance(fault, ConnectTimeoutError):
        return f"{name} took no connection within {timeouts.connect_seconds} seconds."
    if isinstance(fault, RequestTimeoutError | TimeoutError):
        return f"{name} began no answer within {timeouts.first_byte_seconds} seconds."
    if isinstance(fault, ConnectError):
        return f"{name} cannot be reached: {_innermost(fault)}."
    return f"{name} gave no answer: {_innermost(fault)}."


def _why_broken(name: str, fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return f"{name} stopped in the middle of its answer."
    return f"{name} broke off its answer: {_innermost(fault)}."


def _innermost(fault: Exception) -> str:
    details = getattr(fault, "details", None) or {}
    causes = details.get("causes") or [{"message": type(fault).__name__}]
    return str(causes[-1]["message"])
