"""The section of the page of measurements that tells of the figures; the rest of the page is `page`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.load.search_page import MeasuredSearch

HEADING = "## Figures of a large tenant"
NEXT = "## How to read it"
TARGET_MILLISECONDS = 100

_SECTION = re.compile(rf"^{HEADING}\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class FiguresResults:
    """Everything one run measured."""

    machine: str
    postgres: str
    measured_on: date
    members: int
    groups: int
    journal: int
    times: int
    at_once: int
    goes_first: bool
    """Whether it ran at real-time priority, so that other work on the machine had to wait for it."""
    alone: Sequence[MeasuredSearch]
    crowd: MeasuredSearch


def figures_section(results: FiguresResults) -> str:
    """The results as a section of the page: every figure is one of the run's."""
    priority = (
        "\n- Run at real-time priority: other work on this machine had to wait, which a busy server's does not"
        if results.goes_first
        else ""
    )
    rows = "\n".join(
        f"| {answer.kind} | {answer.p50_milliseconds:.1f} ms | {answer.p95_milliseconds:.1f} ms |"
        f" {answer.longest_milliseconds:.1f} ms |"
        for answer in results.alone
    )
    return f"""{HEADING}

`make bench-figures` writes this section. A tenant with {results.members:,} members in {results.groups} groups and \
{results.journal:,} lines of journal: from
sending a request over HTTP to having the whole answer. The one who asks, Bursar and PostgreSQL share the processors,
and row-level security is on.

- Machine: {results.machine}
- PostgreSQL {results.postgres}, measured on {results.measured_on:%d %B %Y}
- Each answer {results.times} times, one after the other{priority}

| answer | p50 | p95 | longest |
|---|---:|---:|---:|
{rows}

{results.at_once} people at once, each asking for overview and groups in turn: p50 \
{results.crowd.p50_milliseconds:.1f} ms, p95 {results.crowd.p95_milliseconds:.1f} ms, \
longest {results.crowd.longest_milliseconds:.1f} ms.

The target is a 95th percentile below {TARGET_MILLISECONDS} ms for the overview and the groups, for one who asks. No \
answer reads the journal.

"""


def with_figures_section(page: str, section: str) -> str:
    """The page with this section in the place of the one it had, or before its last one."""
    without = _SECTION.sub("", page)
    return without.replace(NEXT, section + NEXT, 1)


def figures_section_of(page: str) -> str:
    """The section as it stands on a page; nothing if there is none."""
    found = _SECTION.search(page)
    return found[0] if found else ""
