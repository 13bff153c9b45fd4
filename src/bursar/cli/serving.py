"""Listening: the socket, the signals, and the server between them."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bursar.api.front import Application
from bursar.cli.gathering import gathering
from bursar.compose import Ground, Office, office
from bursar.config import CannotStart, Settings
from bursar.outside.collector import quieten_collector

LISTEN_BACKLOG = 1024
KEEP_ALIVE_SECONDS = 30
HEAD_SECONDS = 20.0
"""A head fits into a packet or two; who takes longer holds a connection and asks for nothing."""
UNTAKEN_SECONDS = 60
"""A client that has taken nothing of what was sent to it for so long is cut off. Whoever waits for it gives up earlier;
this is for what was sent last, which nobody waits for and which would stay in memory.
"""

_Result = TypeVar("_Result")


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which waits for the head of a request only so long, and sends together what is written together.
    uvicorn itself would wait for ever.

    The waiting is to be removed when uvicorn has a time-out of its own for this.

    Rule: LIMIT-14
    """

    head_seconds_max = HEAD_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(gathering(transport, self.loop))
        self._expect_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._stop_expecting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds_max, self.transport.abort)

    def _stop_expecting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Server(uvicorn.Server):
    """uvicorn without its own signal handling: `serve` below owns the signals, from before start to after the end."""

    def __init__(self, config: uvicorn.Config, *, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def capture_signals(self) -> Any:
        return nullcontext()


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """A socket that holds the port from the first moment. Raises `CannotStart` if the port is taken or not ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = listener_at(settings.host, settings.port, family=family)
    except OSError as error:
        raise _cannot_listen(settings, error) from error
    with listener:
        yield listener


def _cannot_listen(settings: Settings, error: OSError) -> CannotStart:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return CannotStart(
            f"Port {settings.port} on {settings.host} is taken by another program, perhaps another Bursar.",
            hint="stop it, or choose another port with --port or BURSAR_PORT",
        )
    if error.errno == errno.EACCES:
        return CannotStart(f"{where} may not be used by this user.", hint="choose a port of 1024 or above")
    return CannotStart(
        f"Cannot listen on {where}: {error.strerror or error}.", hint="choose another with --host or BURSAR_HOST"
    )


def listener_at(host: str, port: int, *, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A listening socket whose connections send at once. Raises `OSError`.

    An answer's head and body are two writes. Unless told, the system keeps the second back until the client has
    acknowledged the first, which clients put off for 40 ms; and an event loop tells it only for sockets it made itself.
    """
    listener = socket.create_server((host, port), family=family, backlog=LISTEN_BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; elsewhere the system's own patience counts
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_SECONDS * 1000)
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL to open in a browser."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def run(work: Awaitable[_Result]) -> _Result:
    """Runs to its end in an event loop of its own."""

    async def awaited() -> _Result:
        return await work

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(awaited())


async def serve(
    settings: Settings,
    ground: Ground,
    listener: socket.socket,
    *,
    prepare: Callable[[Office], Awaitable[None]],
    announce: Callable[[], None],
) -> None:
    """Serves until SIGINT or SIGTERM. `prepare` runs before the first request, `announce` when requests are answered.

    The first signal lets running requests finish for the grace period, a second one drops them.
    """
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    assert this is not None
    server: Server | None = None

    def stop() -> None:
        if server is None:
            this.cancel()
        elif server.should_exit:
            server.force_exit = True
        else:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        async with office(settings, ground) as running:
            await prepare(running)
            quieten_collector()
            server = Server(uvicorn_config(running.application, settings), announce=announce)
            await server.serve(sockets=[listener])
    except asyncio.CancelledError:
        # Told to stop before the first request could be served: that is a clean end too.
        if server is not None:
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def uvicorn_config(application: Application, settings: Settings) -> uvicorn.Config:
    """How an application is served, here and in tests.

    A client is whoever connects, unless that is a trusted proxy: then it is the last of `X-Forwarded-For` that is none.

    Rule: SESSION-17
    """
    proxies = [str(network) for network in settings.trusted_proxies]
    return uvicorn.Config(
        application,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_grace_seconds,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
    )
