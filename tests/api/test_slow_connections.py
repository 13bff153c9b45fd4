"""Connections that ask for nothing, and clients that take nothing."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from bursar.cli.serving import UNTAKEN_SECONDS, PatientProtocol, listener_at
from tests.support.offices import served

WHOLE = b"GET /healthz HTTP/1.1\r\nhost: bursar\r\n\r\n"
BEGUN = b"POST / HTTP/1.1\r\nhost: bursar\r\ncontent-length: 1\r\n\r\n"


async def answers(scope: object, receive: object, send: object) -> None:
    """Answers as soon as the body is there."""
    await receive()  # type: ignore[operator]
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


@pytest.mark.rule("LIMIT-14")
@pytest.mark.parametrize(
    ("sent", "answered"), [(b"", 0), (b"G", 0), (WHOLE[:-1], 0), (WHOLE + b"G", 1), (WHOLE + WHOLE[:-2], 1)]
)
async def test_whoever_does_not_end_the_head_of_a_request_in_time_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, answered: int
) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds_max", 0.05)
    async with served(answers) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(sent)

        got = b""
        try:
            while piece := await asyncio.wait_for(reader.read(65_536), 10):
                got += piece
        except ConnectionResetError:
            pass  # an end as well
        writer.close()

    assert got.count(b"HTTP/1.1 204") == answered


@pytest.mark.rule("LIMIT-14")
async def test_a_body_may_take_longer_than_a_head_and_a_connection_may_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds_max", 0.05)
    async with served(answers) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for _ in range(2):
            writer.write(BEGUN)
            with pytest.raises(TimeoutError):  # neither an answer nor an end
                await asyncio.wait_for(reader.read(1), 0.15)
            writer.write(b"x")
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.15)
        writer.close()


@pytest.mark.rule("LIMIT-14")
@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can be told")
def test_the_system_cuts_off_who_takes_nothing_of_what_was_sent() -> None:
    with listener_at("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNTAKEN_SECONDS * 1000
