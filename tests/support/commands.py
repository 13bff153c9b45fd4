"""The `bursar` command as people run it: a process of its own, with a data folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SUPER_ADMIN = {
    "BURSAR_SUPER_ADMIN_NAME": "root",
    "BURSAR_SUPER_ADMIN_EMAIL": "root@example.com",
    "BURSAR_SUPER_ADMIN_PASSWORD": "correct horse battery",
}
READY_SECONDS_MAX = 90.0


@dataclass
class Shell:
    """Runs `bursar` with this data folder and nothing of the environment's own settings."""

    data_dir: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
        return {**kept, "BURSAR_DATA_DIR": str(self.data_dir), "PYTHONUNBUFFERED": "1", **self.extra}

    def with_settings(self, **settings: str) -> Shell:
        return Shell(self.data_dir, {**self.extra, **settings})

    def run(self, *arguments: str, timeout_seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """A command to its end, without a terminal."""
        return subprocess.run(
            [sys.executable, "-m", "bursar", *arguments],
            env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_seconds,
            check=False,
        )  # fmt: skip

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[Serving]:
        """A command that serves, once it has said all of its greeting; stopped at the end if it still runs."""
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "bursar", *arguments, "--port", str(port)],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        served = Serving(process, port)
        try:
            served.wait_until_ready()
            yield served
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
            served.stop_listening()


class Serving:
    """A server that runs as a process of its own, and all that it has said."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self._lines: list[str] = []
        self._is_ready = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """Its output and its log, as far as it has got."""
        return "".join(self._lines)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)
            if "Ctrl-C" in line:
                self._is_ready.set()
        self._is_ready.set()

    def stop_listening(self) -> None:
        """Returns when everything it said has been heard."""
        self._listener.join(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_until_ready(self) -> None:
        """Returns when it has said its address."""
        self._is_ready.wait(READY_SECONDS_MAX)
        assert self.url in self.said, f"it did not start: {self.said}"

    def family(self) -> list[psutil.Process]:
        """The process and all that it started."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def stop(self, number: signal.Signals) -> tuple[int, float]:
        """Sends the signal; the exit code, and how long it took in seconds."""
        started = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        return code, time.monotonic() - started


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them have ended; one that was orphaned gets a few seconds to notice."""
    _, alive = psutil.wait_procs(processes, timeout=5)
    return not alive
