"""Traces, for those who collect them: what a request spent its time on, told to an OpenTelemetry collector.

Nobody else pays for it: `NO_TRACING` hands out one object that does nothing, and OpenTelemetry is only imported where
traces are wanted. A span says no more than a line of the log does: no key, no text, nobody's name.

Rule: WATCH-4
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from bursar import __version__

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

FLUSH_MILLISECONDS = 3_000
"""What the last spans get to leave when Bursar stops. A collector that is away must not keep it."""

TRACES_PATH = "/v1/traces"
"""Where a collector takes traces, below its address."""

Headers = Sequence[tuple[bytes, bytes]]


class TracingUnavailable(Exception):
    """Traces are wanted, and the packages for them are not installed."""


class Span(Protocol):
    """One stretch of work under way."""

    def tell(self, **facts: str | int | float | bool) -> None:
        """Adds facts, by names that OpenTelemetry knows or that are ours; `__` in a name stands for a dot."""
        ...

    def outgoing(self) -> Sequence[tuple[str, str]]:
        """The headers a provider is sent, so that its spans join this one: none, unless that is wanted."""
        ...


class Tracing(Protocol):
    """How work is told of."""

    def request(self, name: str, headers: Headers) -> AbstractContextManager[Span]:
        """A request of somebody, who may have sent along which trace it belongs to."""
        ...

    def span(self, name: str) -> AbstractContextManager[Span]:
        """A part of the work that is under way."""
        ...

    def close(self) -> None:
        """Sends what has not left yet, for a bounded time."""
        ...


class _Nothing:
    """A span that nobody collects. It keeps nothing, so one is enough for all."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def tell(self, **_: str | int | float | bool) -> None:
        return None

    def outgoing(self) -> Sequence[tuple[str, str]]:
        return ()


_NOTHING = _Nothing()


class _NoTracing:
    def request(self, _name: str, _headers: Headers) -> AbstractContextManager[Span]:
        return _NOTHING

    def span(self, _name: str) -> AbstractContextManager[Span]:
        return _NOTHING

    def close(self) -> None:
        return None


NO_TRACING: Tracing = _NoTracing()


def tracing_to(endpoint: str | None, *, tells_providers: bool) -> Tracing:
    """Traces to the collector at this address, else to where the standard variables of OpenTelemetry say.

    Raises `TracingUnavailable`.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as missing:
        raise TracingUnavailable("the packages for OpenTelemetry are not installed") from missing
    exporter = OTLPSpanExporter(endpoint=None if endpoint is None else endpoint.rstrip("/") + TRACES_PATH)
    # It has a thread of its own and a queue with a bound; spans that find no room are dropped, and no call waits.
    return collected_by(BatchSpanProcessor(exporter), tells_providers=tells_providers)


def collected_by(processor: SpanProcessor, *, tells_providers: bool) -> Tracing:
    """Traces to this processor. The provider is not made the process's own: libraries add nothing to our spans."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(
        resource=Resource.create({"service.name": "bursar", "service.version": __version__}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    return _OpenTelemetry(provider, tells_providers=tells_providers)


class _OpenTelemetry:
    def __init__(self, provider: TracerProvider, *, tells_providers: bool) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("bursar", __version__)
        self._tells_providers = tells_providers
        self._propagator = TraceContextTextMapPropagator()
        self._server, self._internal = SpanKind.SERVER, SpanKind.INTERNAL

    def request(self, name: str, headers: Headers) -> AbstractContextManager[Span]:
        return self._told(name, parent=self._propagator.extract(_trace_headers(headers)), kind=self._server)

    def span(self, name: str) -> AbstractContextManager[Span]:
        return self._told(name, parent=None, kind=self._internal)

    @contextmanager
    def _told(self, name: str, *, parent: Context | None, kind: trace.SpanKind) -> Iterator[Span]:
        # An exception's text may quote what was sent, so that there was one is told, and not what it said.
        with self._tracer.start_as_current_span(
            name, parent, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            told = _Told(span, self._propagator if self._tells_providers else None)
            try:
                yield told
            except BaseException as fault:
                told.tell(error__type=type(fault).__name__)
                raise

    def close(self) -> None:
        # The library waits for half a minute; its own thread may do so, and ends with the process.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(FLUSH_MILLISECONDS / 1000)


class _Told:
    __slots__ = ("_propagator", "_span")

    def __init__(self, span: trace.Span, propagator: TraceContextTextMapPropagator | None) -> None:
        self._span = span
        self._propagator = propagator

    def tell(self, **facts: str | int | float | bool) -> None:
        self._span.set_attributes({name.replace("__", "."): value for name, value in facts.items()})

    def outgoing(self) -> Sequence[tuple[str, str]]:
        if self._propagator is None:
            return ()
        carrier: dict[str, str] = {}
        # What was current when the span began is current still, and is this span.
        self._propagator.inject(carrier)
        return tuple(carrier.items())


def _trace_headers(headers: Headers) -> Mapping[str, str]:
    """The two headers of W3C's trace context, if they came; the first of each counts."""
    wanted: dict[str, str] = {}
    for name, value in headers:
        if name in (b"traceparent", b"tracestate"):
            wanted.setdefault(name.decode(), value.decode("latin-1"))
    return wanted
