"""How tests share one machine: most run beside each other, those marked `alone` run while nothing else does.

A plugin of pytest, loaded by `tests/conftest.py`. Also here: `--long`, for the long versions of the crash tests.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--long`."""
    parser.addoption("--long", action="store_true", help="run the long versions of the crash tests")


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether the long version was asked for."""
    return bool(request.config.getoption("--long"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Runs a test beside others, or alone if it is marked so. It waits out here, where no time-out of a test counts."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    folder_of_all_workers = Path(item.config.getoption("basetemp")).parent
    with _turn(folder_of_all_workers, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextmanager
def _turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """The machine, shared or alone. Whoever waits to be alone keeps the gate shut, so that others cannot starve it."""
    with (folder / "gate").open("w") as gate, (folder / "machine").open("w") as machine:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
