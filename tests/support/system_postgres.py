"""A PostgreSQL of the operating system for one test session, where Bursar's own embedded server is not to be had.

It listens on a socket in a temporary folder only, and asks for passwords, so that signing in is tested as well."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

PASSWORD: Final = "not a secret: a test server"
START_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 30


@contextmanager
def system_postgres(settings: Mapping[str, str]) -> Iterator[str]:
    """Starts a new server with these settings and yields its superuser's URL; nothing is left of it afterwards."""
    binaries = _newest_binaries()
    with tempfile.TemporaryDirectory(prefix="bursar-test-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o711)
        password_file = home / "password"
        password_file.write_text(PASSWORD)
        (home / "server").mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (password_file, home / "server"):
                os.chown(path, user.pw_uid, user.pw_gid)
        _make_cluster(binaries, home)
        process = _start(binaries, home, settings)
        try:
            url = f"postgresql://postgres:{quote(PASSWORD)}@/postgres?host={quote(str(home / 'server'), safe='')}"
            _wait_until_ready(url, process)
            yield url
        finally:
            # Immediate: nothing of this server is needed any more.
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_TIMEOUT_SECONDS)


def _newest_binaries() -> Path:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if candidates:
        return candidates[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise RuntimeError(
            "No PostgreSQL found; set BURSAR_TEST_DATABASE_URL to a superuser's URL of a PostgreSQL 15+."
        )
    return Path(on_path).resolve().parent


def _as_server_user() -> list[str]:
    """PostgreSQL refuses to run as root. It gets an interrupt when we die, however we die."""
    other_user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *other_user, "--pdeathsig=QUIT", "--"]


def _make_cluster(binaries: Path, home: Path) -> None:
    subprocess.run(
        [
            *_as_server_user(),
            str(binaries / "initdb"),
            f"--pgdata={home / 'server' / 'cluster'}",
            "--username=postgres",
            f"--pwfile={home / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
    )


def _start(binaries: Path, home: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *_as_server_user(),
                str(binaries / "postgres"),
                "-D",
                str(home / "server" / "cluster"),
                "-k",
                str(home / "server"),
                "-c",
                "listen_addresses=",
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            cwd="/",
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
