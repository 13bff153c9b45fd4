"""The embedded PostgreSQL as the rest of Bursar sees it: `running(data_dir)` and the server it gives.

The first process in a data folder owns its server; others join it. When the owner stops, or dies, the server stops
with it and those who joined lose it: they are guests, and `ensure_running` tells them so."""

import atexit
import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from bursar.db.embedded.admission import create_database_if_missing, find_complaint, make_admin_url
from bursar.db.embedded.binaries import ENVIRONMENT_NAME, Binaries, find_binaries
from bursar.db.embedded.cluster import check_version, create_cluster, read_password, remove_unfinished
from bursar.db.embedded.faults import EmbeddedFault, FolderUnusable, JoinRefused, VersionMismatch
from bursar.db.embedded.layout import PORT, Layout, discard_socket_folder, open_layout, prepare_socket_folder
from bursar.db.embedded.orphans import clear_orphans
from bursar.db.embedded.ownership import Notice, OwnerLock
from bursar.db.embedded.supervisor import Plan, Supervisor
from bursar.db.embedded.tuning import list_options
from bursar.db.embedded.users import check_reach, choose_user

ASK_SECONDS = 0.05
UNREACHABLE_SECONDS_MAX = 15.0
"""How long a server whose owner says it is ready may refuse us before we give up joining it."""
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

log = logging.getLogger(__name__)


class EmbeddedServer:
    """A running PostgreSQL, owned by this process or joined. Made by `running`."""

    def __init__(
        self, *, lock: OwnerLock, admin_url: str, version: str, layout: Layout, supervisor: Supervisor | None
    ) -> None:
        self.admin_url = admin_url
        self.version = version
        self._lock = lock
        self._layout = layout
        self._supervisor = supervisor
        self._process = os.getpid()

    @property
    def is_owner(self) -> bool:
        """Whether the server ends with this process; False for one that joined another's."""
        return self._supervisor is not None

    @property
    def pid(self) -> int | None:
        """The pid of PostgreSQL; another one after a restart, None while it does not accept connections."""
        if self._supervisor is not None:
            return self._supervisor.pid
        notice = self._lock.read()
        return notice.server if notice else None

    def ensure_running(self) -> None:
        """Return once PostgreSQL accepts connections; a restart after its death is waited for.

        Raises EmbeddedFault if it cannot be started, was stopped, or, for a guest, if the owner is gone."""
        if self._supervisor is not None:
            self._supervisor.ensure_running()
            return
        while True:
            probe = OwnerLock(self._layout)
            try:
                if probe.try_acquire():
                    raise JoinRefused(
                        "The Bursar whose PostgreSQL this process had joined has ended, and the server with it.",
                        hint="Start this process again; it will own the server then.",
                    )
                if (notice := probe.read()) is not None and notice.server is not None:
                    return
            finally:
                probe.release()
            time.sleep(ASK_SECONDS)

    def stop(self) -> None:
        """Stop the server if this process owns it, leave it if not. Harmless when repeated."""
        # A forked child inherits this object and the exit handler, but not the right to stop its parent's server.
        if os.getpid() != self._process:
            return
        if self._supervisor is not None:
            self._supervisor.stop()
            if self._lock.is_held:
                discard_socket_folder(self._layout)
        self._lock.release()


@contextlib.contextmanager
def running(
    data_dir: Path, *, settings: Mapping[str, str] = NO_SETTINGS, binaries: Path | None = None
) -> Iterator[EmbeddedServer]:
    """A running PostgreSQL in this data folder until the block ends, however it ends.

    It is created if there is none, recovered if it crashed, restarted if it dies, and joined if another living Bursar
    owns it. `settings` are PostgreSQL's and win over our defaults (a guest takes the owner's); `binaries` is the folder
    of the programs, for when neither the wheel nor BURSAR_POSTGRES_BIN is wanted.
    Raises EmbeddedFault with a sentence and a hint for the operator."""
    server = _open_server(open_layout(data_dir), settings, binaries)
    atexit.register(server.stop)
    try:
        yield server
    finally:
        server.stop()
        atexit.unregister(server.stop)


def _open_server(layout: Layout, settings: Mapping[str, str], asked: Path | None) -> EmbeddedServer:
    lock = OwnerLock(layout)
    try:
        refused_since: float | None = None
        if not lock.try_acquire():
            log.info("another Bursar owns %s; joining its PostgreSQL as soon as it is ready", layout.data_dir)
        while not lock.is_held and not lock.try_acquire():
            notice = lock.read()
            if notice is not None and notice.server is not None:
                complaint = _find_join_complaint(layout, notice)
                # Asked again, because the owner may have died and a new one may be clearing up right now.
                if complaint is None and lock.read() == notice:
                    return _join(layout, lock, notice, asked)
                refused_since = refused_since or time.monotonic()
                if complaint is not None and time.monotonic() - refused_since > UNREACHABLE_SECONDS_MAX:
                    raise _refuse(layout, notice, complaint)
            time.sleep(ASK_SECONDS)
        return _own(layout, lock, settings, asked)
    except BaseException:
        lock.release()
        raise


def _own(layout: Layout, lock: OwnerLock, settings: Mapping[str, str], asked: Path | None) -> EmbeddedServer:
    user = choose_user(layout.cluster)
    check_reach(layout.data_dir, user)
    lock.write(Notice(owner=os.getpid(), server=None, version=""))
    clear_orphans(layout)
    remove_unfinished(layout)
    binaries = find_binaries(layout, user, asked=asked)
    if layout.cluster.exists():
        check_version(layout, user, binaries)
    socket_folder = prepare_socket_folder(layout, user)
    options = list_options(settings, socket_folder=socket_folder, port=PORT)

    def announce(pid: int | None) -> None:
        if lock.is_held:
            lock.write(Notice(owner=os.getpid(), server=pid, version=binaries.version))

    supervisor = Supervisor(Plan(layout, user, binaries, options), announce=announce)
    try:
        create_cluster(layout, user, binaries, guard=supervisor.guard)
        password = read_password(layout)
        supervisor.start()
        create_database_if_missing(password=password, socket_folder=socket_folder)
    except BaseException:
        supervisor.stop()
        raise
    return EmbeddedServer(
        lock=lock,
        admin_url=make_admin_url(password=password, socket_folder=socket_folder),
        version=binaries.version,
        layout=layout,
        supervisor=supervisor,
    )


def _join(layout: Layout, lock: OwnerLock, notice: Notice, asked: Path | None) -> EmbeddedServer:
    if asked or os.environ.get(ENVIRONMENT_NAME):
        wanted = find_binaries(layout, choose_user(layout.cluster), asked=asked)
        if wanted.major != Binaries(wanted.folder, notice.version).major:
            raise VersionMismatch(
                f"Bursar (process {notice.owner}) runs PostgreSQL {notice.version} in {layout.data_dir}; this process "
                f"was asked to use version {wanted.version} from {wanted.folder}.",
                hint=f"Ask for version {notice.version} too, stop process {notice.owner}, or use another data folder.",
            )
    log.info("joined the PostgreSQL of process %d in %s", notice.owner, layout.data_dir)
    return EmbeddedServer(
        lock=lock,
        admin_url=make_admin_url(password=read_password(layout), socket_folder=layout.socket_folder()),
        version=notice.version,
        layout=layout,
        supervisor=None,
    )


def _find_join_complaint(layout: Layout, notice: Notice) -> str | None:
    try:
        password = read_password(layout)
    except FolderUnusable as fault:
        raise _refuse(layout, notice, fault.sentence) from fault
    return find_complaint(password=password, socket_folder=layout.socket_folder())


def _refuse(layout: Layout, notice: Notice, reason: str) -> EmbeddedFault:
    return JoinRefused(
        f"Bursar (process {notice.owner}) owns the data folder {layout.data_dir}, and its PostgreSQL cannot be joined: "
        f"{reason}",
        hint=f"Run this command as the user of process {notice.owner}, stop that process, or use another data folder.",
    )
