"""Who owns a data folder: one process, for as long as it lives, by a lock the kernel drops at any death.

The lock's file also says who the owner is and how far its server has come, for those who would join."""

import contextlib
import fcntl
import json
import os
import weakref
from dataclasses import asdict, dataclass

from bursar.db.embedded import processes
from bursar.db.embedded.faults import FolderUnusable
from bursar.db.embedded.layout import Layout

NOTICE_BYTES_MAX = 4096


@dataclass(frozen=True)
class Notice:
    """What the owner tells others. `server` is PostgreSQL's pid once it accepts connections, None before."""

    owner: int
    server: int | None
    version: str


class OwnerLock:
    """The data folder's lock. Raises FolderUnusable if this process may not even look at it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._handle: int | None = _open(layout)
        self.is_held = False
        _close_in_forks(self)

    def try_acquire(self) -> bool:
        """Become the owner if nobody is; True if this process is the owner now."""
        assert self._handle is not None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.is_held = True
        return True

    def write(self, notice: Notice) -> None:
        """Tell others. Rewritten in place: a new file would not carry the lock."""
        assert self._handle is not None
        assert self.is_held
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, json.dumps(asdict(notice)).encode(), 0)
        except OSError as error:
            raise FolderUnusable(
                f"The file {self._layout.lock_file} cannot be written: {error.strerror}.",
                hint="Start Bursar as the user the data folder belongs to.",
            ) from error

    def read(self) -> Notice | None:
        """What the owner has told; None if it has told nothing yet or is telling just now."""
        assert self._handle is not None
        try:
            return Notice(**json.loads(os.pread(self._handle, NOTICE_BYTES_MAX, 0)))
        except (json.JSONDecodeError, TypeError):
            return None

    def release(self) -> None:
        """Give up ownership; harmless when there is none."""
        handle, self._handle, self.is_held = self._handle, None, False
        if handle is not None:
            os.close(handle)


def _open(layout: Layout) -> int:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            return os.open(layout.lock_file, os.O_RDWR | os.O_CREAT | flags, 0o644)
        except PermissionError:
            return os.open(layout.lock_file, os.O_RDONLY | flags)
    except OSError as error:
        servers = processes.list_working_in(layout.cluster)
        working = f" Process {servers[0].parent} owns it and runs its PostgreSQL." if servers else ""
        raise FolderUnusable(
            f"The data folder {layout.data_dir} cannot be used by this user: {error.strerror}.{working}",
            hint="Start Bursar as the user the data folder belongs to, or give it another with --data-dir or "
            "BURSAR_DATA_DIR.",
        ) from error


def _close_in_forks(lock: OwnerLock) -> None:
    """Keep a forked child from holding the lock on after its parent's death."""
    known = weakref.ref(lock)

    def close() -> None:
        if (inherited := known()) is not None:
            with contextlib.suppress(OSError):
                inherited.release()

    os.register_at_fork(after_in_child=close)
