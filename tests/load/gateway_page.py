"""The section of the page of measurements that tells of calls through the gateway; the rest of the page is `page`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.load.gateway_runs import (
    BACKGROUND_PER_SECOND,
    PACED,
    STREAMS,
    STREAMS_OPEN,
    UNPACED,
    Cost,
    Runs,
)
from tests.load.search_page import NEXT

HEADING = "## Calls through the gateway"
ONE = "Bursar, one tenant"

_SECTION = re.compile(rf"^{HEADING}\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class GatewayResults:
    """Everything one run measured, and what stands in the books afterwards."""

    machine: str
    postgres: str
    measured_on: date
    seconds: float
    members: int
    tenants: int
    runs: Runs
    rows: int
    open_holds: int
    is_verified: bool

    @property
    def is_whole(self) -> bool:
        """Whether the books balance, and every answer has its row and its settled hold."""
        return self.is_verified and self.rows == self.runs.answers and not self.open_holds and not self.runs.failed


@dataclass(frozen=True)
class Bar:
    """A target: what is measured, what was, what it must be and what it should be; more is better or less is."""

    sentence: str
    measured: float
    bar: float
    goal: float
    unit: str
    is_more_better: bool = False

    @property
    def row(self) -> str:
        """A row of the table."""

        def reaches(target: float) -> bool:
            return self.measured >= target if self.is_more_better else self.measured <= target

        sign = "at least" if self.is_more_better else "at most"
        verdict = "goal reached" if reaches(self.goal) else "reached" if reaches(self.bar) else "**missed**"
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"| {self.sentence} | {_figure(self.measured)}{unit} | {sign} {_figure(self.bar)}{unit} | "
            f"{_figure(self.goal)}{unit} | {verdict} |"
        )


def gateway_section(results: GatewayResults) -> str:
    """The results as a section of the page: every figure is one of the run's."""
    runs = results.runs
    return f"""{HEADING}

`make bench-gateway` writes this section. Four of them are called in one run: a provider on the loopback that answers
like OpenAI at once, with whole answers of half a kilobyte and honest usage; the same server passing calls through to it
without keys and books; and `bursar serve`, with keys, holds, settlements and a row for each call, {results.members} \
members with a
key each in one tenant, and as many in {results.tenants}. The provider, whoever calls, Bursar and PostgreSQL are \
processes that share the
processors. `fsync` is on.

- Machine: {results.machine}
- PostgreSQL {results.postgres}, measured on {results.measured_on:%d %B %Y}; each load ran for {results.seconds:g} s
- Added is what a call takes longer than at the provider itself, with as many in flight

Whole answers:

{_table(runs.json)}

Streams of {UNPACED[0]} events, as fast as they go:

{_table(runs.streams)}

- {STREAMS} streams at once, of {PACED[1]} events a second each: {_paced(runs.paced)}.
- Until the first byte of a stream (p50 / p99): {_first(runs.first_alone)} when nothing else goes on, \
{_first(runs.first_under_load)}
  beside {BACKGROUND_PER_SECOND:,.0f} whole calls a second.
- Memory of Bursar: {runs.base_bytes / 1e6:.0f} MB when it is ready, and {runs.open_bytes / 1e3:.0f} KB more for \
each of {STREAMS_OPEN} open streams.
- Afterwards: {runs.answers:,} calls were answered and {runs.failed} were not, {results.rows:,} rows of delivered \
calls are there,
  {results.open_holds} holds are open, and `bursar verify` finds the books \
{"right" if results.is_verified else "**wrong**"}.

| target | measured | bar | goal | |
|---|---:|---:|---:|---|
{chr(10).join(bar.row for bar in _bars(runs))}

"""


def with_gateway_section(page: str, section: str) -> str:
    """The page with this section in the place of the one it had, or before its last one."""
    without = _SECTION.sub("", page)
    return without.replace(NEXT, section + NEXT, 1)


def gateway_section_of(page: str) -> str:
    """The section as it stands on a page; nothing if there is none."""
    found = _SECTION.search(page)
    return found[0] if found else ""


def _bars(runs: Runs) -> Sequence[Bar]:
    at_most = [cost for cost in runs.json if cost.target == ONE and cost.in_flight >= 64]
    best = max(at_most, key=lambda cost: cost.per_second)
    passing = _of(runs.json, "passing through", best.in_flight)
    alone, direct = _of(runs.json, ONE, 1), _of(runs.json, "the provider", 1)
    first, first_direct = runs.first_alone[1].measured, runs.first_alone[0].measured
    loaded, loaded_direct = runs.first_under_load[1].measured, runs.first_under_load[0].measured
    paced, paced_direct = runs.paced[2], runs.paced[0].measured
    return (
        Bar("charged calls a second, 64 to 256 in flight", best.per_second, 3_000, 6_000, "", True),
        Bar("of what passes through without books", best.per_second / passing.per_second, 0.35, 0.6, "", True),
        Bar("added p50, 1 in flight", (alone.measured.p50 - direct.measured.p50) * 1e3, 4, 2, "ms"),
        Bar("added p99, 1 in flight", (alone.measured.p99 - direct.measured.p99) * 1e3, 15, 8, "ms"),
        Bar(
            "added to a stream's first byte, idle, p50", (first.first_p50 - first_direct.first_p50) * 1e3, 3, 1.5, "ms"
        ),
        Bar(
            f"added to it beside {BACKGROUND_PER_SECOND:,.0f} calls a second, p50",
            (loaded.first_p50 - loaded_direct.first_p50) * 1e3,
            15,
            8,
            "ms",
        ),
        Bar("processor time of a passed event", _event_microseconds(paced), 25, 12, "us"),
        Bar(
            f"added p99 between events, {STREAMS} streams",
            (paced.measured.gap_p99 - paced_direct.gap_p99) * 1e3,
            50,
            20,
            "ms",
        ),
        Bar("memory when ready", runs.base_bytes / 1e6, 150, 90, "MB"),
        Bar("memory of a call in flight", runs.open_bytes / 1e3, 64, 16, "KB"),
    )


def _of(costs: Sequence[Cost], target: str, in_flight: int) -> Cost:
    (found,) = (cost for cost in costs if cost.target == target and cost.in_flight == in_flight)
    return found


def _table(costs: Sequence[Cost]) -> str:
    head = (
        "| in flight | who is called | calls per second | p50 | p99 | added p50 / p99 | its processor time a call | "
        "PostgreSQL's |\n|---:|---|---:|---:|---:|---:|---:|---:|"
    )
    return "\n".join([head, *(_row(cost, _of(costs, "the provider", cost.in_flight)) for cost in costs)])


def _row(cost: Cost, direct: Cost) -> str:
    measured, base = cost.measured, direct.measured
    is_direct = cost is direct
    added = (
        "-" if is_direct else f"{(measured.p50 - base.p50) * 1e3:.1f} / {(measured.p99 - base.p99) * 1e3:.1f} ms"
    )  # fmt: skip
    postgres = f"{cost.postgres_microseconds:,.0f} us" if cost.target.startswith("Bursar") else "-"
    return (
        f"| {cost.in_flight} | {cost.target} | {cost.per_second:,.0f} | {measured.p50 * 1e3:.1f} ms | "
        f"{measured.p99 * 1e3:.1f} ms | {added} | {cost.cpu_microseconds:,.0f} us | {postgres} |"
    )


def _paced(costs: Sequence[Cost]) -> str:
    return "; ".join(
        f"{cost.target}: {cost.measured.failed} broken, {cost.measured.gap_p50 * 1e3:.1f} / "
        f"{cost.measured.gap_p99 * 1e3:.1f} ms\n  between two events (p50 / p99), {_event_microseconds(cost):.0f} us "
        "of its processor time an event"
        for cost in costs
    )


def _event_microseconds(cost: Cost) -> float:
    return cost.cpu_seconds / max(1, cost.measured.events) * 1e6


def _first(costs: Sequence[Cost]) -> str:
    return " and ".join(
        f"{cost.measured.first_p50 * 1e3:.1f} / {cost.measured.first_p99 * 1e3:.1f} ms at {cost.target}"
        for cost in costs
    )  # fmt: skip


def _figure(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}".rstrip("0").rstrip(".") if number < 10 else f"{number:.0f}"
