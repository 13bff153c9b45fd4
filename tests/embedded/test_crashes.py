"""What is left when Bursar or PostgreSQL dies, and what the next start makes of it."""

import os
import pty
import signal
import subprocess
import sys
from functools import partial

import psutil
import pytest

from bursar.db.embedded import ServerDied, running
from tests.embedded.stage import SOURCES, Stage, ask, find_workers, is_gone, tell, wait_for


def test_the_server_is_gone_soon_after_its_bursar_was_killed_and_the_books_are_there_next_time(stage: Stage) -> None:
    owner = stage.open()
    tell(owner.url, "create table kept (amount bigint)", "insert into kept values (7)")

    owner.kill()

    wait_for(lambda: not find_workers(stage.folder), what="the watchdog to stop PostgreSQL", seconds=10)
    assert "database system is shut down" in (stage.data_dir / "postgres.log").read_text()
    assert ask_after_restart(stage, "select amount from kept") == 7


def test_a_server_orphaned_without_its_watchdog_is_stopped_at_the_next_start(stage: Stage) -> None:
    owner = stage.open()
    tell(owner.url, "create table kept (amount bigint)", "insert into kept values (7)")
    orphan = owner.server
    # Held still first, or it would replace its watchdog.
    os.kill(owner.pid, signal.SIGSTOP)
    owner.watchdog.kill()
    owner.kill()
    assert orphan.is_running()

    assert ask_after_restart(stage, "select amount from kept") == 7

    assert is_gone(orphan)


def test_a_killed_server_runs_again_by_itself_with_the_books_as_they_were(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        tell(server.admin_url, "create table kept (amount bigint)", "insert into kept values (7)")
        killed = server.pid
        assert killed is not None

        os.kill(killed, signal.SIGKILL)

        wait_for(lambda: server.pid not in (None, killed), what="PostgreSQL to run again")
        server.ensure_running()
        assert ask(server.admin_url, "select amount from kept") == 7


def test_ensure_running_outlasts_a_restart(stage: Stage) -> None:
    with running(stage.data_dir) as server:
        for _ in range(3):
            killed = server.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            wait_for(partial(is_gone, killed), what="the kill to take effect")

            server.ensure_running()

            assert server.pid != killed
            assert ask(server.admin_url, "select 1") == 1
        assert [child.status() for child in psutil.Process().children()].count(psutil.STATUS_ZOMBIE) == 0


def test_a_killed_watchdog_is_replaced_and_the_new_one_watches(stage: Stage) -> None:
    owner = stage.open()
    first = owner.watchdog

    first.kill()

    wait_for(lambda: not first.is_running() and len(_watchdogs(owner.pid)) == 1, what="another watchdog")
    wait_for(lambda: owner.ensure() == {"pid": owner.facts["pid"]}, what="the owner's answer")
    owner.kill()
    wait_for(lambda: not find_workers(stage.folder), what="the new watchdog to stop PostgreSQL", seconds=10)


def test_a_stranger_with_the_pid_of_a_stale_pid_file_is_left_alone(stage: Stage) -> None:
    with running(stage.data_dir):
        pid_file = stage.data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    owner_of_cluster = pid_file.parent.stat()
    # Of the same user, because PostgreSQL itself is only misled by a live process it could signal.
    as_user = {"user": owner_of_cluster.st_uid, "group": owner_of_cluster.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], cwd="/", **as_user) as stranger:  # type: ignore[call-overload]
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        os.chown(pid_file, owner_of_cluster.st_uid, owner_of_cluster.st_gid)

        with running(stage.data_dir) as server:
            assert ask(server.admin_url, "select 1") == 1

        assert stranger.poll() is None
        stranger.kill()


def test_a_postgresql_of_another_folder_with_that_pid_is_left_alone(stage: Stage) -> None:
    with running(stage.data_dir):
        pid_file = stage.data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    with running(stage.folder / "another") as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        os.chown(pid_file, pid_file.parent.stat().st_uid, pid_file.parent.stat().st_gid)
        before = other.pid

        with running(stage.data_dir) as server:
            assert ask(server.admin_url, "select 1") == 1

        assert other.pid == before
        assert ask(other.admin_url, "select 1") == 1


def test_a_person_standing_in_the_cluster_is_no_orphan(stage: Stage) -> None:
    owner = stage.open()
    with subprocess.Popen(["sleep", "600"], cwd=stage.data_dir / "postgres") as person:
        os.kill(owner.pid, signal.SIGSTOP)
        owner.watchdog.kill()
        owner.kill()

        assert ask_after_restart(stage, "select 1") == 1

        assert person.poll() is None
        person.kill()


def test_a_zombie_with_the_pid_of_the_pid_file_is_dead(stage: Stage) -> None:
    with running(stage.data_dir):
        pid_file = stage.data_dir / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    # It is ours and not waited for, so it stays a zombie until the end of this block.
    with subprocess.Popen(["true"]) as zombie:
        wait_for(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE, what="a zombie")
        pid_file.write_text("\n".join([str(zombie.pid), *lines[1:]]) + "\n")
        os.chown(pid_file, pid_file.parent.stat().st_uid, pid_file.parent.stat().st_gid)

        assert ask_after_restart(stage, "select 1") == 1


def test_a_creation_killed_half_way_leaves_nothing_that_hinders_the_next(bare_stage: Stage) -> None:
    stage = bare_stage
    owner = stage.launch()
    wait_for(lambda: any(stage.data_dir.glob("postgres.new-*/cluster/base")), what="initdb to be at work")

    owner.kill()

    assert not (stage.data_dir / "postgres").exists()
    assert ask_after_restart(stage, "select 1") == 1
    assert list(stage.data_dir.glob("postgres.new-*")) == []


def test_ctrl_c_in_a_terminal_reaches_bursar_alone_which_stops_the_server(stage: Stage) -> None:
    terminal, inside = pty.openpty()
    take_terminal = (
        "import fcntl, os, sys, termios\n"
        "os.setsid()\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    owner = stage.open(before=(sys.executable, "-c", take_terminal), stdin=inside, process_group=None)
    assert psutil.Process(owner.pid).terminal() is not None
    assert owner.server.terminal() is None
    assert owner.watchdog.terminal() is None

    os.write(terminal, b"\x03")

    assert owner.popen.wait(20) == 0
    assert find_workers(stage.folder) == []
    said = (stage.data_dir / "postgres.log").read_text()
    assert said.rindex("received fast shutdown request") < said.rindex("database system is shut down")
    os.close(terminal)
    os.close(inside)


def test_a_server_that_cannot_come_back_is_tried_until_it_can(stage: Stage) -> None:
    configuration = stage.data_dir / "postgres" / "postgresql.conf"
    right = configuration.read_text()
    with running(stage.data_dir) as server:
        assert server.pid is not None
        configuration.write_text("work_mem = nonsense\n")
        os.kill(server.pid, signal.SIGKILL)
        wait_for(partial(is_gone, server.pid), what="the kill to take effect")

        with pytest.raises(ServerDied, match="work_mem"):
            server.ensure_running()

        configuration.write_text(right)
        wait_for(lambda: server.pid is not None, what="the supervisor to try again")
        server.ensure_running()
        assert ask(server.admin_url, "select 1") == 1


def test_a_forked_child_neither_stops_the_server_nor_keeps_it_owned(stage: Stage) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from bursar.db.embedded import ServerDied, running\n"
        "with running(Path(sys.argv[1])) as server:\n"
        "    if os.fork() == 0:\n"
        "        print(os.getpid(), flush=True)\n"
        "        time.sleep(600)\n"
        "    time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(stage.data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=environment,
    ) as parent:
        assert parent.stdout is not None
        forked = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

        wait_for(
            lambda: not find_workers(stage.folder, name="postgres"), what="the watchdog to stop PostgreSQL", seconds=10
        )
        with running(stage.data_dir) as server:
            assert server.is_owner
            assert forked.is_running()
        forked.kill()


def test_a_server_that_cannot_start_says_why_with_its_last_words(stage: Stage) -> None:
    owner = stage.open(None, "shared_buffers=nonsense")

    assert owner.facts["fault"] == "ServerDied"
    assert 'invalid value for parameter "shared_buffers": "nonsense"' in owner.facts["said"]
    assert owner.leave() == 1
    assert find_workers(stage.folder) == []


def ask_after_restart(stage: Stage, statement: str) -> object:
    """What the next Bursar in the folder answers."""
    with running(stage.data_dir) as server:
        assert server.is_owner
        return ask(server.admin_url, statement)


def _watchdogs(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if any("watchdog" in word for word in child.cmdline())]
