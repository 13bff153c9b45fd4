"""The embedded server's ordinary life: created, started, used, stopped, started again."""

import os
import stat
from pathlib import Path

import asyncpg
import psutil
import psycopg
import pytest

from bursar.db.embedded import running
from tests.embedded.stage import Stage, ask, find_workers, tell


async def test_a_cold_start_in_a_path_with_spaces_gives_an_address_both_drivers_understand(
    bare_stage: Stage,
) -> None:
    with running(bare_stage.data_dir) as server:
        assert server.is_owner
        assert ask(server.admin_url, "select current_database()") == "bursar"
        connection = await asyncpg.connect(server.admin_url)
        assert await connection.fetchval("show server_version") in (
            server.version,
            ask(server.admin_url, "show server_version"),
        )
        await connection.close()


def test_what_was_written_is_there_after_a_warm_start(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        tell(server.admin_url, "create table kept (amount bigint)", "insert into kept values (7)")
        first_pid = server.pid

    with running(stage.data_dir) as server:
        assert server.pid != first_pid
        assert ask(server.admin_url, "select amount from kept") == 7


def test_no_process_and_no_pid_file_is_left_after_the_end(stage: Stage) -> None:
    # The session's own server may be a child of this process, too.
    before = set(psutil.Process().children(recursive=True))
    with running(stage.data_dir):
        children = [child for child in psutil.Process().children(recursive=True) if child not in before]
        assert any(child.name() == "postgres" for child in children)

    assert [child for child in children if child.is_running()] == []
    assert find_workers(stage.folder) == []
    assert not (stage.data_dir / "postgres" / "postmaster.pid").exists()


def test_stopping_twice_is_harmless(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        server.stop()
        server.stop()

        assert server.pid is None
        assert find_workers(stage.folder) == []


def test_the_server_runs_in_a_session_of_its_own_and_never_as_root(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        assert server.pid is not None
        process = psutil.Process(server.pid)
        assert process.ppid() == os.getpid()
        assert os.getsid(server.pid) == server.pid
        assert process.uids().effective != 0


def test_the_server_is_set_up_for_books_that_survive_and_for_nobody_but_us(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        shown = {
            name: ask(server.admin_url, f"show {name}")
            for name in ("fsync", "synchronous_commit", "listen_addresses", "data_checksums", "server_encoding", "jit")
        }

        assert shown == {
            "fsync": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "jit": "off",
        }
        password = ask(server.admin_url, "select rolpassword from pg_authid where rolname = 'postgres'")
        assert password.startswith("SCRAM-SHA-256$")


def test_the_callers_settings_win_over_the_defaults(stage: Stage) -> None:
    with running(stage.data_dir, settings={"max_connections": "17", "work_mem": "5MB"}) as server:
        assert ask(server.admin_url, "show max_connections") == "17"
        assert ask(server.admin_url, "show work_mem") == "5MB"


def test_nobody_gets_in_without_the_password_which_only_we_can_read(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        password = (stage.data_dir / "postgres.password").read_text().strip()
        wrong = server.admin_url.replace(password, "guessed")

        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(wrong, "select 1")

        assert _mode(stage.data_dir / "postgres.password") == 0o600
        assert _mode(stage.data_dir / "postgres.log") == 0o600
        assert _mode(stage.data_dir / "postgres-socket") == 0o700
        assert _mode(stage.data_dir / "postgres") == 0o700


@pytest.mark.parametrize("name", ["x" * 120, "a, b + ü"], ids=["long", "odd"])
def test_a_path_unfit_for_a_socket_gets_its_socket_elsewhere(stage: Stage, name: str) -> None:
    data_dir = stage.data_dir.rename(stage.folder / name)

    with running(data_dir) as server:
        elsewhere = Path((data_dir / "postgres-socket.path").read_text())
        assert len(os.fsencode(elsewhere / ".s.PGSQL.5432")) <= 90
        assert _mode(elsewhere) == 0o700
        assert ask(server.admin_url, "select 1") == 1

    assert not elsewhere.exists()


def test_an_overgrown_log_is_kept_once_and_begun_anew(stage: Stage) -> None:
    with running(stage.data_dir):
        pass
    log = stage.data_dir / "postgres.log"
    log.write_bytes(b"an old line\n" * 1_000_000)

    with running(stage.data_dir):
        assert log.stat().st_size < 100_000
        assert (stage.data_dir / "postgres.log.1").read_bytes().startswith(b"an old line\n")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
