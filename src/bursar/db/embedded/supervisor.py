"""Keeps PostgreSQL running as long as this process wants it, and sees to it that it ends with this process."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bursar.db.embedded import processes
from bursar.db.embedded.binaries import Binaries
from bursar.db.embedded.children import Child, Watchdog
from bursar.db.embedded.faults import EmbeddedFault, ServerDied
from bursar.db.embedded.layout import Layout
from bursar.db.embedded.logfile import bound_log, open_log, read_tail
from bursar.db.embedded.orphans import clear_orphans, read_pid_file
from bursar.db.embedded.users import DatabaseUser, start

LOOK_SECONDS = 60.0
"""How often the log's size is looked at; an ended child is noticed at once."""
CALM_SECONDS = 60.0
"""A server that ran this long before it died is restarted at once; one that keeps dying, ever later."""
PAUSE_SECONDS_FIRST = 0.2
PAUSE_SECONDS_MAX = 10.0
STILL_STARTING_SECONDS = 10.0
STATUS_LINE = 7

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is to be kept running: the programs, whose they are, where, and the server's options."""

    layout: Layout
    user: DatabaseUser
    binaries: Binaries
    options: Sequence[str]


class Supervisor:
    """PostgreSQL as a direct child, its watchdog, and a thread that starts either again when it dies.

    `announce` is told the server's pid whenever it begins to accept connections, and None when it stops doing so."""

    def __init__(self, plan: Plan, *, announce: Callable[[int | None], None]) -> None:
        self._plan = plan
        self._announce = announce
        self._server: Child | None = None
        self._watchdog: Watchdog | None = None
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._stopping = threading.Event()
        # Held while a server is being born, so that a stop sees either none or a whole one.
        self._birth = threading.Lock()
        self._changed = threading.Condition()
        self._ready_pid: int | None = None
        self._ready_since = 0.0
        self._fault: EmbeddedFault | None = None
        self._pause_seconds = 0.0

    @property
    def pid(self) -> int | None:
        """The server's pid while it accepts connections."""
        return self._ready_pid

    def guard(self, pid: int) -> None:
        """Have the watchdog end this process if we die."""
        if self._watchdog is None or not self._watchdog.child.is_alive:
            self._watchdog = Watchdog(on_exit=self._woken.set)
        self._watchdog.guard(pid)

    def start(self) -> None:
        """Start PostgreSQL and return once it accepts connections. Raises ServerDied with its last words."""
        self._start_server()
        self._thread = threading.Thread(target=self._supervise, name="bursar-supervises-postgres", daemon=True)
        self._thread.start()

    def ensure_running(self) -> None:
        """Return once PostgreSQL accepts connections, waiting for a restart under way.

        Raises the fault of the last attempt if it failed, and ServerDied if the server was stopped for good."""
        with self._changed:
            # The system knows of a death before the thread that waits for it has had its turn.
            if self._ready_pid is not None and processes.see(self._ready_pid) is None:
                self._set_ready(None)
            while self._ready_pid is None:
                if self._stopping.is_set():
                    raise ServerDied("The embedded PostgreSQL was stopped.")
                if self._fault is not None:
                    raise self._fault
                self._changed.wait(1.0)

    def stop(self) -> None:
        """Stop PostgreSQL, fast and then harder, and return when no process of ours is left. Harmless when repeated."""
        self._stopping.set()
        self._woken.set()
        with self._birth:
            server = self._server
        if server is not None:
            server.end()
        if self._thread is not None:
            self._thread.join()
        self._set_ready(None)
        if self._watchdog is not None:
            self._watchdog.end()
            self._watchdog = None

    def _supervise(self) -> None:
        while True:
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            if self._stopping.is_set():
                return
            try:
                bound_log(self._plan.layout)
                if self._server is not None and not self._server.is_alive:
                    log.error("PostgreSQL ended (status %s); starting it again", self._server.exit_status)
                    self._restart()
                elif self._server is not None and self._watchdog is not None and not self._watchdog.child.is_alive:
                    log.error("the watchdog ended; starting it again")
                    self._watchdog.end()
                    self.guard(self._server.pid)
            except (EmbeddedFault, OSError):
                log.exception("looking after PostgreSQL failed; trying again")
                self._stopping.wait(PAUSE_SECONDS_MAX)
                self._woken.set()

    def _restart(self) -> None:
        self._set_ready(None)
        if time.monotonic() - self._ready_since > CALM_SECONDS:
            self._pause_seconds = 0.0
        while not self._stopping.wait(self._pause_seconds):
            self._pause_seconds = min(max(self._pause_seconds * 2, PAUSE_SECONDS_FIRST), PAUSE_SECONDS_MAX)
            try:
                clear_orphans(self._plan.layout)
                self._start_server()
                return
            except (EmbeddedFault, OSError) as error:
                if self._stopping.is_set():
                    return
                log.error("PostgreSQL could not be started again: %s", error)
                with self._changed:
                    self._fault = error if isinstance(error, EmbeddedFault) else ServerDied(str(error))
                    self._changed.notify_all()

    def _start_server(self) -> None:
        with self._birth:
            if self._stopping.is_set():
                raise ServerDied("The embedded PostgreSQL was stopped.")
            server = self._server = self._spawn()
        self._wait_until_ready(server)
        if self._watchdog is not None:
            self._watchdog.check_ready()
        self._set_ready(server.pid)

    def _spawn(self) -> Child:
        plan = self._plan
        bound_log(plan.layout)
        handle = open_log(plan.layout)
        try:
            with open(handle, "ab") as output:
                popen = start(
                    [plan.binaries.program("postgres"), "-D", plan.layout.cluster, *plan.options],
                    user=plan.user,
                    stdout=output,
                )
        except OSError as error:
            raise ServerDied(f"PostgreSQL could not be started: {error.strerror}.") from error
        child = Child(popen, name="postgres", on_exit=self._woken.set)
        self.guard(child.pid)
        return child

    def _wait_until_ready(self, server: Child) -> None:
        """No time-out: after a crash, replaying the log takes as long as it takes. The server's own word counts."""
        pause_seconds, say_at = 0.005, time.monotonic() + STILL_STARTING_SECONDS
        while not self._is_ready(server):
            if server.exited.wait(pause_seconds):
                if self._stopping.is_set():
                    raise ServerDied("The embedded PostgreSQL was stopped while it started.")
                raise ServerDied(
                    f"PostgreSQL ended while it started (status {server.exit_status}). Its log "
                    f"{self._plan.layout.log_file} ends with:\n{read_tail(self._plan.layout)}"
                )
            pause_seconds = min(pause_seconds * 1.5, 0.05)
            if time.monotonic() > say_at:
                log.warning("PostgreSQL is still starting; after a crash it first replays its log")
                say_at = time.monotonic() + STILL_STARTING_SECONDS

    def _is_ready(self, server: Child) -> bool:
        lines = read_pid_file(self._plan.layout)
        return len(lines) > STATUS_LINE and lines[0] == str(server.pid) and lines[STATUS_LINE].startswith("ready")

    def _set_ready(self, pid: int | None) -> None:
        with self._changed:
            if pid != self._ready_pid:
                self._ready_pid = pid
                self._announce(pid)
            if pid is not None:
                self._fault, self._ready_since = None, time.monotonic()
            self._changed.notify_all()
