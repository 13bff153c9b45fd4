"""What a killed Bursar may have left in its data folder: a server still running, a pid file that means nothing.

Called only by the holder of the owner's lock, so no living Bursar needs what is found here."""

import logging

from bursar.db.embedded import processes
from bursar.db.embedded.faults import FolderUnusable
from bursar.db.embedded.layout import Layout

GENTLE_SECONDS = 20.0
"""An orphan's clients died with its Bursar, so it only has its checkpoint to write."""
LEAVING_SECONDS = 5.0
"""How long the server's own children may take to notice that it died; they look every second or sooner."""

log = logging.getLogger(__name__)


def clear_orphans(layout: Layout) -> None:
    """End every PostgreSQL at work in the data folder, then remove a pid file nobody stands behind.

    The pid in the file is only a hint: whoever has that pid now is left alone unless it is PostgreSQL in this very
    folder. Raises FolderUnusable if something there cannot be ended."""
    pid = read_server_pid(layout)
    server = processes.see(pid) if pid else None
    if server and processes.works_in(server, layout.cluster):
        log.warning("stopping process %d, a PostgreSQL left behind in %s", server.pid, layout.cluster)
        processes.end(server, gentle_seconds=GENTLE_SECONDS)
    for process in processes.list_working_in(layout.cluster):
        if not processes.wait_gone(process, seconds=LEAVING_SECONDS) and not processes.end(
            process, gentle_seconds=GENTLE_SECONDS
        ):
            raise FolderUnusable(
                f"Process {process.pid} is at work in {layout.cluster} and cannot be ended.",
                hint=f"Look at it with: ps -f -p {process.pid}",
            )
    # PostgreSQL would refuse to start if a stranger of the same user had been given the pid in here.
    layout.pid_file.unlink(missing_ok=True)


def read_server_pid(layout: Layout) -> int | None:
    """The pid of the server's own pid file, if there is one."""
    lines = read_pid_file(layout)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def read_pid_file(layout: Layout) -> list[str]:
    """The lines of the server's pid file: pid, folder, start time, port, socket, address, memory, status."""
    try:
        return layout.pid_file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
