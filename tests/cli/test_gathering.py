"""What is written to a client within one turn goes out together, and all of it goes out."""

from __future__ import annotations

import asyncio

from bursar.cli.gathering import TOGETHER_BYTES_MAX, GatheringTransport


class Wire(asyncio.Transport):
    """A connection that keeps what is sent on it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        """Keeps it."""
        assert not self.is_closed
        self.sent.append(bytes(data))

    def close(self) -> None:
        """Takes nothing from now on."""
        self.is_closed = True

    def is_closing(self) -> bool:
        """Whether it takes anything."""
        return self.is_closed


async def test_a_head_and_its_body_go_out_together() -> None:
    wire = Wire()
    connection = GatheringTransport(wire, asyncio.get_running_loop())

    connection.write(b"head ")
    connection.write(b"body")
    assert wire.sent == []
    await asyncio.sleep(0)

    assert wire.sent == [b"head body"]


async def test_what_is_written_in_the_next_turn_follows_in_its_order() -> None:
    wire = Wire()
    connection = GatheringTransport(wire, asyncio.get_running_loop())

    connection.write(b"one")
    await asyncio.sleep(0)
    connection.write(b"two")
    await asyncio.sleep(0)

    assert wire.sent == [b"one", b"two"]


async def test_a_lot_is_sent_on_at_once() -> None:
    wire = Wire()
    connection = GatheringTransport(wire, asyncio.get_running_loop())

    connection.write(b"head")
    connection.write(b"x" * TOGETHER_BYTES_MAX)
    connection.write(b"tail")

    assert wire.sent == [b"head" + b"x" * TOGETHER_BYTES_MAX]
    await asyncio.sleep(0)
    assert wire.sent[1:] == [b"tail"]


async def test_what_was_written_goes_out_before_the_connection_closes() -> None:
    wire = Wire()
    connection = GatheringTransport(wire, asyncio.get_running_loop())

    connection.write(b"goodbye")
    connection.close()
    await asyncio.sleep(0)

    assert wire.sent == [b"goodbye"]
    assert connection.is_closing()


async def test_nothing_is_sent_to_whoever_has_left_meanwhile() -> None:
    wire = Wire()
    connection = GatheringTransport(wire, asyncio.get_running_loop())

    connection.write(b"hello?")
    wire.close()
    await asyncio.sleep(0)

    assert wire.sent == []
