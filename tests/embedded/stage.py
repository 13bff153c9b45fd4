"""Folders in which a server may live, processes that own one, and the check that nothing is left of either.

`psutil` is the independent witness: what the product believes about processes is never asked here."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import psutil
import psycopg
import pytest

import bursar

SOURCES = Path(bursar.__file__).resolve().parent.parent
OWNER_PROGRAM = Path(__file__).with_name("owner.py")
PATIENCE_SECONDS = 30.0


def wait_for(condition: Callable[[], bool], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as something outside this process has come true; fail if it does not."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.01)


def find_workers(folder: Path, *, name: str | None = None) -> list[psutil.Process]:
    """Every live process that works in this folder or names it on its command line; of this name, if one is given."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if name not in (None, process.name()):
                continue
            if str(folder) in process.cwd() or any(str(folder) in word for word in process.cmdline()):
                found.append(process)
    return found


def is_gone(process: psutil.Process | int) -> bool:
    """Whether a process has ended; one that only waits to be reaped by the system's init has."""
    try:
        seen = psutil.Process(process) if isinstance(process, int) else process
        return not seen.is_running() or seen.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ask(url: str, statement: str) -> Any:
    """The first value a statement gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def tell(url: str, *statements: str) -> None:
    """Carry out statements, each committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@dataclass
class Owner:
    """A process that runs `owner.py`; `facts` is its first line."""

    popen: subprocess.Popen[str]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The process itself, not its server."""
        return self.popen.pid

    @property
    def url(self) -> str:
        return str(self.facts["url"])

    @property
    def server(self) -> psutil.Process:
        return psutil.Process(self.facts["pid"])

    @property
    def watchdog(self) -> psutil.Process:
        """The watchdog beside the server."""
        children = psutil.Process(self.pid).children()
        return next(child for child in children if any("watchdog" in word for word in child.cmdline()))

    def read(self) -> dict[str, Any]:
        """Its next line."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, "the owner ended without a word"
        facts = json.loads(line)
        assert isinstance(facts, dict)
        return facts

    def ensure(self) -> dict[str, Any]:
        """Have it ask for its server."""
        assert self.popen.stdin is not None
        self.popen.stdin.write("ensure\n")
        self.popen.stdin.flush()
        return self.read()

    def leave(self) -> int:
        """End it as it ends by itself; returns its exit status."""
        if self.popen.stdin is not None:
            self.popen.stdin.close()
        return self.popen.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """`kill -9`."""
        self.popen.kill()
        self.popen.wait(PATIENCE_SECONDS)


@dataclass
class Stage:
    """One test's folder, and the owners it starts there."""

    folder: Path
    owners: list[Owner] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.folder / "books of account"

    def launch(
        self,
        data_dir: Path | None = None,
        *settings: str,
        python: Path | str = sys.executable,
        before: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        program: Path = OWNER_PROGRAM,
        stdin: int = subprocess.PIPE,
        process_group: int | None = 0,
    ) -> Owner:
        """Start an owner and do not wait for it."""
        popen = subprocess.Popen(
            [*before, str(python), str(program), str(data_dir or self.data_dir), *settings],
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(SOURCES), **(environment or {})},
            process_group=process_group,
        )
        owner = Owner(popen)
        self.owners.append(owner)
        return owner

    def open(self, data_dir: Path | None = None, *settings: str, **how: Any) -> Owner:
        """Start an owner and wait for its first line."""
        owner = self.launch(data_dir, *settings, **how)
        owner.facts = owner.read()
        return owner


def skip_loudly(reason: str) -> NoReturn:
    """Skip on a laptop; where everything should be present, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"cannot run here, and CI has to: {reason}")
    pytest.skip(reason)
