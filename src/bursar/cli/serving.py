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

from bursar.compose import Ground, Office, office
from bursar.config import CannotStart, Settings

LISTEN_BACKLOG = 1024
KEEP_ALIVE_SECONDS = 30

_Result = TypeVar("_Result")


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: `serve` below owns the signals, from before start to after the end."""

    def capture_signals(self) -> Any:
        return nullcontext()


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """A socket that holds the port from the first moment. Raises `CannotStart` if the port is taken or not ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=LISTEN_BACKLOG)
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
    server: _Server | None = None

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
            server = _Server(_uvicorn_config(settings, running))
            announcing = asyncio.create_task(_announce_when_started(server, announce))
            try:
                await server.serve(sockets=[listener])
            finally:
                announcing.cancel()
    except asyncio.CancelledError:
        # Told to stop before the first request could be served: that is a clean end too.
        if server is not None:
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _announce_when_started(server: uvicorn.Server, announce: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    announce()


def _uvicorn_config(settings: Settings, running: Office) -> uvicorn.Config:
    return uvicorn.Config(
        running.application,  # type: ignore[arg-type]
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_grace_seconds,
    )
