"""The contracts of `.importlinter` hold, and each of them catches what it forbids.

A contract that passes proves little by itself: a typing mistake in it would pass as well. So each is given a copy
of the sources with one planted violation, and must fail by name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checkout import ROOT

DOWN = "Imports point down"
PURE = "The domain is pure"
SQL = "SQL lives in db, ledger, store, reports"
HTTP = "HTTP lives at the edges"
WATCHING = "Whoever watches is known in outside"
DOOR = "The ledger has one door"
CYCLES = "No cycles between siblings"

# What is planted where, and the contract that must catch it.
PLANTED = [
    (DOWN, {"domain/planted.py": "import bursar.db"}),
    (DOWN, {"db/planted.py": "import bursar.ledger"}),
    (DOWN, {"ledger/planted.py": "import bursar.store"}),
    (DOWN, {"store/planted.py": "import bursar.outside"}),
    (DOWN, {"actions/planted.py": "import bursar.reports"}),
    (DOWN, {"actions/planted.py": "import bursar.api"}),
    (DOWN, {"gateway/planted.py": "import bursar.api"}),
    (DOWN, {"worker/planted.py": "import bursar.compose"}),
    (DOWN, {"reports/planted.py": "def late() -> None:\n    import bursar.cli"}),
    (DOWN, {"client/planted.py": "from bursar.domain.credits import Credits"}),
    (DOWN, {"client/planted.py": "import bursar.api"}),
    (DOWN, {"domain/planted.py": "import bursar.client"}),
    (DOWN, {"shortcuts/__init__.py": "from bursar import domain"}),
    (PURE, {"domain/planted.py": "import asyncpg"}),
    (PURE, {"domain/planted.py": "from pydantic import BaseModel"}),
    (PURE, {"domain/planted.py": "import random"}),
    (PURE, {"domain/planted.py": "from os import environ"}),
    (SQL, {"actions/planted.py": "import asyncpg"}),
    (SQL, {"api/planted.py": "import psycopg"}),
    (SQL, {"cli/planted.py": "from sqlalchemy import text"}),
    (HTTP, {"store/planted.py": "import fastapi"}),
    (HTTP, {"actions/planted.py": "from starlette.requests import Request"}),
    (WATCHING, {"gateway/planted.py": "from prometheus_client import Counter"}),
    (WATCHING, {"actions/planted.py": "def late() -> None:\n    from opentelemetry import trace"}),
    (DOOR, {"ledger/planted.py": "", "actions/other.py": "from bursar.ledger.planted import anything"}),
    (DOOR, {"ledger/planted.py": "", "reports/other.py": "import bursar.ledger.planted"}),
    (CYCLES, {"store/one.py": "import bursar.store.two", "store/two.py": "import bursar.store.one"}),
    (
        CYCLES,
        {
            "api/left/__init__.py": "",
            "api/left/a.py": "import bursar.api.right.b",
            "api/right/__init__.py": "",
            "api/right/b.py": "import bursar.api.left.c",
            "api/left/c.py": "",
        },
    ),
]


def lint_imports(sources: Path) -> tuple[int, str]:
    """Run import-linter on the package below `sources`; its exit code and what it printed."""
    ended = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache", "--config", ROOT / ".importlinter"],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": str(sources), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def broken_contracts(printed: str) -> set[str]:
    """The names of the contracts that import-linter calls broken."""
    return {line.removesuffix(" BROKEN").strip() for line in printed.splitlines() if line.endswith(" BROKEN")}


def copy_sources(root: Path) -> Path:
    """A copy of the package that may be spoilt."""
    ignored = shutil.ignore_patterns("__pycache__", "_console")
    shutil.copytree(ROOT / "src" / "bursar", root / "bursar", ignore=ignored)
    return root


def test_every_contract_holds() -> None:
    code, printed = lint_imports(ROOT / "src")

    assert code == 0, printed
    assert "7 kept, 0 broken" in printed


@pytest.mark.parametrize(("contract", "planted"), PLANTED)
def test_a_planted_violation_is_caught(tmp_path: Path, contract: str, planted: dict[str, str]) -> None:
    sources = copy_sources(tmp_path)
    for name, text in planted.items():
        path = sources / "bursar" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")

    code, printed = lint_imports(sources)

    assert code == 1, printed
    if "shortcuts/__init__.py" in planted:
        assert "shortcuts" in printed
    else:
        assert contract in broken_contracts(printed), printed


def test_every_contract_has_a_planted_violation() -> None:
    configured = {
        line.removeprefix("name = ")
        for line in (ROOT / ".importlinter").read_text(encoding="utf-8").splitlines()
        if line.startswith("name = ")
    }

    assert {contract for contract, _ in PLANTED} == configured
