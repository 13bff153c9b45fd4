"""Whoever calls: as little Python as it takes to keep so many calls in flight, in a process of its own.

python -m tests.load.gateway_client: reads loads that run together from a line of standard input, as JSON; answers with
a line that says what each of them measured; and so on until its input ends.

An own few lines of HTTP/1.1 and not a library, since two processors are shared with what is measured, and a client that
takes a millisecond a call would measure itself.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

QUESTION = "How many credits does a team of twelve need for a month of summaries? " * 10


class Load(msgspec.Struct):
    """So many calls in flight, one after the other on each connection: for so many seconds, or `times` each. Keys are
    taken in turn. A load with calls `per_second` begins each at its time, unless all connections are taken.
    """

    address: str
    keys: Sequence[str]
    in_flight: int
    seconds: float = 0.0
    times: int = 0
    stream: tuple[int, int] | None = None
    """How many events, and how many a second; 0 is as fast as they go."""
    per_second: float = 0.0


class Measured(msgspec.Struct):
    """What a load measured: seconds of whole calls and until the first byte of their bodies, in the middle and at the
    slowest hundredth; of streams, what passed between two pieces.
    """

    calls: int
    failed: int
    seconds: float
    p50: float
    p99: float
    first_p50: float
    first_p99: float
    events: int
    gap_p50: float
    gap_p99: float


class Lane(asyncio.Protocol):
    """One connection, on which one call is made after the other."""

    def __init__(self) -> None:
        self.is_open = False
        self.transport: asyncio.WriteTransport | None = None
        self.gaps: list[float] = []
        self.events = 0
        self._done: asyncio.Future[bool] | None = None
        self._reset()

    def _reset(self) -> None:
        self._head = b""
        self._is_reading_body = False
        self._left: int | None = None
        self._tail = b""
        self._status = b""
        self.first_at = self._piece_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be used."""
        self.transport, self.is_open = cast("asyncio.WriteTransport", transport), True

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever was under way is broken."""
        self.is_open = False
        self._finish(is_well=False)

    async def call(self, request: bytes) -> bool:
        """Makes one call; whether it was answered well, from its beginning to its end."""
        self._reset()
        assert self.transport is not None
        self._done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._done

    def data_received(self, data: bytes) -> None:
        """A piece of the answer."""
        if not self._is_reading_body:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._status = head[9:12]
            self._is_reading_body = True
            at = head.find(b"content-length:")
            if at >= 0:
                self._left = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if data:
            self._body(data)

    def _body(self, data: bytes) -> None:
        now = perf_counter()
        if not self.first_at:
            self.first_at = now
        if self._left is not None:
            self._left -= len(data)
            if not self._left:
                self._finish(is_well=self._status == b"200")
            return
        events = data.count(b"data: {")
        if events:
            self.events += events
            if self._piece_at:
                self.gaps.append(now - self._piece_at)
            self._piece_at = now
        self._tail = (self._tail + data)[-7:]
        if self._tail.endswith(b"\r\n0\r\n\r\n"):
            self._finish(is_well=self._status == b"200")

    def _finish(self, *, is_well: bool) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(is_well)


class Run:
    """One load being run."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.taken: list[float] = []
        self.first: list[float] = []
        self.failed = 0
        self._made = 0
        parts = urlsplit(load.address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._requests = [request_of(load, key) for key in load.keys]

    async def run(self) -> Measured:
        """Runs it to its end."""
        lanes = [Lane() for _ in range(self.load.in_flight)]
        for lane in lanes:
            await self._open(lane)
        started = perf_counter()
        await asyncio.gather(*(self._lane(lane, started) for lane in lanes))
        elapsed = perf_counter() - started
        for lane in lanes:
            if lane.transport is not None:
                lane.transport.close()
        gaps = sorted(gap for lane in lanes for gap in lane.gaps)
        self.taken.sort()
        self.first.sort()
        return Measured(
            calls=len(self.taken),
            failed=self.failed,
            seconds=elapsed,
            p50=part_of(self.taken, 0.5),
            p99=part_of(self.taken, 0.99),
            first_p50=part_of(self.first, 0.5),
            first_p99=part_of(self.first, 0.99),
            events=sum(lane.events for lane in lanes),
            gap_p50=part_of(gaps, 0.5),
            gap_p99=part_of(gaps, 0.99),
        )

    async def _open(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: lane, self._host, self._port)

    async def _lane(self, lane: Lane, started: float) -> None:
        load = self.load
        times = 0
        while True:
            if load.times and times >= load.times:
                return
            if load.seconds and perf_counter() - started >= load.seconds:
                return
            times += 1
            request = self._requests[self._made % len(self._requests)]
            due = perf_counter()
            if load.per_second:
                due = started + self._made / load.per_second
            self._made += 1
            if load.per_second:
                await asyncio.sleep(max(0.0, due - perf_counter()))
            begun = perf_counter()
            if not lane.is_open:
                await self._open(lane)
            if await lane.call(request):
                self.taken.append(perf_counter() - begun)
                self.first.append(lane.first_at - begun)
            else:
                self.failed += 1


def request_of(load: Load, key: str) -> bytes:
    """A chat completion as a client sends it."""
    events, per_second = load.stream or (0, 0)
    body: dict[str, object] = {
        "model": f"bench-{events}-{per_second}" if load.stream else "bench",
        "messages": [{"role": "user", "content": QUESTION}],
        "max_completion_tokens": 400,
    }
    if load.stream:
        body["stream"] = True
    encoded = msgspec.json.encode(body)
    netloc = urlsplit(load.address).netloc
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {netloc}\r\nAuthorization: Bearer {key}\r\n"
        "Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: bench\r\n"
        f"Content-Length: {len(encoded)}\r\n\r\n"
    )
    return head.encode() + encoded


def part_of(ordered: Sequence[float], part: float) -> float:
    """The value below which this part of them is; 0 of nothing."""
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


class Client:
    """The process that calls, to whoever measures."""

    def __init__(self, started: subprocess.Popen[str]) -> None:
        assert started.stdin is not None
        assert started.stdout is not None
        self._input, self._output = started.stdin, started.stdout

    def run(self, *loads: Load) -> list[Measured]:
        """Runs these at once."""
        self.begin(*loads)
        return self.end()

    def begin(self, *loads: Load) -> None:
        """Lets these run."""
        self._input.write(msgspec.json.encode(loads).decode() + "\n")
        self._input.flush()

    def end(self) -> list[Measured]:
        """Waits for what runs."""
        said = self._output.readline()
        if not said:
            raise RuntimeError("whoever calls has ended")
        return msgspec.json.decode(said, type=list[Measured])


async def run_together(loads: Sequence[Load]) -> list[Measured]:
    """All loads at once."""
    return list(await asyncio.gather(*(Run(load).run() for load in loads)))


def main() -> None:
    """Runs what it is told, line by line."""
    decode = msgspec.json.Decoder(list[Load]).decode
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            answer = msgspec.json.encode(runner.run(run_together(decode(line))))
            sys.stdout.write(answer.decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
