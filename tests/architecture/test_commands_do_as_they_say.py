"""The Makefile, the set-up scripts and `.ci/run`: what they list, choose, say and return."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.checkout import ROOT
from tests.architecture.test_documents_hold_together import documents

NEW_ENOUGH = "exit 0"
TOO_OLD = 'case "$*" in *"-c"*) exit 1;; esac'
WITHOUT_VENV = 'case "$*" in *ensurepip*) exit 1;; *-venv*) echo python3.12-venv;; esac'


def run(script: Path, *, fakes: dict[str, str], folder: Path, **environment: str) -> tuple[int, str]:
    """Run a script of this checkout on a machine that has these programs only; its exit code and what it printed."""
    programs = folder / "programs"
    programs.mkdir()
    for name, text in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    for name in ("bash", "cat", "dirname", "mkdir", "mktemp", "rm", "sed", "sh", "tail"):
        if name not in fakes and (found := shutil.which(name)):
            (programs / name).symlink_to(found)
    ended = subprocess.run(
        [script],
        cwd=folder,
        env={"PATH": str(programs), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


def targets() -> dict[str, str]:
    """The targets of the Makefile that have a sentence, with it."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z][a-z-]*):.*?## (.+)$", text, re.MULTILINE))


def test_make_help_lists_every_target_with_a_sentence() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert len(targets()) >= 15
    for name, sentence in targets().items():
        assert f"make {name} " in printed
        assert sentence.endswith((".", ")."))
        assert sentence in printed


def test_every_make_command_in_the_documents_exists() -> None:
    mentioned = {
        (page.name, name)
        for page in documents(ROOT)
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert mentioned
    assert sorted(pair for pair in mentioned if pair[1] not in targets()) == []


def test_every_target_can_be_planned() -> None:
    for name in targets():
        planned = subprocess.run(["make", "-n", name], cwd=ROOT, capture_output=True, text=True, check=False)

        assert planned.returncode == 0, planned.stderr


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3.13": NEW_ENOUGH, "python3.12": NEW_ENOUGH, "python3": NEW_ENOUGH}, "python3.13"),
        ({"python3.11": NEW_ENOUGH, "python3": NEW_ENOUGH}, "python3.11"),
        ({"python3.13": TOO_OLD, "python3": NEW_ENOUGH}, "python3"),
    ],
)
def test_the_newest_python_that_works_is_chosen(tmp_path: Path, pythons: dict[str, str], chosen: str) -> None:
    fakes = {name: f'case "$*" in *"venv --clear"*) mkdir .venv;; esac\n{text}' for name, text in pythons.items()}

    code, printed = run(ROOT / "scripts/make-venv", fakes=fakes, folder=tmp_path)

    assert code == 0, printed
    assert printed.strip().endswith(f"programs/{chosen}) ...")
    assert (tmp_path / ".venv/made-in").read_text(encoding="utf-8").strip() == str(tmp_path)


def test_a_machine_without_a_new_python_is_told_so(tmp_path: Path) -> None:
    code, printed = run(ROOT / "scripts/make-venv", fakes={"python3": TOO_OLD}, folder=tmp_path)

    assert code == 1
    assert "No Python 3.11 or newer was found" in printed
    assert "hint:" in printed


def test_a_python_without_venv_is_named_plainly(tmp_path: Path) -> None:
    fakes = {"python3.12": WITHOUT_VENV, "id": "echo 1000"}

    code, printed = run(ROOT / "scripts/make-venv", fakes=fakes, folder=tmp_path)

    assert code == 1
    assert "its venv module is missing" in printed
    assert "apt-get install python3.12-venv" in printed


def test_root_on_debian_gets_the_missing_venv(tmp_path: Path) -> None:
    # This Python lacks ensurepip until apt-get has run.
    python = """case "$*" in
*"venv --clear"*) mkdir .venv;;
*"import ensurepip"*) [ -e installed ];;
*-venv*) echo python3.12-venv;;
esac"""
    apt = 'echo "$*" >> apt.log; case "$*" in *install*python3.12-venv) echo > installed;; esac'
    fakes = {"python3.12": python, "id": "echo 0", "apt-get": apt}

    code, printed = run(ROOT / "scripts/make-venv", fakes=fakes, folder=tmp_path)

    assert code == 0, printed
    assert "Installing python3.12-venv" in printed
    assert len((tmp_path / "apt.log").read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("works", [True, False])
def test_root_on_debian_gets_a_browser(tmp_path: Path, works: bool) -> None:
    browser = "echo > programs/chromium; chmod +x programs/chromium"
    install = f'case "$*" in *install*chromium*) {browser};; esac' if works else "echo no network; exit 100"
    fakes = {"id": "echo 0", "apt-get": install, "chmod": f'{shutil.which("chmod")} "$@"'}

    code, printed = run(ROOT / "scripts/need-browser", fakes=fakes, folder=tmp_path, CI="true")

    assert code == (0 if works else 1), printed
    assert "Installing Chromium" in printed
    assert ("NO BROWSER FOUND" in printed) == (not works)
    assert ("no network" in printed) == (not works)


@pytest.mark.parametrize(("ci", "expected"), [("", 0), ("true", 1)])
def test_a_missing_browser_is_loud_on_a_laptop_and_a_failure_in_ci(tmp_path: Path, ci: str, expected: int) -> None:
    code, printed = run(ROOT / "scripts/need-browser", fakes={"id": "echo 1000"}, folder=tmp_path, CI=ci)

    assert code == expected
    assert "NO BROWSER FOUND" in printed


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_browser_that_is_there_is_enough(tmp_path: Path, name: str) -> None:
    code, printed = run(ROOT / "scripts/need-browser", fakes={name: ""}, folder=tmp_path, CI="true")

    assert (code, printed) == (0, "")


@pytest.mark.parametrize(
    ("check", "test", "expected"), [(0, 0, 0), (0, 1, 1), (2, 0, 2), (2, 1, 1)], ids=["fine", "test", "check", "both"]
)
def test_ci_runs_both_commands_and_ends_with_pytests_line(tmp_path: Path, check: int, test: int, expected: int) -> None:
    error = f'echo "make: *** [Makefile:9: $1] Error {test or check}" >&2'
    fakes = {
        "make": f"""echo "CI=$CI make $1"
case $1 in
check) [ {check} = 0 ] || {error}; exit {check};;
test) echo "7 passed in 1.00s"; [ {test} = 0 ] || {error}; exit {test};;
esac"""
    }

    code, printed = run(ROOT / ".ci/run", fakes=fakes, folder=tmp_path)

    assert code == expected
    assert "CI=true make check\n" in printed
    assert "CI=true make test\n" in printed
    assert printed.splitlines()[-1] == "7 passed in 1.00s"
    assert ("make check FAILED" in printed) == (check != 0)


def test_the_scripts_may_be_run() -> None:
    for name in (".ci/run", "scripts/make-venv", "scripts/need-browser"):
        assert os.access(ROOT / name, os.X_OK), name
