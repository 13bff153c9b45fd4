"""Which processes exist, what they are, and how one is ended.

Linux answers from /proc, other systems from `ps`. A pid alone is never trusted: it may have been given to another
process, so everything here goes by pid and start time together, and a zombie counts as dead. The watchdog runs this
file without installed packages: standard library only."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02
GENTLE_SECONDS = 60.0
"""How long a fast shutdown may take: it writes a checkpoint, which can be slow on a laptop's disk."""
HARD_SECONDS = 10.0
NAMES = ("postgres", "initdb")


@dataclass(frozen=True)
class Seen:
    """A live process as the system shows it. `started` tells it from a later one with the same pid."""

    pid: int
    parent: int
    started: str
    name: str
    folder: str | None
    """Its working folder, or None where the system will not say."""
    data_folder: str | None
    """The folder its command line names after `-D`; a server's own children have lost theirs."""


def see(pid: int) -> Seen | None:
    """The live process with this pid; None if there is none, or only a zombie."""
    if pid <= 0:
        return None
    if _has_proc():
        return _see_in_proc(pid)
    return next(_see_by_ps(pid), None)


def is_alive(process: Seen) -> bool:
    """Whether this very process still lives, and not merely its pid."""
    now = see(process.pid)
    return now is not None and now.started == process.started


def list_working_in(folder: Path) -> list[Seen]:
    """Every live PostgreSQL process whose data folder is this one.

    A person's shell standing in the folder is not one, nor is a PostgreSQL of another folder."""
    found = _list_in_proc() if _has_proc() else _see_by_ps(None)
    return [process for process in found if works_in(process, folder)]


def works_in(process: Seen, folder: Path) -> bool:
    """Whether this process is PostgreSQL at work in this data folder, by command line or working folder."""
    return process.name in NAMES and str(folder) in (process.folder, process.data_folder)


def end(process: Seen, *, gentle_seconds: float = GENTLE_SECONDS, hard_seconds: float = HARD_SECONDS) -> bool:
    """End a process: PostgreSQL's fast shutdown, then its immediate one, then the kernel's. True once it is gone."""
    for step, seconds in list_steps(gentle_seconds=gentle_seconds, hard_seconds=hard_seconds):
        if not is_alive(process):
            return True
        try:
            os.kill(process.pid, step)
        except ProcessLookupError:
            return True
        if wait_gone(process, seconds=seconds):
            return True
    return False


def list_steps(
    *, gentle_seconds: float = GENTLE_SECONDS, hard_seconds: float = HARD_SECONDS
) -> list[tuple[signal.Signals, float]]:
    """The signals that end PostgreSQL, in order, each with how long to wait for it before the next."""
    return [(signal.SIGINT, gentle_seconds), (signal.SIGQUIT, hard_seconds), (signal.SIGKILL, hard_seconds)]


def wait_gone(process: Seen, *, seconds: float) -> bool:
    """Wait at most so long for a process to end; True if it has."""
    give_up_at = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _has_proc() -> bool:
    return os.path.exists("/proc/self/stat")


def _list_in_proc() -> Iterator[Seen]:
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (process := _see_in_proc(int(entry))):
            yield process


def _see_in_proc(pid: int) -> Seen | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        words = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # The name stands in parentheses and may itself hold parentheses and spaces; what follows is plain.
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    try:
        folder: str | None = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        folder = None
    return Seen(
        pid=pid,
        parent=int(fields[1]),
        started=fields[19],
        name=name,
        folder=folder,
        data_folder=words[words.index("-D") + 1] if "-D" in words[:-1] else None,
    )


def _see_by_ps(pid: int | None) -> Iterator[Seen]:
    chosen = ["-ax"] if pid is None else ["-p", str(pid)]
    answer = subprocess.run(  # noqa: S603 - every word is ours
        ["/bin/ps", *chosen, "-ww", "-o", "pid=,ppid=,stat=,lstart=,command="],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    for line in answer.stdout.splitlines():
        words = line.split(None, 8)
        if len(words) < 9 or words[2].startswith("Z"):
            continue
        program, _, after = words[8].partition(" -D ")
        yield Seen(
            pid=int(words[0]),
            parent=int(words[1]),
            started=" ".join(words[3:8]),
            name=os.path.basename(program.split(": ")[0]),
            folder=None,
            data_folder=after.split(" -c ")[0] or None,
        )
