"""The loads of `make bench-gateway`, in their order, and what each of them cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import sleep

from tests.load.gateway_client import Client, Load, Measured
from tests.load.processes import cpu_seconds, own_cpu_seconds, resident_bytes
from tests.load.server import lay_out_log

IN_FLIGHT = (1, 16, 64, 256)
UNPACED = (50, 0)
PACED = (300, 100)
WAITING = (10, 1)
"""Streams of which an event comes a second: what is open then is what a call in flight takes of memory."""
MODELS = ("bench", *("-".join(("bench", *map(str, stream))) for stream in (UNPACED, PACED, WAITING)))

STREAMS = 300
STREAMS_OPEN = 500
ALONE_TIMES = 300
BACKGROUND_PER_SECOND = 1_000.0
BACKGROUND_IN_FLIGHT = 64
WARM_UP_SECONDS = 2.0


@dataclass(frozen=True)
class Target:
    """Somebody who can be called: where, with which keys, and the process that does the work."""

    address: str
    keys: Sequence[str]
    pid: int


@dataclass(frozen=True)
class Targets:
    """Everybody who is called in a run, and PostgreSQL."""

    upstream: Target
    passing: Target
    bursar: Target
    many: Target
    postmaster: int

    @property
    def named(self) -> dict[str, Target]:
        """By the names that they have on the page."""
        return {
            "the provider": self.upstream,
            "passing through": self.passing,
            "Bursar, one tenant": self.bursar,
            "Bursar, many tenants": self.many,
        }


@dataclass(frozen=True)
class Cost:
    """A load at somebody, and the seconds of processors that the somebody and PostgreSQL took for it."""

    target: str
    in_flight: int
    measured: Measured
    cpu_seconds: float
    postgres_seconds: float

    @property
    def per_second(self) -> float:
        """Calls a second."""
        return self.measured.calls / self.measured.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Of the target, for each call."""
        return self.cpu_seconds / max(1, self.measured.calls) * 1e6

    @property
    def postgres_microseconds(self) -> float:
        """Of PostgreSQL, for each call."""
        return self.postgres_seconds / max(1, self.measured.calls) * 1e6


@dataclass(frozen=True)
class Runs:
    """Everything that was measured: by level and target, whole answers and streams."""

    json: Sequence[Cost]
    streams: Sequence[Cost]
    first_alone: Sequence[Cost]
    first_under_load: Sequence[Cost]
    paced: Sequence[Cost]
    base_bytes: int
    open_bytes: float
    answers: int
    failed: int


class Bench:
    """One run: who calls, who is called, and how many were answered by Bursar."""

    def __init__(self, client: Client, targets: Targets, admin_url: str, *, seconds: float) -> None:
        self._client = client
        self._targets = targets
        self._admin_url = admin_url
        self.seconds = seconds
        self.answers = 0
        self.failed = 0

    def cost(self, name: str, *loads: Load) -> Cost:
        """Runs these together at one target; the first is what counts."""
        target = self._targets.named[name]
        own, postgres = own_cpu_seconds(target.pid), cpu_seconds(self._targets.postmaster)
        measured = self._client.run(*loads)
        own, postgres = own_cpu_seconds(target.pid) - own, cpu_seconds(self._targets.postmaster) - postgres
        self.failed += sum(one.failed for one in measured)
        if target.pid == self._targets.bursar.pid:
            self.answers += sum(one.calls for one in measured)
        cost = Cost(name, loads[0].in_flight, measured[0], own, postgres)
        print(
            f"  {name:22} {cost.in_flight:4}: {cost.per_second:7.0f} calls/s, p50 {measured[0].p50 * 1e3:6.2f} ms, "
            f"p99 {measured[0].p99 * 1e3:6.2f} ms, {cost.cpu_microseconds:5.0f} us + {cost.postgres_microseconds:5.0f}"
            f" us of PostgreSQL a call, failed {measured[0].failed}",
            flush=True,
        )
        return cost

    def load(self, name: str, in_flight: int, **more: object) -> Load:
        """A load at a target."""
        target = self._targets.named[name]
        return Load(address=target.address, keys=target.keys, in_flight=in_flight, **more)  # type: ignore[arg-type]

    def levels(self, levels: Sequence[int], stream: tuple[int, int] | None) -> list[Cost]:
        """All targets, at each level one after the other."""
        costs = []
        for in_flight in levels:
            lay_out_log(self._admin_url)
            costs += [
                self.cost(name, self.load(name, in_flight, seconds=self.seconds, stream=stream))
                for name in self._targets.named
            ]
        return costs

    def first_bytes(self, names: Sequence[str], *, is_under_load: bool) -> list[Cost]:
        """Streams one after the other, alone or beside whole calls."""
        costs = []
        for name in names:
            loads = [self.load(name, 1, seconds=self.seconds, stream=UNPACED)]
            if is_under_load:
                background = self.load(
                    name, BACKGROUND_IN_FLIGHT, seconds=self.seconds, per_second=BACKGROUND_PER_SECOND
                )
                loads.append(background)
            costs.append(self.cost(name, *loads))
        return costs

    def opened(self) -> float:
        """Bytes that each of many open streams takes."""
        bursar = self._targets.bursar
        self.cost("Bursar, one tenant", self.load("Bursar, one tenant", 64, times=20, stream=UNPACED))
        before = resident_bytes(bursar.pid)
        load = self.load("Bursar, one tenant", STREAMS_OPEN, times=1, stream=WAITING)
        self._client.begin(load)
        sleep(WAITING[0] / WAITING[1] / 2)
        during = resident_bytes(bursar.pid)
        (measured,) = self._client.end()
        self.answers += measured.calls
        self.failed += measured.failed
        return (during - before) / STREAMS_OPEN


def measure(client: Client, targets: Targets, admin_url: str, *, levels: Sequence[int], seconds: float) -> Runs:
    """Everything, in one go."""
    bench = Bench(client, targets, admin_url, seconds=seconds)
    base_bytes = resident_bytes(targets.bursar.pid)
    print("warming up, and what is open", flush=True)
    for name in targets.named:
        bench.cost(name, bench.load(name, 16, seconds=WARM_UP_SECONDS))
    open_bytes = bench.opened()
    print("whole answers", flush=True)
    json = bench.levels(levels, None)
    print("streams", flush=True)
    streams = bench.levels(levels, UNPACED)
    print("first bytes", flush=True)
    compared = ["the provider", "Bursar, one tenant"]
    first_alone = bench.first_bytes(compared, is_under_load=False)
    first_under_load = bench.first_bytes(compared, is_under_load=True)
    print("paced streams", flush=True)
    paced = [
        bench.cost(name, bench.load(name, STREAMS, times=1, stream=PACED))
        for name in ("the provider", "passing through", "Bursar, one tenant")
    ]
    return Runs(
        json=json,
        streams=streams,
        first_alone=first_alone,
        first_under_load=first_under_load,
        paced=paced,
        base_bytes=base_bytes,
        open_bytes=open_bytes,
        answers=bench.answers,
        failed=bench.failed,
    )
