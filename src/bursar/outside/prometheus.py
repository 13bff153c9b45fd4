"""The figures of `metrics` and of the process, in Prometheus' text format. The only place that knows its library."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from bursar.domain.credits import MICRO_PER_CREDIT
from bursar.outside.metrics import CREDITS, Count, MetricKind, Metrics, Spread

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Exposition:
    """What one office shows; several may be in one process, as in tests."""

    def __init__(self, metrics: Metrics) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(_Figures(metrics))

    def text(self) -> bytes:
        """Everything, as of this moment."""
        return generate_latest(self._registry)


class _Figures(Collector):
    """Reads the figures when they are asked for, so that counting them costs calls nothing."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Family]:
        for count in self._metrics.counts.values():
            yield _family_of_count(count)
        for spread in self._metrics.spreads.values():
            yield _family_of_spread(spread)


def _family_of_count(count: Count) -> Family:
    metric = count.metric
    kind = GaugeMetricFamily if metric.kind is MetricKind.GAUGE else CounterMetricFamily
    family = kind(metric.name, metric.sentence, labels=metric.labels)
    unit = MICRO_PER_CREDIT if metric is CREDITS else 1
    for labels, value in count.series.items():
        family.add_metric(labels, value / unit)
    return family


def _family_of_spread(spread: Spread) -> Family:
    metric = spread.metric
    family = HistogramMetricFamily(metric.name, metric.sentence, labels=metric.labels)
    edges = [*(str(float(edge)) for edge in metric.edges), "+Inf"]
    for labels, steps in spread.series.items():
        sums = list(zip(edges, accumulate(steps.counts), strict=True))
        family.add_metric(labels, buckets=sums, sum_value=steps.total)
    return family
