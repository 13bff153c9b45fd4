"""Processes of a measurement: started, watched for what they cost, and ended with it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import uvloop

from bursar.cli.serving import Server, address_of, listener_at, uvicorn_config
from bursar.outside.collector import quieten_collector
from tests.support.offices import settings_for

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 20.0


@contextmanager
def process(
    *arguments: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A Python process of this checkout, whose complaints go into `log`; it is stopped when the block ends."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with log.open("w") as complaints:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            yield started
        finally:
            assert started.stdin is not None
            started.stdin.close()
            started.terminate()
            try:
                started.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def said_first(started: subprocess.Popen[str], log: Path, *, containing: str = "") -> str:
    """The first line that the process says, with this in it."""
    assert started.stdout is not None
    for line in started.stdout:
        if containing in line:
            return line.strip()
    raise RuntimeError(f"it did not start:\n{log.read_text()}")


def serve_until_input_ends(application: Any) -> None:
    """Serves an application as `bursar serve` does, on a port that is printed, until standard input ends."""
    uvloop.run(_serve(application))


async def _serve(application: Any) -> None:
    with listener_at("127.0.0.1", 0) as listener:
        server = Server(uvicorn_config(application, settings_for()), announce=lambda: _announce(address_of(listener)))
        quieten_collector()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = server.force_exit = True
        await serving


def _announce(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far, with all that it has started."""
    root = psutil.Process(pid)
    total = 0.0
    for one in (root, *root.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def own_cpu_seconds(pid: int) -> float:
    """What a process has used itself."""
    times = psutil.Process(pid).cpu_times()
    used: float = times.user + times.system
    return used


def resident_bytes(pid: int) -> int:
    """The memory that a process has in use."""
    resident: int = psutil.Process(pid).memory_info().rss
    return resident
