"""The watchdog: a process of its own that stops PostgreSQL when Bursar dies, however it dies.

It reads a pipe whose other end only Bursar holds. While Bursar lives it is told whom to guard, as `guard <pid>` lines;
when the kernel closes the pipe it ends what it guards, and then itself. It has a session of its own and ignores the
signals a terminal or a service supervisor sends to everyone, because those are when it is needed most.
Run as `python -S -m bursar.db.embedded.watchdog`; it needs the standard library only."""

import contextlib
import os
import signal
import sys

from bursar.db.embedded import processes

GENTLE_SECONDS = 30.0
LINE_LENGTH_MAX = 4096


def main() -> None:
    """Guard until the pipe closes, then end the guarded process."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    os.chdir("/")
    # Bursar may have died before this was written, and then nobody listens; all the more reason to go on.
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), b"ready\n")
    guarded = _guard_until_closed(sys.stdin.fileno())
    if guarded is not None:
        processes.end(guarded, gentle_seconds=GENTLE_SECONDS)


def _guard_until_closed(pipe: int) -> processes.Seen | None:
    guarded: processes.Seen | None = None
    unread = b""
    while received := os.read(pipe, LINE_LENGTH_MAX):
        *lines, unread = (unread + received).split(b"\n")
        for line in lines:
            word, _, pid = line.partition(b" ")
            if word == b"guard":
                guarded = processes.see(int(pid))
    return guarded


if __name__ == "__main__":
    main()
