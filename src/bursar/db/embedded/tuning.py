"""How the embedded server is set up: for two cores, a laptop's memory and books that must survive a power cut."""

from collections.abc import Mapping
from pathlib import Path

DEFAULTS: Mapping[str, str] = {
    # Every acknowledged transfer is on disk. These two are never a place to gain speed.
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "100",
    # Fewer, larger checkpoints write fewer full pages; compressing those is cheaper than writing them.
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    # Log files that a checkpoint has done with are kept to be used again: making a new one stops commits for a moment.
    "min_wal_size": "512MB",
    "wal_buffers": "16MB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # Our statements are short: compiling one takes longer than running it.
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "bursar",
}


def list_options(asked: Mapping[str, str], *, socket_folder: Path, port: int) -> list[str]:
    """The `-c` options for the server: our defaults, what the caller asks over them, and where it listens."""
    fixed = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "port": str(port),
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    chosen = {**DEFAULTS, **asked, **fixed}
    return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
