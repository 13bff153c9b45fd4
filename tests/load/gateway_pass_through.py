"""The same server without books: what comes is read, asked of the provider, and passed back; nobody is asked for a key.

python -m tests.load.gateway_pass_through <address of the provider>: prints its own, and ends with its standard input.
"""

from __future__ import annotations

import sys
from typing import Any

from bursar.api.front import FrontDoor
from bursar.domain.providers import Timeouts
from bursar.gateway.headers import given_back, passed_on
from bursar.gateway.receiving import BodyBounds, read_body
from bursar.gateway.room import Room
from bursar.gateway.sending import Outlet
from bursar.outside.logs import configure_logs
from bursar.outside.metrics import Metrics
from bursar.outside.providers import ProviderCall
from bursar.outside.providers.bodies import read_wanted
from bursar.outside.providers.endpoints import ENDPOINTS
from bursar.outside.providers.http import Connection, HttpProvider
from bursar.outside.tracing import NO_TRACING
from tests.load.processes import serve_until_input_ends

BOUNDS = BodyBounds(33_554_432, 60.0)
SEND_SECONDS_MAX = 30.0


class PassThrough:
    """One provider, and the way to it."""

    def __init__(self, base_url: str) -> None:
        self._provider = HttpProvider(Connection("bench", base_url, Timeouts()))
        self._room = Room(calls_max=2_000, bytes_max=268_435_456)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Passes one call on and back."""
        endpoint = ENDPOINTS[scope["path"].removeprefix("/v1")]
        with self._room.enter() as place:
            body = await read_body(scope["headers"], receive, BOUNDS, place=place)
            wanted = read_wanted(body, limit_fields=tuple(endpoint.limit_fields))
            call = ProviderCall(
                path=endpoint.path,
                body=body,
                headers=passed_on(scope["headers"], endpoint.dialect),
                request_id=scope["request_id"],
            )
            outlet = Outlet(send, seconds_max=SEND_SECONDS_MAX)
            async with self._provider.asked(call) as answer:
                headers = given_back(answer.headers)
                if wanted.is_stream:
                    await outlet.begin(answer.status, headers)
                    async for piece in answer.pieces():
                        await outlet.pass_on(piece)
                    await outlet.pass_on(b"", is_last=True)
                    return
                whole = b"".join([piece async for piece in answer.pieces()])
                await outlet.begin(answer.status, [*headers, (b"content-length", str(len(whole)).encode())])
                await outlet.pass_on(whole, is_last=True)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """There is nothing but the gateway."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serves."""
    configure_logs(log_format="console", level="info")
    gateway = PassThrough(f"{sys.argv[1]}/v1")
    front = FrontDoor(gateway=gateway, api=nothing, console=nothing, metrics=Metrics(), tracing=NO_TRACING)
    serve_until_input_ends(front)


if __name__ == "__main__":
    main()
