"""The server's log: one file and the one before it, each of bounded size."""

import os
import shutil

from bursar.db.embedded.layout import Layout

SIZE_BYTES_MAX = 10_000_000
TAIL_LINES = 15
TAIL_BYTES = 8_192


def open_log(layout: Layout) -> int:
    """A handle to append to, readable by this user only."""
    return os.open(layout.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def bound_log(layout: Layout) -> None:
    """If the log has grown too large, keep it as `.1` and begin anew. Safe while the server writes to it.

    The server holds the file open for appending, so the file is emptied, not replaced; lines written during the copy
    may be lost."""
    try:
        if layout.log_file.stat().st_size <= SIZE_BYTES_MAX:
            return
    except FileNotFoundError:
        return
    before = layout.log_file.with_name(f"{layout.log_file.name}.1")
    before.unlink(missing_ok=True)
    with layout.log_file.open("rb") as old, open(before, "xb", opener=_open_private) as kept:
        shutil.copyfileobj(old, kept)
    os.truncate(layout.log_file, 0)


def read_tail(layout: Layout) -> str:
    """The log's last lines, for a message about a server that died."""
    try:
        with layout.log_file.open("rb") as file:
            file.seek(max(0, layout.log_file.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-TAIL_LINES:])


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
