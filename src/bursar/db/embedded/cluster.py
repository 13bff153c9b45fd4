"""The cluster: created complete or not at all, with a password only this user can read, and of one major version."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from bursar.db.embedded import processes
from bursar.db.embedded.binaries import Binaries, find_major
from bursar.db.embedded.faults import FolderUnusable, ServerDied, VersionMismatch
from bursar.db.embedded.layout import Layout
from bursar.db.embedded.users import DatabaseUser, start

SUPERUSER = "postgres"
UNFINISHED_PREFIX = "postgres.new-"
BUILTIN_LOCALE_SINCE = 17
OUTPUT_CHARACTERS_MAX = 2000


def create_cluster(layout: Layout, user: DatabaseUser, binaries: Binaries, *, guard: Callable[[int], None]) -> None:
    """Create the cluster, unless it exists: in a temporary folder, which is renamed once complete.

    `guard` is told the pid of the program that creates it, so that it does not outlive us.
    Raises ServerDied with what initdb said if that fails; nothing half-made stays."""
    if layout.cluster.exists():
        return
    password = _create_password(layout)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=layout.data_dir))
    try:
        # PostgreSQL's user may not read our password file, so it gets a copy that dies with the temporary folder.
        copy = unfinished / "password"
        copy.touch(mode=0o600)
        copy.write_text(password)
        if user.is_other:
            os.chown(copy, user.uid, user.gid)
            os.chown(unfinished, user.uid, user.gid)
        _run_initdb(unfinished / "cluster", copy, user, binaries, guard)
        (unfinished / "cluster").rename(layout.cluster)
        _sync_folder(layout.data_dir)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_unfinished(layout: Layout) -> None:
    """Remove what a Bursar killed during creation left behind, ending the initdb that may still be at it."""
    for unfinished in layout.data_dir.glob(f"{UNFINISHED_PREFIX}*"):
        for process in processes.list_working_in(unfinished / "cluster"):
            processes.end(process, gentle_seconds=processes.HARD_SECONDS)
        shutil.rmtree(unfinished, ignore_errors=True)


def check_version(layout: Layout, user: DatabaseUser, binaries: Binaries) -> None:
    """Refuse to open a cluster of another major version. Raises VersionMismatch with both and what to do."""
    version_file = layout.cluster / "PG_VERSION"
    try:
        version = int(version_file.read_text())
    except (OSError, ValueError) as error:
        raise FolderUnusable(
            f"{layout.cluster} is no PostgreSQL cluster, or is damaged: {version_file.name} is missing or unreadable.",
            hint="Restore the folder from a backup, or move it away and let Bursar create a new one.",
        ) from error
    if version == binaries.major:
        return
    other = find_major(layout, user, major=version)
    raise VersionMismatch(
        f"The cluster in {layout.cluster} was made by PostgreSQL {version}, but the programs in {binaries.folder} are "
        f"version {binaries.version}, which cannot read it.",
        hint=(
            f"Set BURSAR_POSTGRES_BIN={other.folder} to go on with version {version}."
            if other
            else f"Install PostgreSQL {version} and set BURSAR_POSTGRES_BIN to its bin folder."
        )
        + f" To move to version {binaries.major}, dump it with pg_dump from there and restore into a new data folder.",
    )


def read_password(layout: Layout) -> str:
    """The superuser's password. Raises FolderUnusable if its file is gone or unreadable."""
    try:
        return layout.password_file.read_text().strip()
    except OSError as error:
        raise FolderUnusable(
            f"The database's password file {layout.password_file} cannot be read: {error.strerror}.",
            hint="Start Bursar as the user it belongs to; if it is gone, restore it from a backup.",
        ) from error


def _create_password(layout: Layout) -> str:
    # A file left by an interrupted creation is as good as a new one.
    if not layout.password_file.exists():
        unfinished = layout.password_file.with_suffix(".password.new")
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(layout.password_file)
        _sync_folder(layout.data_dir)
    return read_password(layout)


def _run_initdb(
    folder: Path, password_file: Path, user: DatabaseUser, binaries: Binaries, guard: Callable[[int], None]
) -> None:
    # Both sort by code point, everywhere alike; the built-in one also knows upper and lower case beyond ASCII.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    child = start(
        [
            binaries.program("initdb"),
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            *(builtin if binaries.major >= BUILTIN_LOCALE_SINCE else []),
            "--data-checksums",
            "--no-instructions",
            "-D",
            folder,
        ],
        user=user,
        stdout=subprocess.PIPE,
    )
    try:
        guard(child.pid)
        output, _ = child.communicate()
    except BaseException:
        child.terminate()
        child.communicate()
        raise
    if child.returncode != 0:
        said = output.decode(errors="replace").strip()[-OUTPUT_CHARACTERS_MAX:]
        raise ServerDied(f"PostgreSQL's initdb could not create {folder}. It said:\n{said}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
