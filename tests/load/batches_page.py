"""The section of the page of measurements that tells of batches; the rest of the page is `page`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.load.search_page import NEXT

HEADING = "## Allocating to everybody"
SECONDS_MAX = 10
CALL_MILLISECONDS_MAX = 50

_SECTION = re.compile(rf"^{HEADING}\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Waits:
    """How long calls took, in milliseconds."""

    calls: int
    p50_milliseconds: float
    p99_milliseconds: float
    longest_milliseconds: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Waits:
        """From the times of single calls."""
        taken = sorted(value * 1_000 for value in seconds)
        return cls(len(taken), taken[len(taken) // 2], taken[int(len(taken) * 0.99)], taken[-1])


@dataclass(frozen=True)
class BatchResults:
    """Everything one run measured."""

    machine: str
    postgres: str
    measured_on: date
    members: int
    rows_per_turn: int
    calls_a_second: int
    quiet: Waits
    filter_seconds: float
    filter_waits: Waits
    ids_members: int
    ids_seconds: float
    ids_waits: Waits


def batches_section(results: BatchResults) -> str:
    """The results as a section of the page: every figure is one of the run's."""
    return f"""{HEADING}

`make bench-batches` writes this section. A batch of allocations is sent over HTTP and watched until it is finished,
while calls hold and settle on the same tenant in the same process, \
{results.calls_a_second} a second. The time of a call runs from the
moment it was due until it was settled. Whoever asks, Bursar and PostgreSQL share the processors.

- Machine: {results.machine}
- PostgreSQL {results.postgres}, measured on {results.measured_on:%d %B %Y}
- The worker takes {results.rows_per_turn} rows in each turn

| what | until it is finished | a call meanwhile: p50 | p99 | longest |
|---|---:|---:|---:|---:|
| nothing | - | {_waits(results.quiet)} |
| a batch to all {results.members:,} members whom a filter means | {results.filter_seconds:.1f} s | \
{_waits(results.filter_waits)} |
| a batch to {results.ids_members:,} members by their ids | {results.ids_seconds:.1f} s | {_waits(results.ids_waits)} |

The target is a batch to 100 000 members in at most {SECONDS_MAX} s on two cores, and a call meanwhile in at most \
{CALL_MILLISECONDS_MAX} ms at the 99th
percentile.{_missed(results)}

"""


def with_batches_section(page: str, section: str) -> str:
    """The page with this section in the place of the one it had, or before its last one."""
    without = _SECTION.sub("", page)
    return without.replace(NEXT, section + NEXT, 1)


def batches_section_of(page: str) -> str:
    """The section as it stands on a page; nothing if there is none."""
    found = _SECTION.search(page)
    return found[0] if found else ""


def _missed(results: BatchResults) -> str:
    """Which of the targets this run missed, said where it says what they are."""
    runs = (
        ("the filter", results.filter_seconds, results.filter_waits),
        ("the ids", results.ids_seconds, results.ids_waits),
    )
    missed = [f"the time of the batch by {named}" for named, seconds, _ in runs if seconds > SECONDS_MAX]
    missed += [
        f"calls beside the batch by {named}"
        for named, _, waits in runs
        if waits.p99_milliseconds > CALL_MILLISECONDS_MAX
    ]
    return f" Missed in this run: {', '.join(missed)}." if missed else ""


def _waits(waits: Waits) -> str:
    return (
        f"{waits.p50_milliseconds:.1f} ms | {waits.p99_milliseconds:.1f} ms | {waits.longest_milliseconds:.1f} ms"
    )  # fmt: skip
