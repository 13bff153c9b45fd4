"""`make bench-gateway`: calls through a real Bursar beside its provider and a pass-through, in one run, written to
docs/concepts/performance.md.

python -m tests.load.gateway [--seconds 3] [--quick] [--profile FILE] [--no-write]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import psutil

from tests.load.gateway_client import Client
from tests.load.gateway_page import GatewayResults, gateway_section, with_gateway_section
from tests.load.gateway_place import calls_written, prepare
from tests.load.gateway_runs import IN_FLIGHT, MODELS, Target, Targets, measure
from tests.load.processes import ROOT, process, said_first
from tests.load.server import MeasuredServer, machine_name, measured_server
from tests.support.postgres import SECRET_KEY

PAGE = ROOT / "docs" / "concepts" / "performance.md"
MEMBERS = 200
TENANTS = 20
VERIFY_SECONDS = 120.0


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each load runs")
    parser.add_argument("--quick", action="store_true", help="one second each, at fewer levels, for development")
    parser.add_argument("--profile", help="a file for what cProfile sees in Bursar, which is slower meanwhile")
    parser.add_argument("--no-write", action="store_true", help="print only")
    asked = parser.parse_args()
    started = perf_counter()
    with measured_server() as server:
        results = _measure(server, asked)
    section = gateway_section(results)
    print(section)
    print(f"{perf_counter() - started:.0f} s in all")
    if not (asked.no_write or asked.quick or asked.profile):
        PAGE.write_text(with_gateway_section(PAGE.read_text(), section))
        print(f"written to {PAGE.relative_to(ROOT)}")
    if not results.is_whole:
        raise SystemExit("The books and the answers do not agree.")


def _measure(server: MeasuredServer, asked: argparse.Namespace) -> GatewayResults:
    seconds = 1.0 if asked.quick else asked.seconds
    levels = (1, 64) if asked.quick else IN_FLIGHT
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bursar-bench-", dir="/var/tmp")))
        upstream, address = _serving(stack, folder, "tests.load.gateway_upstream")
        passing, passing_address = _serving(stack, folder, "tests.load.gateway_pass_through", address)
        print("members, credits and keys", flush=True)
        keys = asyncio.run(
            prepare(server, base_url=f"{address}/v1", models=MODELS, members=MEMBERS, tenants=TENANTS)
        )  # fmt: skip
        bursar, own_address = stack.enter_context(_bursar(server, folder, profile=asked.profile))
        client_log = folder / "client.log"
        calling = stack.enter_context(process("tests.load.gateway_client", log=client_log))
        said_first(calling, client_log)
        client = Client(calling)
        (postmaster,) = (one.pid for one in psutil.Process().children() if one.name() == "postgres")
        targets = Targets(
            upstream=Target(address, ["none"], upstream.pid),
            passing=Target(passing_address, ["none"], passing.pid),
            bursar=Target(own_address, keys.one_tenant, bursar.pid),
            many=Target(own_address, keys.many_tenants, bursar.pid),
            postmaster=postmaster,
        )
        runs = measure(client, targets, server.admin_url, levels=levels, seconds=seconds)
        is_verified = _is_verified(server, folder)
    rows, open_holds = calls_written(server.admin_url)
    return GatewayResults(
        machine=machine_name(),
        postgres=server.version,
        measured_on=datetime.now(UTC).date(),
        seconds=seconds,
        members=MEMBERS,
        tenants=TENANTS,
        runs=runs,
        rows=rows,
        open_holds=open_holds,
        is_verified=is_verified,
    )


def _serving(stack: ExitStack, folder: Path, module: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    log = folder / f"{module}.log"
    started = stack.enter_context(process(module, *arguments, log=log))
    return started, said_first(started, log)


@contextmanager
def _bursar(
    server: MeasuredServer, folder: Path, *, profile: str | None
) -> Iterator[tuple[subprocess.Popen[str], str]]:  # fmt: skip
    """A real `bursar serve` on a free port, with the settings that it has unless told otherwise."""
    log = folder / "bursar.log"
    words = ["bursar", "serve", "--port", "0"]
    if profile:
        words = ["cProfile", "-o", str(Path(profile).absolute()), "-m", *words]
    with process(*words, log=log, environment=_environment(server, folder)) as started:
        said = said_first(started, log, containing=" is at http")
        yield started, said.split(" is at ")[1].split()[0]
    told = [line for line in log.read_text().splitlines() if "[error" in line or "[warning" in line]
    if told:
        print("Bursar had to say:", *told[:10], sep="\n  ", flush=True)


def _environment(server: MeasuredServer, folder: Path) -> dict[str, str]:
    return {
        "BURSAR_DATABASE_URL": server.admin_url,
        "BURSAR_SECRET_KEY": SECRET_KEY.decode(),
        "BURSAR_DATA_DIR": str(folder / "data"),
    }


def _is_verified(server: MeasuredServer, folder: Path) -> bool:
    log = folder / "verify.log"
    with process("bursar", "verify", log=log, environment=_environment(server, folder)) as started:
        said, _ = started.communicate(timeout=VERIFY_SECONDS)
    if started.returncode:
        print(said, log.read_text(), flush=True)
    return started.returncode == 0


if __name__ == "__main__":
    main()
