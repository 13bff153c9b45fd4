"""What this process has counted: typed functions for those who count, and one table of everything there is.

Counting happens in the middle of calls, so it is an addition in a dict and nothing else; it is for one event loop and
takes no lock. How it is shown is `prometheus`. No label names a tenant, a member, a key or a model, so the number of
series is bounded by what this installation is set up with, whoever calls.

Rule: WATCH-1
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bursar.domain.calls import Call

SERIES_MAX = 1_000
"""What one metric may have of different labels. What comes beyond is counted under `other`, and nothing is lost."""

OTHER = "other"

FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
BATCH_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)


class MetricKind(StrEnum):
    """What a figure can do: only grow, be read at a moment, or be spread over steps."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One kind of figure, in Prometheus' own words; `edges` are the upper bounds of a histogram's steps."""

    name: str
    kind: MetricKind
    sentence: str
    labels: Sequence[str] = ()
    edges: Sequence[float] = ()


class Count:
    """A figure for each combination of labels."""

    __slots__ = ("metric", "series")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.series: dict[tuple[str, ...], int] = {}

    def add(self, labels: tuple[str, ...] = (), by: int = 1) -> None:
        """Adds to the figure with these labels."""
        series = self.series
        if labels not in series and len(series) >= SERIES_MAX:
            labels = (OTHER,) * len(labels)
        series[labels] = series.get(labels, 0) + by


@dataclass(slots=True)
class Steps:
    """How many measurements fell into each step, the last beyond all edges; and their sum."""

    counts: list[int]
    total: float = 0.0


class Spread:
    """How measurements are spread, for each combination of labels."""

    __slots__ = ("metric", "series")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.series: dict[tuple[str, ...], Steps] = {}

    def measure(self, labels: tuple[str, ...], value: float) -> None:
        """Puts a measurement into its step."""
        steps = self.series.get(labels) or self._begin(labels)
        steps.counts[bisect_left(self.metric.edges, value)] += 1
        steps.total += value

    def _begin(self, labels: tuple[str, ...]) -> Steps:
        if len(self.series) >= SERIES_MAX:
            labels = (OTHER,) * len(labels)
        return self.series.setdefault(labels, Steps([0] * (len(self.metric.edges) + 1)))


def _counter(name: str, sentence: str, *labels: str) -> Metric:
    return Metric(f"bursar_{name}", MetricKind.COUNTER, sentence, labels)


def _gauge(name: str, sentence: str, *labels: str) -> Metric:
    return Metric(f"bursar_{name}", MetricKind.GAUGE, sentence, labels)


def _histogram(name: str, edges: Sequence[float], sentence: str, *labels: str) -> Metric:
    return Metric(f"bursar_{name}", MetricKind.HISTOGRAM, sentence, labels, edges)


REQUESTS = _counter("requests_total", "Requests answered.", "face", "status")
REQUEST_SECONDS = _histogram("request_seconds", FAST_SECONDS, "From a request's head to its answer's end.", "face")
REFUSALS = _counter("refusals_total", "Requests refused, by the refusal's code.", "face", "code")
CALLS = _counter("calls_total", "Model calls that ended.", "endpoint", "outcome", "provider", "streamed")
TOKENS = _counter("call_tokens_total", "Tokens of calls; the cached and reasoning ones are parts.", "provider", "kind")
CREDITS = _counter(
    "call_credits_total", "Credits charged for calls, to about fifteen digits; the books are exact.", "provider"
)
ESTIMATED = _counter("calls_estimated_total", "Calls whose provider did not say what they used.", "provider")
FIRST_BYTE_SECONDS = _histogram(
    "call_first_byte_seconds", CALL_SECONDS, "From a call's start to the first byte of its answer.", "provider"
)
CALL_TOTAL_SECONDS = _histogram("call_seconds", CALL_SECONDS, "From a call's start to its end.", "provider", "streamed")
CALLS_IN_FLIGHT = _gauge("calls_in_flight", "Calls that are under way in this process.")
PROVIDER_FAILURES = _counter("provider_failures_total", "Times that a provider failed, and how.", "provider", "failure")
HOLDS_OPEN = _gauge("holds_open", "Holds that are open, in the whole database.")
ROUNDS = _counter("ledger_rounds_total", "Posting rounds of the ledger, and how they came out.", "outcome")
ROUND_COMMANDS = _histogram("ledger_round_commands", BATCH_SIZES, "Commands in a posting round.")
ROUND_SECONDS = _histogram("ledger_round_seconds", FAST_SECONDS, "How long a posting round takes, its commit included.")
ROUND_WAIT_SECONDS = _histogram(
    "ledger_round_wait_seconds", FAST_SECONDS, "How long the oldest command of a round waited for it."
)
DUTY_RUNS = _counter("duty_runs_total", "Times that a duty of the worker was done.", "duty")
DUTY_FAILURES = _counter("duty_failures_total", "Times that a duty of the worker failed.", "duty")
DUTY_SECONDS = _histogram("duty_seconds", CALL_SECONDS, "How long a duty of the worker takes.", "duty")
POOL_CONNECTIONS = _gauge("pool_connections", "Connections to the database, open and lent out.", "pool", "state")

METRICS: Sequence[Metric] = (
    REQUESTS,
    REQUEST_SECONDS,
    REFUSALS,
    CALLS,
    TOKENS,
    CREDITS,
    ESTIMATED,
    FIRST_BYTE_SECONDS,
    CALL_TOTAL_SECONDS,
    CALLS_IN_FLIGHT,
    PROVIDER_FAILURES,
    HOLDS_OPEN,
    ROUNDS,
    ROUND_COMMANDS,
    ROUND_SECONDS,
    ROUND_WAIT_SECONDS,
    DUTY_RUNS,
    DUTY_FAILURES,
    DUTY_SECONDS,
    POOL_CONNECTIONS,
)
"""Everything there is. The process's own figures (memory, processor time, open files) stand beside these."""

NO_PROVIDER = "none"
_STREAMED: Mapping[bool, str] = {True: "yes", False: "no"}


class Metrics:
    """The figures of one office."""

    def __init__(self) -> None:
        self.counts = {metric.name: Count(metric) for metric in METRICS if metric.kind is not MetricKind.HISTOGRAM}
        self.spreads = {metric.name: Spread(metric) for metric in METRICS if metric.kind is MetricKind.HISTOGRAM}
        # Looked up once: these are counted with every call.
        self._requests, self._request_seconds = self.counts[REQUESTS.name], self.spreads[REQUEST_SECONDS.name]
        self._refusals = self.counts[REFUSALS.name]
        self._calls, self._tokens = self.counts[CALLS.name], self.counts[TOKENS.name]
        self._credits, self._estimated = self.counts[CREDITS.name], self.counts[ESTIMATED.name]
        self._first_byte = self.spreads[FIRST_BYTE_SECONDS.name]
        self._call_seconds = self.spreads[CALL_TOTAL_SECONDS.name]
        self._in_flight = self.counts[CALLS_IN_FLIGHT.name]

    def request(self, *, face: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.add((face, str(status)))
        self._request_seconds.measure((face,), seconds)

    def refused(self, *, face: str, code: str) -> None:
        """A request was refused; the code is one of the catalogue."""
        self._refusals.add((face, code))

    def call_began(self) -> None:
        """A call was admitted and is under way. Whoever says so says `call_left` too, whatever happens."""
        self._in_flight.add()

    def call_left(self) -> None:
        """A call is not under way any more."""
        self._in_flight.add(by=-1)

    def call(self, call: Call) -> None:
        """A call ended, and is settled."""
        provider, streamed = call.provider or NO_PROVIDER, _STREAMED[call.is_streamed]
        self._calls.add((call.endpoint, call.outcome.value, provider, streamed))
        self._call_seconds.measure((provider, streamed), call.total_ms / 1000)
        if call.first_byte_ms is not None:
            self._first_byte.measure((provider,), call.first_byte_ms / 1000)
        usage, add = call.usage, self._tokens.add
        add((provider, "input"), usage.input_tokens)
        add((provider, "output"), usage.output_tokens)
        if usage.cached_read_tokens:
            add((provider, "cached_read"), usage.cached_read_tokens)
        if usage.cached_write_tokens:
            add((provider, "cached_write"), usage.cached_write_tokens)
        if usage.reasoning_tokens:
            add((provider, "reasoning"), usage.reasoning_tokens)
        # Kept as what they are, whole micro-credits, and divided where they are shown.
        self._credits.add((provider,), call.credits.micro)
        if call.is_estimated:
            self._estimated.add((provider,))

    def provider_failed(self, *, provider: str, failure: str) -> None:
        """A provider could not be reached, broke off, or answered with a fault of its own: a word of the code's."""
        self.counts[PROVIDER_FAILURES.name].add((provider, failure))

    def round_posted(self, *, outcome: str, commands: int, waited_seconds: float, took_seconds: float) -> None:
        """The ledger posted a round, or could not."""
        self.counts[ROUNDS.name].add((outcome,))
        self.spreads[ROUND_COMMANDS.name].measure((), commands)
        self.spreads[ROUND_WAIT_SECONDS.name].measure((), waited_seconds)
        self.spreads[ROUND_SECONDS.name].measure((), took_seconds)

    def duty_done(self, *, duty: str, has_failed: bool, seconds: float) -> None:
        """The worker did a duty, or failed at it."""
        self.counts[DUTY_RUNS.name].add((duty,))
        if has_failed:
            self.counts[DUTY_FAILURES.name].add((duty,))
        self.spreads[DUTY_SECONDS.name].measure((duty,), seconds)

    def level(self, metric: Metric, labels: tuple[str, ...], value: int) -> None:
        """What a gauge is at this moment, for what is only looked at when somebody asks."""
        self.counts[metric.name].series[labels] = value

    def forget_level(self, metric: Metric) -> None:
        """For a gauge that cannot be looked at."""
        self.counts[metric.name].series.clear()
