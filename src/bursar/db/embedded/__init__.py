"""A PostgreSQL of Bursar's own: found, created, started, guarded and stopped without anyone noticing.

`with running(data_dir) as server:` gives a server and its address. What the data folder holds is in `layout`, who may
use it in `ownership`, what happens after a crash in `orphans` and `watchdog`. Schema and connections live in
`bursar.db`, not here."""

from bursar.db.embedded.faults import (
    BinariesMissing,
    EmbeddedFault,
    FolderUnusable,
    JoinRefused,
    ServerDied,
    VersionMismatch,
)
from bursar.db.embedded.server import EmbeddedServer, running

__all__ = [
    "BinariesMissing",
    "EmbeddedFault",
    "EmbeddedServer",
    "FolderUnusable",
    "JoinRefused",
    "ServerDied",
    "VersionMismatch",
    "running",
]
