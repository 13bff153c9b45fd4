"""Telling processes apart, by /proc and by `ps` alike."""

import os
import subprocess
import sys

import pytest

from bursar.db.embedded import processes, running
from tests.embedded.stage import Stage


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has both ways to look at processes")
def test_ps_tells_of_a_server_what_proc_tells(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(stage.data_dir) as server:
        assert server.pid is not None
        by_proc = processes.see(server.pid)
        monkeypatch.setattr(processes, "_has_proc", lambda: False)
        by_ps = processes.see(server.pid)
        working = processes.list_working_in(stage.data_dir / "postgres")

        assert by_proc is not None
        assert by_ps is not None
        assert (by_ps.pid, by_ps.parent, by_ps.name) == (by_proc.pid, os.getpid(), "postgres")
        assert by_ps.data_folder == by_proc.data_folder == str(stage.data_dir / "postgres")
        assert working == [by_ps]


def test_a_server_of_a_folder_whose_name_begins_alike_is_another(stage: Stage) -> None:
    beside = stage.data_dir.rename(stage.folder / "postgres and more")
    with running(beside):
        assert processes.list_working_in(beside / "postgres") != []
        assert processes.list_working_in(stage.folder / "postgres") == []


def test_the_start_time_tells_a_process_from_a_later_one_with_its_pid() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        seen = processes.see(child.pid)
        assert seen is not None
        earlier = processes.Seen(**{**vars(seen), "started": "long ago"})

        assert processes.is_alive(seen)
        assert not processes.is_alive(earlier)
        assert processes.end(earlier)
        assert child.poll() is None
        child.kill()
    assert not processes.is_alive(seen)
