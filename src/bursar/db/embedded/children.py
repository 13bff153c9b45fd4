"""Child processes of the embedded server: PostgreSQL itself and the watchdog beside it."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import bursar
from bursar.db.embedded import processes
from bursar.db.embedded.faults import ServerDied


class Child:
    """A running child and the thread that waits for its end, so that it never stays a zombie."""

    def __init__(self, popen: subprocess.Popen[bytes], *, name: str, on_exit: Callable[[], None]) -> None:
        self.pid = popen.pid
        self.exited = threading.Event()
        self._popen = popen
        self._on_exit = on_exit
        threading.Thread(target=self._wait, name=f"bursar-waits-for-{name}", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return not self.exited.is_set()

    @property
    def exit_status(self) -> int | None:
        return self._popen.returncode

    def end(self) -> None:
        """End it, gently first, and return when it is gone and waited for."""
        for step, seconds in processes.list_steps():
            self._popen.send_signal(step)
            if self.exited.wait(seconds):
                return
        self.exited.wait()

    def _wait(self) -> None:
        self._popen.wait()
        self.exited.set()
        self._on_exit()


class Watchdog:
    """Our end of the watchdog's pipe. When this process dies the kernel closes it, and the watchdog acts."""

    def __init__(self, *, on_exit: Callable[[], None]) -> None:
        reading, self._pipe = os.pipe()
        os.register_at_fork(after_in_child=self._close)
        try:
            popen = subprocess.Popen(
                [sys.executable, "-S", "-m", "bursar.db.embedded.watchdog"],
                stdin=reading,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={**os.environ, "PYTHONPATH": str(Path(bursar.__file__).resolve().parent.parent)},
                start_new_session=True,
            )
        except OSError as error:
            self._close()
            raise ServerDied(
                f"The watchdog that stops PostgreSQL with Bursar could not be started with {sys.executable}: "
                f"{error.strerror}."
            ) from error
        finally:
            os.close(reading)
        assert popen.stdout is not None
        self._answers = popen.stdout
        self._is_ready = False
        self.child = Child(popen, name="watchdog", on_exit=on_exit)

    def guard(self, pid: int) -> None:
        """From now on this process, started by us, ends when we do. Raises ServerDied if the watchdog is gone."""
        try:
            os.write(self._pipe, f"guard {pid}\n".encode())
        except OSError as error:
            raise ServerDied("The watchdog that stops PostgreSQL with Bursar ended early.") from error

    def check_ready(self) -> None:
        """Wait until the watchdog watches. Raises ServerDied if it could not start."""
        if not self._is_ready and self._answers.readline() != b"ready\n":
            raise ServerDied(f"The watchdog that stops PostgreSQL with Bursar could not start ({sys.executable}).")
        self._is_ready = True

    def end(self) -> None:
        """Let it go, and wait for it. What it guards must have ended before, or it ends it now."""
        self._close()
        self.child.exited.wait()
        self._answers.close()

    def _close(self) -> None:
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            os.close(pipe)
