"""A test marked `alone` runs while no other test does, although the suite runs in several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.checkout import ROOT

# Each inner test writes down when it started and ended; those marked `alone` stand between the others.
SUITE = """
import time
from pathlib import Path

import pytest


def take_a_while(name):
    started = time.monotonic()
    while time.monotonic() < started + 0.05:
        pass
    with Path("spans").open("a") as spans:
        spans.write(f"{name} {started} {time.monotonic()}\\n")


@pytest.mark.parametrize("number", range(6))
def test_shared(number):
    take_a_while("shared")


@pytest.mark.MARK
@pytest.mark.parametrize("number", range(3))
def test_marked(number):
    take_a_while("marked")


@pytest.mark.parametrize("number", range(6))
def test_shared_too(number):
    take_a_while("shared")
"""


def overlaps(folder: Path, mark: str) -> int:
    """How many marked tests ran while another test did, in a suite of its own in two processes."""
    (folder / "conftest.py").write_text('pytest_plugins = ("tests.support.machine",)\n', encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\nmarkers = {mark}\n", encoding="utf-8")
    (folder / "test_inner.py").write_text(SUITE.replace("MARK", mark), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "2", "--dist", "load", "."],
        cwd=folder,
        # Only the plugin that is needed: importing all that are installed takes each process seconds.
        env=environment | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    spans = [line.split() for line in (folder / "spans").read_text(encoding="utf-8").splitlines()]
    times = [(name, float(started), float(ended)) for name, started, ended in spans]
    assert len(times) == 15
    return sum(
        one is not other and one[1] < other[2] and other[1] < one[2]
        for one in times
        if one[0] == "marked"
        for other in times
    )


def test_a_test_marked_alone_runs_while_no_other_does(tmp_path: Path) -> None:
    assert overlaps(tmp_path, "alone") == 0


def test_tests_without_the_mark_run_beside_each_other(tmp_path: Path) -> None:
    assert overlaps(tmp_path, "side_by_side") > 0
