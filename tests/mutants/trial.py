"""Trying one mutation: copy the checkout, plant the fault, run its tests there, and judge what they said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from scripts.checkout import ROOT
from tests.mutants.mutation import Mutation
from tests.mutants.witness import REPORT_VARIABLE

TRIAL_SECONDS_MAX = 240
"""Each mutation names tests that take seconds. One that makes them hang for this long has not been noticed by any."""

TEST_SECONDS_MAX = 60

SAID_LENGTH_MAX = 80
"""How much of an exception stands in the table: enough to see whether it was raised for the fault's own reason."""

EXAMPLES = "40"
"""How many histories the state machine plays for each mutation, where nothing else is asked for."""

_COPIED = ("src", "tests", "scripts", "docs", "pyproject.toml", "openapi.json")
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "_console", "*.pyc", "node_modules")

_TESTS_FAILED = 1
"""pytest's exit code if tests ran and some failed; every other code but 0 says that they could not be run."""


class Verdict(Enum):
    """What became of a planted fault."""

    KILLED = "killed"
    SURVIVED = "SURVIVED"
    NOT_TRIED = "NOT TRIED"


@dataclass(frozen=True, slots=True)
class Trial:
    """One mutation's verdict: the test that noticed, or why there is none."""

    name: str
    verdict: Verdict
    said: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest said in a checkout: its exit code, the first failure if there is one, and its last words."""

    exit_code: int | None
    failure: dict[str, Any] | None
    last_words: str


def attempt(mutation: Mutation) -> Trial:
    """Plant the fault in a checkout of its own, and run its tests until one fails.

    Each of the names it gives is a run of its own: pytest would take the tests of a file and of its folder together,
    in the folder's order.
    """
    started = time.monotonic()
    verdict, said = Verdict.NOT_TRIED, "it names no tests"
    with checkout() as tree:
        mutation.plant(tree)
        for test in mutation.tests:
            verdict, said = judge(run_tests(tree, [test]))
            if verdict is not Verdict.SURVIVED:
                break
    return Trial(mutation.name, verdict, said, time.monotonic() - started)


def judge(run: Run) -> tuple[Verdict, str]:
    """A fault is killed if a test ran and failed because of it, and by nothing else."""
    if run.exit_code is None:
        return Verdict.NOT_TRIED, f"its tests did not end within {TRIAL_SECONDS_MAX} seconds"
    if run.exit_code == 0:
        return Verdict.SURVIVED, "all of its tests passed"
    if run.exit_code != _TESTS_FAILED or run.failure is None:
        return Verdict.NOT_TRIED, f"pytest ended with {run.exit_code}: {run.last_words}"
    failure = run.failure
    if not failure["is_kill"]:
        return Verdict.NOT_TRIED, f"{failure['test']} failed in {failure['when']} with {failure['exception']}"
    return Verdict.KILLED, f"{failure['test']} ({failure['exception'][:SAID_LENGTH_MAX]})"


@contextmanager
def checkout() -> Iterator[Path]:
    """A copy of what the tests need, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="bursar-mutant-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder)
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=_NOT_COPIED)
            elif (ROOT / name).is_file():
                shutil.copy(ROOT / name, tree / name)
        yield tree


def run_tests(tree: Path, tests: Sequence[str], *, seconds_max: float = TRIAL_SECONDS_MAX) -> Run:
    """Run pytest over these tests in a checkout, and stop at the first failure."""
    report = tree / "failure.json"
    command = [
        *(sys.executable, "-m", "pytest", "-p", "tests.mutants.witness"),
        *("-p", "no:cacheprovider", "-p", "no:xdist", "--exitfirst", "--quiet", "--tb=no", "--no-header"),
        *(f"--rootdir={tree}", f"--timeout={TEST_SECONDS_MAX}", "--hypothesis-seed=1"),
        *tests,
    ]
    environment = {
        "BURSAR_EXAMPLES": EXAMPLES,
        # Not those of a pytest that this may be running in: its workers' names mean nothing there.
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTHONPATH": os.pathsep.join((str(tree / "src"), str(tree))),
        # A mutation may keep a file's size, and its time of change to the second: what was compiled before would pass
        # for current.
        "PYTHONDONTWRITEBYTECODE": "1",
        REPORT_VARIABLE: str(report),
    }
    try:
        ended = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=seconds_max
        )
    except subprocess.TimeoutExpired:
        return Run(None, None, "")
    failure = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
    return Run(ended.returncode, failure, " / ".join(lines[-3:]))
