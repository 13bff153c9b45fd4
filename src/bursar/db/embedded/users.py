"""Which operating-system user PostgreSQL runs as. Never root: PostgreSQL refuses, and rightly.

Started by an ordinary user, it runs as that user. Started by root, it runs as the owner of an existing cluster, else
as the first of `postgres`, `bursar`, `nobody` that exists. `nobody` is the last choice because other programs may run
as it too and could then read the cluster's files; creating a user `bursar` is better."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bursar.db.embedded.faults import FolderUnusable

CANDIDATES = ("postgres", "bursar", "nobody")


@dataclass(frozen=True)
class DatabaseUser:
    """The user PostgreSQL runs as. `is_other`: not the user of this process, so programs have to be started as it."""

    uid: int
    gid: int
    name: str
    is_other: bool


def choose_user(cluster: Path) -> DatabaseUser:
    """The user for this cluster; raises FolderUnusable if the cluster belongs to someone this process cannot become."""
    owner = _find_owner(cluster)
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise FolderUnusable(
                f"The cluster {cluster} belongs to the user {_name(owner)}; this process runs as "
                f"{_name(os.geteuid())}.",
                hint=f"Start Bursar as {_name(owner)}, or give it a data folder of its own.",
            )
        return DatabaseUser(uid=os.geteuid(), gid=os.getegid(), name=_name(os.geteuid()), is_other=False)

    if owner == 0:
        raise FolderUnusable(
            f"The cluster {cluster} belongs to root, and PostgreSQL does not run as root.",
            hint=f"Give it to an unprivileged user: chown -R postgres {cluster}",
        )
    for name in CANDIDATES if owner is None else (_name(owner),):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return DatabaseUser(uid=entry.pw_uid, gid=entry.pw_gid, name=name, is_other=True)
    raise FolderUnusable(
        f"PostgreSQL does not run as root, and none of the users {', '.join(CANDIDATES)} exists."
        if owner is None
        else f"The cluster {cluster} belongs to the user number {owner}, which does not exist here.",
        hint="Create a user for it (useradd --system bursar), or start Bursar as an ordinary user.",
    )


def start(
    command: Sequence[str | Path],
    *,
    user: DatabaseUser,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a PostgreSQL program as its user, in a session of its own, so that Ctrl-C in a terminal cannot reach it.

    The environment is a plain one: a PGDATA or PGPORT meant for another server must not lead this one astray."""
    arguments = [str(word) for word in command]
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    # Two calls and not one with optional users: asking for our own user is refused to ordinary users on some systems.
    if user.is_other:
        return subprocess.Popen(  # noqa: S603 - no shell, and the programs are chosen by the operator
            arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            start_new_session=True,
            umask=0o077,
            user=user.uid,
            group=user.gid,
            extra_groups=[],
        )
    return subprocess.Popen(  # noqa: S603 - no shell, and the programs are chosen by the operator
        arguments,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=environment,
        start_new_session=True,
        umask=0o077,
    )


def check_reach(folder: Path, user: DatabaseUser) -> None:
    """Refuse a data folder the database's user cannot get to; existing folders are never opened up by us.

    Raises FolderUnusable naming the first folder that shuts it out."""
    if not user.is_other:
        return
    for passed in reversed((folder, *folder.parents)):
        if start(["/bin/sh", "-c", 'cd -- "$1"', "sh", passed], user=user).wait() != 0:
            raise FolderUnusable(
                f"PostgreSQL would run as the user {user.name}, who may not pass through {passed} "
                f"and so cannot reach the data folder {folder}.",
                hint="Use a folder open to it, such as --data-dir /var/lib/bursar (or BURSAR_DATA_DIR), or start "
                "Bursar as an ordinary user.",
            )


def _find_owner(cluster: Path) -> int | None:
    try:
        return cluster.stat().st_uid
    except FileNotFoundError:
        return None


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return str(uid)
