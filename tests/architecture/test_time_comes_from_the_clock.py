"""Nobody reads the time but `outside/clock`: everyone else is given it, so that a test can turn it."""

from __future__ import annotations

import ast

import pytest

from scripts.checkout import ROOT, Source, python_sources

CLOCK = ("src/bursar/outside/clock.py", "src/bursar/outside/clock/")

WALL_CLOCK = frozenset(
    {
        "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
        "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    }
)  # fmt: skip
STOPWATCH = frozenset(
    {
        "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.process_time",
        "time.clock_gettime", "time.clock_gettime_ns",
    }
)  # fmt: skip

# How long something took or may still take is no date: these measure it, and why they may.
MAY_MEASURE: dict[str, str] = {
    "src/bursar/client/asynchronous.py": "when a hold is extended next, on the machine of whoever holds it",
    "src/bursar/client/renewals.py": "when a hold is extended next, on the machine of whoever holds it",
    "src/bursar/db/embedded/processes.py": "how long to wait for a process to end",
    "src/bursar/db/embedded/server.py": "how long a server may refuse before that is a fault",
    "src/bursar/db/embedded/supervisor.py": "how long PostgreSQL has been starting, or up since it crashed",
}


def clock_reads(source: Source) -> list[tuple[str, str, int]]:
    """Every mention of a clock in a file: the file, the clock, and the line; whatever name it was imported by."""
    names = _imported_names(source.tree)
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            clock = _full_name(node, names)
            if clock in WALL_CLOCK or clock in STOPWATCH:
                found.append((source.path, clock, node.lineno))
    return found


def _imported_names(tree: ast.Module) -> dict[str, str]:
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _full_name(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, names)}.{node.attr}"
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


def test_only_the_clock_reads_the_time() -> None:
    found = [
        read
        for source in python_sources(ROOT, "src")
        if not source.path.startswith(CLOCK)
        for read in clock_reads(source)
        if not (read[1] in STOPWATCH and read[0] in MAY_MEASURE)
    ]

    assert found == []


def test_every_place_that_may_measure_still_does() -> None:
    measuring = {read[0] for source in python_sources(ROOT, "src") for read in clock_reads(source)}

    assert set(MAY_MEASURE) - measuring == set()


@pytest.mark.parametrize(
    ("code", "clock"),
    [
        ("from datetime import UTC, datetime\nnow = datetime.now(UTC)", "datetime.datetime.now"),
        ("import datetime\nnow = datetime.datetime.now()", "datetime.datetime.now"),
        ("import datetime as dt\nnow = dt.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("from datetime import date as day\ntoday = day.today()", "datetime.date.today"),
        ("import time\nnow = time.time()", "time.time"),
        ("from time import time_ns as ticks\nnow = ticks()", "time.time_ns"),
        ("from datetime import datetime\ndef later(clock=datetime.now): ...", "datetime.datetime.now"),
        ("import time\nstart = time.monotonic()", "time.monotonic"),
    ],
)
def test_a_planted_clock_is_found(code: str, clock: str) -> None:
    assert [read[1] for read in clock_reads(Source("planted.py", ast.parse(code)))] == [clock]


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime\nat = datetime.fromisoformat('2026-01-01')",
        "import time\ntime.sleep(1)",
        "def now() -> None: ...\nnow()",
    ],
)
def test_what_is_no_clock_is_left_alone(code: str) -> None:
    assert clock_reads(Source("plain.py", ast.parse(code))) == []
