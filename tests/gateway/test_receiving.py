"""Bodies that come, answers that go, and clients that leave in between; with the two ends of a connection in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, MutableMapping
from typing import Any

import pytest

from bursar.domain.dialects import Dialect
from bursar.domain.refusals import Refusal
from bursar.gateway.problems import envelope
from bursar.gateway.receiving import BodyBounds, ClientGone, WhileClientListens, read_body
from bursar.gateway.room import Room
from bursar.gateway.sending import Outlet

SOON = 0.01
NEVER = 30.0
BOUNDS = BodyBounds(bytes_max=100, seconds_max=NEVER)
Message = MutableMapping[str, Any]


class Client:
    """What the server shows of a client: what it sends comes in turn, and it reads while `reads` is set."""

    def __init__(self, *sent: Message) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        for message in sent:
            self.inbox.put_nowait(message)
        self.reads = asyncio.Event()
        self.reads.set()
        self.got: list[bytes] = []
        self.arrived = asyncio.Event()
        self.is_sent_to = asyncio.Event()

    async def receive(self) -> Message:
        return await self.inbox.get()

    async def send(self, message: Message) -> None:
        self.is_sent_to.set()
        await self.reads.wait()
        self.got.append(message.get("body", b""))
        self.arrived.set()

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "http.disconnect"})


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def a_room(*, calls: int = 10, size: int = 1000) -> Room:
    return Room(calls_max=calls, bytes_max=size)


async def read(
    client: Client,
    *,
    bounds: BodyBounds = BOUNDS,
    headers: Iterable[tuple[bytes, bytes]] = (),
    room: Room | None = None,
) -> bytes:
    with (room or a_room()).enter() as place:
        return await read_body(headers, client.receive, bounds, place=place)


async def refusal_of(client: Client, **given: Any) -> Refusal:
    with pytest.raises(Refusal) as found:
        await read(client, **given)
    return found.value


@pytest.mark.rule("LIMIT-7")
async def test_a_body_is_read_whole_however_it_comes() -> None:
    assert await read(Client(piece(b"x" * 100))) == b"x" * 100
    assert await read(Client(piece(b"ab", more=True), piece(b"", more=True), piece(b"cd"))) == b"abcd"
    assert await read(Client({"type": "http.request"})) == b""


@pytest.mark.rule("LIMIT-7")
async def test_a_body_that_says_it_is_too_large_is_refused_and_takes_no_room() -> None:
    client, room = Client(piece(b"x" * 60, more=True), piece(b"x" * 41)), a_room(size=1)

    refusal = await refusal_of(client, headers=[(b"content-length", b"101")], room=room)

    assert (refusal.code, refusal.detail) == ("body_too_large", "The body of a call may have at most 100 bytes.")
    assert client.inbox.qsize() == 0  # it was let go by, so that its client reads the answer


@pytest.mark.rule("LIMIT-7")
async def test_a_body_whose_client_waits_to_be_asked_for_it_is_refused_without_asking() -> None:
    client = Client(piece(b"x" * 101))

    refusal = await refusal_of(client, headers=[(b"content-length", b"101"), (b"expect", b"100-continue")])

    assert refusal.code == "body_too_large"
    assert client.inbox.qsize() == 1


@pytest.mark.rule("LIMIT-7")
@pytest.mark.parametrize("headers", [[], [(b"content-length", b"-1")], [(b"content-length", "²".encode())]])
@pytest.mark.parametrize("rest", [[], [b"x" * 60], [b"x", b"", b"x"]])
async def test_a_body_that_becomes_too_large_is_refused(headers: list[tuple[bytes, bytes]], rest: list[bytes]) -> None:
    pieces = [b"x" * 60, b"x" * 41, *rest]
    client = Client(*[piece(sent, more=number < len(pieces)) for number, sent in enumerate(pieces, 1)])

    assert (await refusal_of(client, headers=headers)).code == "body_too_large"
    assert client.inbox.qsize() == 0


@pytest.mark.rule("LIMIT-7")
async def test_of_a_body_that_never_ends_only_so_much_is_let_go_by() -> None:
    client = Client(*[piece(b"x" * 1_000_000, more=True) for _ in range(100)])

    assert (await refusal_of(client)).code == "body_too_large"
    assert 25 < client.inbox.qsize() < 40


@pytest.mark.rule("LIMIT-7")
async def test_a_body_that_does_not_come_to_an_end_in_time_is_refused() -> None:
    client = Client(piece(b"x", more=True))

    refusal = await refusal_of(client, bounds=BodyBounds(bytes_max=100, seconds_max=SOON))

    assert refusal.code == "body_too_slow"


@pytest.mark.rule("LIMIT-7")
@pytest.mark.parametrize(("code", "status"), [("body_too_large", 413), ("body_too_slow", 408)])
@pytest.mark.parametrize("dialect", Dialect)
def test_a_connection_whose_body_was_not_read_serves_no_other_call(dialect: Dialect, code: str, status: int) -> None:
    told, _, headers = envelope(dialect, code=code, message="Too much.", request_id="call-1")

    assert (told, dict(headers)[b"connection"]) == (status, b"close")


async def test_a_client_that_leaves_before_its_body_has_come_is_gone() -> None:
    client = Client(piece(b"x", more=True))
    client.leave()

    with pytest.raises(ClientGone):
        await read(client)


@pytest.mark.rule("LIMIT-7")
def test_a_process_that_is_full_refuses_a_call_until_another_one_has_ended() -> None:
    room = a_room(calls=2)

    def call_that_breaks() -> None:
        with room.enter():
            raise RuntimeError("the call broke")

    with room.enter():
        with pytest.raises(RuntimeError):
            call_that_breaks()
        with room.enter(), pytest.raises(Refusal) as found:
            room.enter()

    assert (found.value.code, found.value.facts) == ("overloaded", {"retry_after_seconds": "1"})
    assert (room.calls, room.bytes) == (0, 0)


@pytest.mark.rule("LIMIT-7")
async def test_bodies_that_are_too_large_together_are_refused_before_they_are_read() -> None:
    room = a_room(size=150)
    waiting = Client(piece(b"x" * 50, more=True))
    first = asyncio.create_task(read(waiting, headers=[(b"content-length", b"100")], room=room))
    await asyncio.sleep(0)
    assert waiting.inbox.qsize() == 0

    second = Client(piece(b"x" * 51))
    assert (await refusal_of(second, headers=[(b"content-length", b"51")], room=room)).code == "overloaded"
    assert second.inbox.qsize() == 1
    assert (await refusal_of(Client(piece(b"x" * 40, more=True), piece(b"x" * 20)), room=room)).code == "overloaded"
    assert await read(Client(piece(b"x" * 50)), room=room) == b"x" * 50

    waiting.inbox.put_nowait(piece(b"x" * 50))
    assert len(await first) == 100
    assert (room.calls, room.bytes) == (0, 0)


@pytest.mark.rule("LIMIT-10")
async def test_a_block_ends_as_soon_as_the_client_leaves_while_the_provider_is_silent() -> None:
    client, silence, ended = Client(), asyncio.Event(), asyncio.Event()

    async def call() -> None:
        async with WhileClientListens(client.receive):
            try:
                await silence.wait()
            finally:
                ended.set()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    assert not ended.is_set()
    client.leave()

    with pytest.raises(ClientGone):
        await task
    assert ended.is_set()


@pytest.mark.rule("LIMIT-10")
async def test_a_block_whose_client_stays_ends_as_it_would_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()

    async with WhileClientListens(Client().receive):
        await asyncio.sleep(0)
    with pytest.raises(KeyError):
        async with WhileClientListens(Client().receive):
            raise KeyError("the provider's answer")
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


@pytest.mark.rule("LIMIT-10")
async def test_a_block_that_is_cancelled_is_cancelled_and_not_left_by_its_client() -> None:
    async def call() -> None:
        async with WhileClientListens(Client().receive):
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.rule("LIMIT-10")
async def test_after_a_client_has_left_what_has_to_be_done_can_be_done() -> None:
    client = Client()
    client.leave()

    with pytest.raises(ClientGone):
        async with WhileClientListens(client.receive):
            await asyncio.Event().wait()

    await asyncio.sleep(0)
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


@pytest.mark.rule("LIMIT-11")
async def test_a_client_that_takes_nothing_counts_as_gone() -> None:
    client = Client()
    client.reads.clear()
    outlet = Outlet(client.send, seconds_max=SOON)

    with pytest.raises(ClientGone):
        await outlet.begin(200, [])


@pytest.mark.rule("LIMIT-11")
async def test_what_is_sent_arrives_in_order_and_empty_pieces_are_not_sent() -> None:
    client = Client()
    outlet = Outlet(client.send, seconds_max=NEVER)

    await outlet.begin(200, [])
    for sent in (b"one", b"", b"two"):
        await outlet.pass_on(sent)
    await outlet.pass_on(b"", is_last=True)

    assert client.got == [b"", b"one", b"two", b""]


@pytest.mark.rule("LIMIT-12")
@pytest.mark.parametrize(
    ("dialect", "sign"),
    [(Dialect.OPENAI, b": still at work\n\n"), (Dialect.ANTHROPIC, b'event: ping\ndata: {"type": "ping"}\n\n')],
)
async def test_a_stream_that_is_silent_gets_a_sign_of_life(dialect: Dialect, sign: bytes) -> None:
    client = Client()
    outlet = Outlet(client.send, seconds_max=NEVER)
    await outlet.pass_on(b"data: {}\n\n")

    with outlet.kept_alive(dialect, silence_seconds=SOON):
        while client.got.count(sign) < 2:
            client.arrived.clear()
            await client.arrived.wait()
        await outlet.pass_on(b"data: {}\n\n")

    assert client.got[0] == client.got[-1] == b"data: {}\n\n"
    assert set(client.got[1:-1]) == {sign}


@pytest.mark.rule("LIMIT-12")
async def test_a_sign_of_life_never_stands_inside_an_event() -> None:
    client = Client()
    outlet = Outlet(client.send, seconds_max=NEVER)

    with outlet.kept_alive(Dialect.OPENAI, silence_seconds=SOON / 10):
        for half, other_half in ((b"data: {", b"}\n\n"), (b"data: {}\n", b"\n"), (b"data: {}\r\n\r", b"\n")):
            await outlet.pass_on(half)
            await asyncio.sleep(SOON)
            client.got.clear()
            client.arrived.clear()
            await asyncio.sleep(SOON)
            assert client.got == []
            await outlet.pass_on(other_half)
            client.arrived.clear()
            await client.arrived.wait()
            assert client.got[1] == b": still at work\n\n"


@pytest.mark.rule("LIMIT-12")
async def test_a_stream_that_ends_while_a_sign_of_life_waits_for_its_client_leaves_nothing_behind() -> None:
    client = Client()
    outlet = Outlet(client.send, seconds_max=NEVER)
    before = asyncio.all_tasks()

    with outlet.kept_alive(Dialect.OPENAI, silence_seconds=SOON / 10):
        client.reads.clear()
        await client.is_sent_to.wait()
    for _ in range(5):
        await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
    assert client.got == []


@pytest.mark.rule("LIMIT-11", "LIMIT-12")
async def test_a_client_that_does_not_even_take_a_sign_of_life_is_gone_when_the_next_piece_comes() -> None:
    client = Client()
    outlet = Outlet(client.send, seconds_max=SOON)
    client.reads.clear()

    with outlet.kept_alive(Dialect.OPENAI, silence_seconds=SOON / 10):
        await client.is_sent_to.wait()
        with pytest.raises(ClientGone):
            await outlet.pass_on(b"data: {}\n\n")

    assert client.got == []
