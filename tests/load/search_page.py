"""The section of the page of measurements that tells of searches; the rest of the page is `page`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

HEADING = "## Searching members"
NEXT = "## How to read it"
TARGET_MILLISECONDS = 50

_SECTION = re.compile(rf"^{HEADING}\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class MeasuredSearch:
    """How long one kind of search took, in milliseconds, and the most that one of them found."""

    kind: str
    finds: int
    p50_milliseconds: float
    p95_milliseconds: float
    longest_milliseconds: float

    @classmethod
    def of(cls, kind: str, seconds: Sequence[float], *, finds: int) -> MeasuredSearch:
        """From the times of single searches."""
        taken = sorted(value * 1_000 for value in seconds)
        return cls(kind, finds, taken[len(taken) // 2], taken[int(len(taken) * 0.95)], taken[-1])


@dataclass(frozen=True)
class SearchResults:
    """Everything one run measured."""

    machine: str
    postgres: str
    measured_on: date
    members: int
    times: int
    at_once: int
    goes_first: bool
    """Whether it ran at real-time priority, so that other work on the machine had to wait for it."""
    alone: Sequence[MeasuredSearch]
    crowd: MeasuredSearch


def search_section(results: SearchResults) -> str:
    """The results as a section of the page: every figure is one of the run's."""
    return f"""{HEADING}

`make bench-search` writes this section. A page of `GET /members` of a tenant with {results.members:,} members, beside
another tenant of that size: from sending the request over HTTP to having the whole answer, which has 50 members, what
each of them has, and how many there are in all. The one who asks, Bursar and PostgreSQL share the processors, and
row-level security is on.

- Machine: {results.machine}
- PostgreSQL {results.postgres}, measured on {results.measured_on:%d %B %Y}
- Each kind of search {results.times} times, one after the other{_priority(results)}

| search | finds at most | p50 | p95 | longest |
|---|---:|---:|---:|---:|
{_rows(results.alone)}

{results.at_once} people at once, each with all of these in a mix: p50 {results.crowd.p50_milliseconds:.1f} ms, \
p95 {results.crowd.p95_milliseconds:.1f} ms, longest {results.crowd.longest_milliseconds:.1f} ms.

The target is a 95th percentile below {TARGET_MILLISECONDS} ms on two cores for one who asks. A search goes once through
an index that holds what is looked into, so its cost follows the number of the tenant's members, hardly what it finds.

"""


def with_search_section(page: str, section: str) -> str:
    """The page with this section in the place of the one it had, or before its last one."""
    without = _SECTION.sub("", page)
    return without.replace(NEXT, section + NEXT, 1)


def search_section_of(page: str) -> str:
    """The section as it stands on a page; nothing if there is none."""
    found = _SECTION.search(page)
    return found[0] if found else ""


def _priority(results: SearchResults) -> str:
    if not results.goes_first:
        return ""
    return "\n- Run at real-time priority: other work on this machine had to wait, which a busy server's does not"


def _rows(searches: Sequence[MeasuredSearch]) -> str:
    return "\n".join(
        f"| {search.kind} | {search.finds:,} | {search.p50_milliseconds:.1f} ms | {search.p95_milliseconds:.1f} ms |"
        f" {search.longest_milliseconds:.1f} ms |"
        for search in searches
    )
