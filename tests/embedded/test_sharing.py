"""Two Bursars, one data folder: the second joins, or is told plainly why not."""

import os
import re
import shutil
from pathlib import Path

import pytest

import bursar.db.embedded.server as server_module
from bursar.db.embedded import FolderUnusable, JoinRefused, VersionMismatch, running
from tests.embedded.stage import Stage, ask, find_workers, skip_loudly, tell, wait_for
from tests.embedded.unprivileged import find_python_for_nobody


def test_a_second_bursar_joins_the_first_and_leaves_its_server_running(stage: Stage) -> None:
    owner = stage.open()
    tell(owner.url, "create table kept (amount bigint)", "insert into kept values (7)")

    with running(stage.data_dir) as guest:
        assert not guest.is_owner
        assert guest.pid == owner.facts["pid"]
        assert guest.version == owner.facts["version"]
        guest.ensure_running()
        assert ask(guest.admin_url, "select amount from kept") == 7

    assert ask(owner.url, "select amount from kept") == 7


def test_a_guest_is_told_when_the_owner_is_gone(stage: Stage) -> None:
    owner = stage.open()
    with running(stage.data_dir) as guest:
        owner.leave()

        with pytest.raises(JoinRefused, match="has ended, and the server with it"):
            guest.ensure_running()


def test_a_guest_outlasts_a_restart_of_the_server(stage: Stage) -> None:
    owner = stage.open()
    with running(stage.data_dir) as guest:
        killed = owner.facts["pid"]
        owner.server.kill()

        wait_for(lambda: guest.pid not in (None, killed), what="the owner to restart PostgreSQL")
        guest.ensure_running()
        assert ask(guest.admin_url, "select 1") == 1


def test_of_two_that_begin_at_once_one_owns_and_one_joins(bare_stage: Stage) -> None:
    both = [bare_stage.launch(), bare_stage.launch()]
    for each in both:
        each.facts = each.read()
        assert "fault" not in each.facts, each.facts

    assert sorted(each.facts["is_owner"] for each in both) == [False, True]
    assert len({each.facts["pid"] for each in both}) == 1
    for each in sorted(both, key=lambda one: bool(one.facts["is_owner"])):
        assert each.leave() == 0


def test_who_waits_for_an_owner_that_dies_becomes_the_owner(bare_stage: Stage) -> None:
    first = bare_stage.launch()
    wait_for(lambda: any(bare_stage.data_dir.glob("postgres.new-*")), what="the first to be creating the cluster")
    second = bare_stage.launch()

    first.kill()

    assert second.read()["is_owner"]


def test_a_guest_the_server_does_not_let_in_is_told_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "UNREACHABLE_SECONDS_MAX", 0.1)
    owner = stage.open()
    (stage.data_dir / "postgres.password").write_text("not the password\n")

    with pytest.raises(JoinRefused, match="password authentication failed") as refused:
        running(stage.data_dir).__enter__()

    assert f"Bursar (process {owner.pid}) owns the data folder" in refused.value.sentence


def test_a_stranger_is_told_who_owns_the_folder(stage: Stage) -> None:
    if os.geteuid() != 0:
        skip_loudly("only root can start a second process as another user")
    with running(stage.data_dir):
        stranger = stage.open(**find_python_for_nobody(stage))

    assert stranger.facts["fault"] == "JoinRefused"
    assert f"Bursar (process {os.getpid()}) owns the data folder" in stranger.facts["said"]
    assert "postgres.password cannot be read: Permission denied" in stranger.facts["said"]
    assert f"as the user of process {os.getpid()}" in stranger.facts["said"]


def test_a_stranger_shut_out_of_the_folder_is_told_who_works_in_it(stage: Stage) -> None:
    if os.geteuid() != 0:
        skip_loudly("only root can start a second process as another user")
    with running(stage.data_dir):
        stage.data_dir.chmod(0o700)
        stranger = stage.open(**find_python_for_nobody(stage))

    assert stranger.facts["fault"] == "FolderUnusable"
    assert f"Process {os.getpid()} owns it and runs its PostgreSQL" in stranger.facts["said"]


def test_a_guest_that_wants_another_version_is_refused_with_both(stage: Stage, postgres_16: Path) -> None:
    owner = stage.open()
    major = owner.facts["version"].partition(".")[0]

    with pytest.raises(VersionMismatch, match=rf"runs PostgreSQL {major}\..* asked to use version 16\."):
        running(stage.data_dir, binaries=postgres_16).__enter__()


def test_a_cluster_of_another_version_is_refused_with_both_and_with_what_to_do(stage: Stage) -> None:
    (stage.data_dir / "postgres" / "PG_VERSION").write_text("14\n")

    with pytest.raises(VersionMismatch) as refused:
        running(stage.data_dir).__enter__()

    assert "was made by PostgreSQL 14, but the programs in" in refused.value.sentence
    assert "are version 1" in refused.value.sentence
    assert refused.value.hint.startswith("Install PostgreSQL 14 and set BURSAR_POSTGRES_BIN to its bin folder.")


def test_a_cluster_of_a_version_the_machine_has_is_refused_with_where_it_is(
    bare_stage: Stage, postgres_16: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(bare_stage.data_dir, binaries=postgres_16):
        pass
    monkeypatch.delenv("BURSAR_POSTGRES_BIN", raising=False)
    monkeypatch.setenv("PATH", f"{postgres_16}:{os.environ['PATH']}")

    with pytest.raises(VersionMismatch, match=f"hint: Set BURSAR_POSTGRES_BIN={re.escape(str(postgres_16))} to go on"):
        running(bare_stage.data_dir).__enter__()

    assert find_workers(bare_stage.folder) == []


def test_a_lost_password_is_said_plainly(stage: Stage) -> None:
    (stage.data_dir / "postgres.password").unlink()

    with pytest.raises(FolderUnusable, match=r"postgres\.password cannot be read: No such file"):
        running(stage.data_dir).__enter__()

    assert find_workers(stage.folder) == []
    shutil.rmtree(stage.data_dir)
