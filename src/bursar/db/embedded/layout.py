"""What lies where in a data folder, and the socket folder, which sometimes cannot lie there.

postgres/            the cluster; belongs to the user PostgreSQL runs as
postgres.lock        held by the owning Bursar as long as it lives; says who that is
postgres.password    the superuser's password, 0600
postgres.log         what the server said; postgres.log.1 is the one before
postgres-socket/     the unix socket, 0700
postgres-socket.path instead, if the path would be too long for a socket: where the socket folder is
postgres-binaries-*/ a copy of the programs, only where the database's user cannot read the original
postgres.new-*/      a cluster being created; renamed when complete, removed when found half-way
"""

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bursar.db.embedded.faults import FolderUnusable
from bursar.db.embedded.users import DatabaseUser

PORT = 5432
"""Only the name of the socket file: nothing listens on the network."""
SOCKET_PATH_BYTES_MAX = 90
"""Systems allow 104 or 108 bytes for a socket's path; the lock file beside it is longer by five."""
# PostgreSQL splits the setting at commas and drivers split host lists there too, so only plain names are used.
SOCKET_PATH_PLAIN = re.compile(r"[\w ./@+=-]+", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """The places in one data folder."""

    data_dir: Path

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def lock_file(self) -> Path:
        return self.data_dir / "postgres.lock"

    @property
    def password_file(self) -> Path:
        return self.data_dir / "postgres.password"

    @property
    def log_file(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    @property
    def socket_record(self) -> Path:
        return self.data_dir / "postgres-socket.path"

    def socket_folder(self) -> Path:
        """Where the running server's socket is, as recorded by whoever started it."""
        try:
            return Path(os.fsdecode(self.socket_record.read_bytes()))
        except FileNotFoundError:
            return self.data_dir / "postgres-socket"


def open_layout(data_dir: Path) -> Layout:
    """The layout of this data folder, which is created if it is missing. Existing folders keep their mode.

    Raises FolderUnusable if it cannot be created or is not a folder."""
    path = Path(os.path.realpath(data_dir))
    try:
        _create_missing(path)
    except OSError as error:
        raise FolderUnusable(
            f"The data folder {path} cannot be created: {error.strerror}.",
            hint="Name a folder this user may create, with --data-dir or BURSAR_DATA_DIR.",
        ) from error
    return Layout(path)


def _create_missing(path: Path) -> None:
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        # Run by root, the database's user has to be able to pass through what root creates here.
        passing = 0o711 if os.geteuid() == 0 else 0o700
        folder.chmod(passing if folder == path else 0o755)
    if not path.is_dir():
        raise NotADirectoryError(20, "there is a file of that name", str(path))


def prepare_socket_folder(layout: Layout, user: DatabaseUser) -> Path:
    """A 0700 folder of the database's user whose path is short enough for a socket; recorded if it lies elsewhere."""
    beside = layout.data_dir / "postgres-socket"
    if _suits_a_socket(beside):
        layout.socket_record.unlink(missing_ok=True)
        if not beside.is_symlink():
            beside.mkdir(exist_ok=True)
        _claim(beside, user)
        return beside

    recorded = layout.socket_folder()
    if layout.socket_record.exists() and _is_ours(recorded, user):
        return recorded
    folder = _make_short_folder()
    _claim(folder, user)
    unfinished = layout.socket_record.with_suffix(".new")
    unfinished.write_bytes(os.fsencode(folder))
    unfinished.replace(layout.socket_record)
    return folder


def discard_socket_folder(layout: Layout) -> None:
    """Remove a socket folder that lies elsewhere, once its server has stopped; what it holds by now is left alone."""
    if layout.socket_record.exists():
        try:
            layout.socket_folder().rmdir()
        except OSError:
            return
        layout.socket_record.unlink(missing_ok=True)


def _suits_a_socket(folder: Path) -> bool:
    name = os.fsencode(folder / f".s.PGSQL.{PORT}")
    return len(name) <= SOCKET_PATH_BYTES_MAX and SOCKET_PATH_PLAIN.fullmatch(str(folder)) is not None


def _make_short_folder() -> Path:
    # A user's runtime folder shuts out everyone else, so root, whose server is another user, takes the system's.
    places = ["/run"] if os.geteuid() == 0 else [os.environ.get("XDG_RUNTIME_DIR", "")]
    for place in (*places, tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp below makes it safe
        if not place or not os.access(place, os.W_OK | os.X_OK):
            continue
        if _suits_a_socket(Path(os.path.realpath(place)) / "bursar-12345678"):
            return Path(tempfile.mkdtemp(prefix="bursar-", dir=os.path.realpath(place)))
    raise FolderUnusable(
        "No folder with a path short enough for a unix socket can be created.",
        hint="Set TMPDIR to a writable folder with a short path, or choose a shorter data folder.",
    )


def _is_ours(folder: Path, user: DatabaseUser) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == user.uid and stat.S_IMODE(found.st_mode) == 0o700


def _claim(folder: Path, user: DatabaseUser) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(handle, 0o700)
        if user.is_other:
            os.fchown(handle, user.uid, user.gid)
    finally:
        os.close(handle)
